// What prometheus.yml looks like when Prometheus prints it: the keys of each section in order,
// their defaults, and which values are secret. Source: the configuration reference of Prometheus 3.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin {

enum class FieldKind : uint8_t {
  kText,
  kPath,  // resolved against the folder of the file that names it
  kUrl,   // its password is hidden
  kBool,
  kNumber,
  kDuration,
  kByteSize,
  kSecret,
  kTextList,
  kFlowList,  // a list on one line
  kPathList,
  kSecretList,
  kTextMap,
  kSecretMap,  // every value is hidden
  kListMap,    // name -> list of texts
  kSecretListMap,
  kSection,
  kSectionList,
  kSectionMap,  // name -> section
  kInline,      // the fields of a section, on this level
  kDiscovery,   // every *_sd_configs and static_configs key, by name; `fields`: those known in
                // detail
  kForeign,     // a section this program does not read: as written, likely secrets hidden by key
};

struct Field {
  std::string_view key;
  FieldKind kind = FieldKind::kText;
  // Printed when the key is not written; empty: then nothing is printed.
  std::string_view fallback = {};
  std::span<const Field> fields = {};
  // Printed even when it is zero, false or "".
  bool always = false;
};

// Of the whole file.
std::span<const Field> MainConfigFields();

}  // namespace tocsin
