// Environment variables in the configuration: $NAME and ${NAME} in the values of external_labels,
// nowhere else.
#pragma once

#include "storage/config/yaml_reader.h"

namespace tocsin {

// `root`: a whole prometheus.yml. "$$" is a dollar; a variable that is not set is empty, with a
// warning, as in Prometheus (Go's os.Expand).
void ExpandExternalLabels(YamlNode& root, ConfigWarnings& warnings);

}  // namespace tocsin
