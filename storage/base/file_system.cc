#include "storage/base/file_system.h"

#include <glob.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace tocsin {
namespace {

class DiskFileSystem final : public FileSystem {
 public:
  Result<std::string> ReadFile(const std::string& path, size_t max_bytes) const override {
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (!file) {
      const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
      return Error(code, "open " + path + ": " + std::strerror(errno));
    }
    std::string text;
    char buffer[16384];
    while (size_t n = std::fread(buffer, 1, sizeof buffer, file.get())) {
      if (text.size() + n > max_bytes) {
        return Error(ErrorCode::kLimit,
                     "read " + path + ": larger than " + std::to_string(max_bytes) + " bytes");
      }
      text.append(buffer, n);
    }
    if (std::ferror(file.get())) {
      return Error(ErrorCode::kIo, "read " + path + ": " + std::strerror(errno));
    }
    return text;
  }

  std::vector<std::string> Glob(const std::string& pattern) const override {
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    globfree(&found);
    return paths;
  }
};

}  // namespace

FileSystem& RealFileSystem() {
  static DiskFileSystem instance;
  return instance;
}

std::string ResolvePath(std::string_view base_file, std::string_view path) {
  if (path.empty() || path.front() == '/') return std::string(path);
  const size_t slash = base_file.rfind('/');
  if (slash == std::string_view::npos) return std::string(path);
  return std::string(base_file.substr(0, slash + 1)) + std::string(path);
}

}  // namespace tocsin
