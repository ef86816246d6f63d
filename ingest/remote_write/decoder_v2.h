// io.prometheus.write.v2.Request (remote write 2.0) read off the wire.
#pragma once

#include <string_view>

#include "ingest/remote_write/write_request.h"

namespace tocsin::ingest {

// Ends at the sink's first error. kInvalidArgument when the body is malformed or its table of
// symbols is: what the sink got until then is to be thrown away. A series that names symbols which
// are not there goes to OnInvalidSeries. Memory is bounded by the size of the body.
Status DecodeWriteRequestV2(std::string_view body, WriteRequestSink& sink);

}  // namespace tocsin::ingest
