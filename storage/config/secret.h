// A string that must not be shown: logs, errors and the API print <secret>.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

inline constexpr std::string_view kSecretText = "<secret>";

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  // The one way to the text: call it where it goes onto the wire, nowhere else.
  const std::string& Reveal() const { return value_; }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

}  // namespace tocsin
