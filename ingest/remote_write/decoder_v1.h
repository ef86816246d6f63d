// prometheus.WriteRequest (remote write 1.0) read off the wire.
#pragma once

#include <string_view>

#include "ingest/remote_write/write_request.h"

namespace tocsin::ingest {

// Ends at the sink's first error. kInvalidArgument when the body is malformed: what the sink got
// until then is to be thrown away. Memory is bounded by the size of the body.
Status DecodeWriteRequest(std::string_view body, WriteRequestSink& sink);

}  // namespace tocsin::ingest
