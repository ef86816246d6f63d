#include "storage/config/url.h"

#include <algorithm>

#include "storage/config/secret.h"

namespace tocsin {

std::string WithoutUrlPassword(const std::string& text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const size_t begin = scheme + 3;
  const size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  const size_t at = text.rfind('@', end == text.size() ? std::string::npos : end);
  if (at == std::string::npos || at < begin) return text;
  const size_t colon = text.find(':', begin);
  if (colon == std::string::npos || colon > at) return text;
  return text.substr(0, colon + 1) + std::string(kSecretText) + text.substr(at);
}

}  // namespace tocsin
