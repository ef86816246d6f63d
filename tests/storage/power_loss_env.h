// A disk that forgets what was not synced: counts what reached each file and what of it was synced,
// and cuts every file back to that when the power goes.
#pragma once

#include <rocksdb/env.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tocsin::storage {

class PowerLossEnv final : public rocksdb::EnvWrapper {
 public:
  PowerLossEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& options) override {
    const auto status = target()->NewWritableFile(name, out, options);
    if (!status.ok()) return status;
    {
      std::lock_guard lock(mutex_);
      synced_[name] = 0;
    }
    *out = std::make_unique<File>(std::move(*out), name, this);
    return status;
  }
  rocksdb::Status RenameFile(const std::string& from, const std::string& to) override {
    const auto status = target()->RenameFile(from, to);
    if (status.ok()) Move(from, to, /*keep=*/false);
    return status;
  }
  rocksdb::Status LinkFile(const std::string& from, const std::string& to) override {
    const auto status = target()->LinkFile(from, to);
    if (status.ok()) Move(from, to, /*keep=*/true);
    return status;
  }
  rocksdb::Status DeleteFile(const std::string& name) override {
    std::lock_guard lock(mutex_);
    synced_.erase(name);
    return target()->DeleteFile(name);
  }

  // REQUIRES: no file is open for writing any more.
  void CutPower() {
    std::lock_guard lock(mutex_);
    for (const auto& [name, size] : synced_) {
      std::error_code error;
      if (std::filesystem::exists(name, error) && std::filesystem::file_size(name, error) > size)
        std::filesystem::resize_file(name, size, error);
    }
    synced_.clear();
  }
  // Pretends to sync, for showing that the test can fail.
  bool lies = false;

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> target, std::string name, PowerLossEnv* env)
        : WritableFileWrapper(target.get()),
          target_(std::move(target)),
          name_(std::move(name)),
          env_(env) {}

    rocksdb::Status Append(const rocksdb::Slice& data) override {
      written_ += data.size();
      return target_->Append(data);
    }
    rocksdb::Status Append(const rocksdb::Slice& data,
                           const rocksdb::DataVerificationInfo& info) override {
      written_ += data.size();
      return target_->Append(data, info);
    }
    rocksdb::Status Sync() override { return Note(target_->Sync()); }
    rocksdb::Status Fsync() override { return Note(target_->Fsync()); }

   private:
    rocksdb::Status Note(rocksdb::Status status) {
      if (status.ok() && !env_->lies) env_->Synced(name_, written_);
      return status;
    }
    std::unique_ptr<rocksdb::WritableFile> target_;
    const std::string name_;
    PowerLossEnv* const env_;
    uint64_t written_ = 0;
  };

  void Synced(const std::string& name, uint64_t size) {
    std::lock_guard lock(mutex_);
    const auto it = synced_.find(name);
    if (it != synced_.end()) it->second = size;
  }
  void Move(const std::string& from, const std::string& to, bool keep) {
    std::lock_guard lock(mutex_);
    const auto it = synced_.find(from);
    if (it == synced_.end()) return;
    synced_[to] = it->second;
    if (!keep) synced_.erase(from);
  }

  std::mutex mutex_;
  std::map<std::string, uint64_t> synced_;  // bytes of each file written since the start
};

}  // namespace tocsin::storage
