#include "alerting/notify/secret_source.h"

namespace tocsin::alerting {

Result<std::string> SecretSource::Read(const FileSystem& files) const {
  if (file.empty()) return value.Reveal();
  auto text = files.ReadFile(file, 1u << 20);
  if (!text.ok()) return text.error();
  const size_t begin = text->find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return std::string();
  return text->substr(begin, text->find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace tocsin::alerting
