// A disk that forgets what was not synced: counts what reached each file and what of it was synced,
// and cuts every file back to that when the power goes. Names count, too: a file that was made,
// renamed or linked has its new name for good only when its folder was synced. Deletions are kept.
#pragma once

#include <rocksdb/env.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::storage {

class PowerLossEnv final : public rocksdb::EnvWrapper {
 public:
  // What a sync is of.
  enum Kind : unsigned { kLog = 1, kTable = 2, kManifest = 4, kFolder = 8, kAll = 15 };

  PowerLossEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewWritableFile(const std::string& name,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& options) override {
    Naming naming = Before(name);
    const auto status = target()->NewWritableFile(name, out, options);
    if (!status.ok()) return status;
    {
      std::lock_guard lock(mutex_);
      synced_[name] = 0;
      namings_.push_back(std::move(naming));
    }
    *out = std::make_unique<File>(std::move(*out), name, 0, this);
    return status;
  }
  rocksdb::Status ReopenWritableFile(const std::string& name,
                                     std::unique_ptr<rocksdb::WritableFile>* out,
                                     const rocksdb::EnvOptions& options) override {
    const auto status = target()->ReopenWritableFile(name, out, options);
    if (!status.ok()) return status;
    std::error_code error;
    *out = std::make_unique<File>(std::move(*out), name, std::filesystem::file_size(name, error),
                                  this);
    return status;
  }
  rocksdb::Status NewDirectory(const std::string& name,
                               std::unique_ptr<rocksdb::Directory>* out) override {
    const auto status = target()->NewDirectory(name, out);
    if (status.ok()) *out = std::make_unique<Folder>(std::move(*out), name, this);
    return status;
  }
  rocksdb::Status RenameFile(const std::string& from, const std::string& to) override {
    Naming naming = Before(to);
    const auto status = target()->RenameFile(from, to);
    if (status.ok()) Move(from, to, /*keep=*/false, std::move(naming));
    return status;
  }
  rocksdb::Status LinkFile(const std::string& from, const std::string& to) override {
    Naming naming = Before(to);
    const auto status = target()->LinkFile(from, to);
    if (status.ok()) Move(from, to, /*keep=*/true, std::move(naming));
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
    namings_.clear();
    syncs_left = kNever;
  }

  std::string root;  // the folder that matters
  // After so many more syncs the power is gone, though nobody has noticed yet: what happens to the
  // folder from then on will not have happened.
  static constexpr int kNever = 1 << 30;
  std::atomic<int> syncs_left{kNever};
  // Syncs of these kinds (Kind, or-ed) do not count, but everything else does: a disk that lies, or
  // a program that forgot to sync.
  std::atomic<unsigned> ignored{0};

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(std::unique_ptr<rocksdb::WritableFile> target, std::string name, uint64_t size,
         PowerLossEnv* env)
        : WritableFileWrapper(target.get()),
          target_(std::move(target)),
          name_(std::move(name)),
          env_(env),
          written_(size) {}

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
      if (status.ok() && (env_->ignored & KindOf(name_)) == 0) env_->Synced(name_, written_);
      return status;
    }
    std::unique_ptr<rocksdb::WritableFile> target_;
    const std::string name_;
    PowerLossEnv* const env_;
    uint64_t written_;
  };

  class Folder final : public rocksdb::Directory {
   public:
    Folder(std::unique_ptr<rocksdb::Directory> target, std::string name, PowerLossEnv* env)
        : target_(std::move(target)), name_(std::move(name)), env_(env) {}
    rocksdb::Status Fsync() override {
      const auto status = target_->Fsync();
      if (status.ok() && (env_->ignored & kFolder) == 0) env_->FolderSynced(name_);
      return status;
    }
    rocksdb::Status Close() override { return target_->Close(); }
    size_t GetUniqueId(char* id, size_t max_size) const override {
      return target_->GetUniqueId(id, max_size);
    }

   private:
    const std::unique_ptr<rocksdb::Directory> target_;
    const std::string name_;
    PowerLossEnv* const env_;
  };

  // A name that a file was given, and what was there before.
  struct Naming {
    std::string path;
    std::optional<std::string> before;
  };

  static unsigned KindOf(std::string_view name) {
    if (name.ends_with(".log")) return kLog;
    if (name.ends_with(".sst")) return kTable;
    return name.find("MANIFEST") != std::string_view::npos ? kManifest : 0u;
  }
  static Naming Before(const std::string& path) {
    Naming naming{path, std::nullopt};
    std::ifstream in(path, std::ios::binary);
    if (in)
      naming.before.emplace(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    return naming;
  }
  void FolderSynced(const std::string& folder) {
    std::lock_guard lock(mutex_);
    const std::filesystem::path synced = std::filesystem::path(folder + "/").lexically_normal();
    std::erase_if(namings_, [&](const Naming& naming) {
      return std::filesystem::path(naming.path).parent_path() / "" == synced;
    });
    CountSync();
  }
  // REQUIRES: mutex_ is held.
  void CountSync() {
    if (syncs_left-- != 0) return;
    std::error_code error;
    std::filesystem::copy(root, Frozen(), std::filesystem::copy_options::recursive, error);
    Forget(Frozen());
  }

  void Synced(const std::string& name, uint64_t size) {
    std::lock_guard lock(mutex_);
    const auto it = synced_.find(name);
    if (it != synced_.end()) it->second = size;
    CountSync();
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
    for (auto naming = namings_.rbegin(); naming != namings_.rend(); ++naming) {
      if (!naming->path.starts_with(root)) continue;
      const std::string path = folder + naming->path.substr(root.size());
      std::error_code error;
      if (naming->before)
        std::ofstream(path, std::ios::binary | std::ios::trunc) << *naming->before;
      else
        std::filesystem::remove(path, error);
    }
  }
  void Move(const std::string& from, const std::string& to, bool keep, Naming naming) {
    std::lock_guard lock(mutex_);
    namings_.push_back(std::move(naming));
    const auto it = synced_.find(from);
    if (it == synced_.end()) return;
    synced_[to] = it->second;
    if (!keep) synced_.erase(from);
  }

  std::mutex mutex_;
  std::map<std::string, uint64_t> synced_;  // bytes of each file written since the start
  std::vector<Naming> namings_;             // since their folder was synced
};

}  // namespace tocsin::storage
