#include "storage/base/plain_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tocsin {
namespace {

Error IoError(std::string_view what, const std::string& path) {
  return Error(ErrorCode::kIo, std::string(what) + " " + path + ": " + std::strerror(errno));
}

class PosixFile final : public PlainFile {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  Status Append(std::string_view bytes) override {
    // O_APPEND: one write lands in one piece behind all others.
    return Write(bytes, [this](std::string_view rest, uint64_t) {
      return ::write(fd_, rest.data(), rest.size());
    });
  }
  Status WriteAt(uint64_t offset, std::string_view bytes) override {
    return Write(bytes, [this, offset](std::string_view rest, uint64_t done) {
      return ::pwrite(fd_, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
  }

 private:
  template <typename F>
  Status Write(std::string_view bytes, F&& write) {
    for (uint64_t done = 0; done < bytes.size();) {
      const ssize_t n = write(bytes.substr(done), done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return IoError("writing", path_);
      done += static_cast<uint64_t>(n);
    }
    return OkStatus();
  }

  const int fd_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<PlainFile>> PlainFile::Open(const std::string& path, Mode mode) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (mode == Mode::kAppend ? O_APPEND : O_TRUNC);
  const int fd = ::open(path.c_str(), flags, S_IRUSR | S_IWUSR | S_IRGRP);
  if (fd < 0) return IoError("opening", path);
  return std::unique_ptr<PlainFile>(std::make_unique<PosixFile>(fd, path));
}

}  // namespace tocsin
