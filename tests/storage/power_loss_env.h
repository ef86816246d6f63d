// A disk that forgets what was not synced: counts what reached each file and what of it was synced,
// and cuts every file back to that when the power goes.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
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
    std::error_code error;
    if (std::filesystem::exists(Frozen(), error)) {
      std::filesystem::remove_all(root, error);
      std::filesystem::rename(Frozen(), root, error);
    } else {
      Forget(root);
    }
    synced_.clear();
    syncs_left = kNever;
  }

  std::string root;  // the folder that matters
  // After so many more syncs the power is gone, though nobody has noticed yet: what happens to the
  // folder from then on will not have happened.
  static constexpr int kNever = 1 << 30;
  std::atomic<int> syncs_left{kNever};
  // No sync counts, but everything else does: a disk that lies.
  std::atomic<bool> lies{false};

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
    if (syncs_left-- != 0) return;
    std::error_code error;
    std::filesystem::copy(root, Frozen(), std::filesystem::copy_options::recursive, error);
    Forget(Frozen());
  }
  std::string Frozen() const { return root + ".frozen"; }
  // Cuts the files in the folder (or in a copy of it) back to what was synced.
  void Forget(const std::string& folder) const {
    for (const auto& [name, size] : synced_) {
      if (!name.starts_with(root)) continue;
      const std::string path = folder + name.substr(root.size());
      std::error_code error;
      if (std::filesystem::exists(path, error) && std::filesystem::file_size(path, error) > size)
        std::filesystem::resize_file(path, size, error);
    }
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
