// Writes one file (all keys of one class, day and seal_seq) into the staging folder: segments in
// ascending order of group and part, the header last. Nothing counts before it is ingested.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/directory.h"
#include "storage/folder.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// One thread. Destroyed before Finish, or after it failed: the staged tables are removed.
class FileBuilder {
 public:
  FileBuilder(const RocksStore& store, const Folder& folder, const keys::FileId& id, FileKind kind);
  ~FileBuilder();
  FileBuilder(const FileBuilder&) = delete;
  FileBuilder& operator=(const FileBuilder&) = delete;

  // Facts of the header that segments do not tell. `covers` must be set before Finish.
  FileHeader& header() { return header_; }

  // The next part of the group gets the next number.
  // REQUIRES: groups ascend.
  Status Add(uint64_t group, std::string_view blob, uint64_t samples, Timestamp min_time,
             Timestamp max_time);
  // Under a number of the caller's. REQUIRES: groups, and parts of a group, ascend.
  Status AddPart(uint64_t group, uint16_t part, std::string_view blob);
  // A group that has nothing here, and that is known.
  Status AddEmpty(uint64_t group);
  // What AddPart does not tell the header.
  void Count(uint64_t samples, Timestamp min_time, Timestamp max_time);
  bool empty() const { return header_.groups.empty(); }
  uint64_t bytes() const { return header_.bytes; }

  // Synced when it returns. REQUIRES: !empty().
  Result<SealedFilePtr> Finish();
  // To be ingested together.
  const std::vector<std::string>& paths() const { return paths_; }
  // They are part of the database now.
  void Ingested() { paths_.clear(); }

 private:
  // Larger files are several tables, cut between groups.
  static constexpr uint64_t kMaxTableBytes = 64u << 20;
  Status StartTable();
  Status StartGroup(uint64_t group);

  const RocksStore& store_;
  const Folder& folder_;
  const keys::FileId id_;
  FileHeader header_;
  std::optional<SortedFile> table_;
  uint64_t table_bytes_ = 0;
  uint64_t group_ = 0;
  uint16_t part_ = 0;
  std::vector<std::string> paths_;
};

}  // namespace tocsin::storage
