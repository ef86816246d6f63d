// YAML as the Go tools print it, so that a shown configuration can be compared with theirs.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

// What is to be printed. A value.
struct YamlText {
  enum class Kind : uint8_t { kPlain, kString, kList, kFlowList, kMap };

  Kind kind = Kind::kMap;
  std::string text;  // kPlain: as it is (a number, true); kString: quoted where it needs to be
  std::vector<YamlText> items;
  std::vector<std::pair<std::string, YamlText>> members;

  static YamlText Plain(std::string text) { return {Kind::kPlain, std::move(text), {}, {}}; }
  static YamlText String(std::string text) { return {Kind::kString, std::move(text), {}, {}}; }

  bool empty() const { return items.empty() && members.empty() && text.empty(); }
  // The block form of a document; the empty mapping is "{}\n".
  std::string Print() const;
};

// A string as a scalar: plain where a reader takes it back as this very string, else in quotes.
std::string YamlScalar(std::string_view text, bool in_flow = false);

}  // namespace tocsin
