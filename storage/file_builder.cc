#include "storage/file_builder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace tocsin::storage {

FileBuilder::FileBuilder(const RocksStore& store, const Folder& folder, const keys::FileId& id,
                         FileKind kind)
    : store_(store), folder_(folder), id_(id) {
  header_.kind = kind;
  header_.min_time = kMaxTimestamp;
  header_.max_time = kMinTimestamp;
}

FileBuilder::~FileBuilder() {
  table_.reset();
  std::error_code ignored;
  for (const std::string& path : paths_) std::filesystem::remove(path, ignored);
}

Status FileBuilder::StartTable() {
  if (table_) TOCSIN_RETURN_IF_ERROR(table_->Finish());
  table_.reset();
  table_bytes_ = 0;
  const std::string path = folder_.staging() + "/" + std::to_string(id_.retention_class) + "-" +
                           std::to_string(id_.level) + "-" + std::to_string(id_.day) + "-" +
                           std::to_string(id_.seal_seq) + "-" + std::to_string(paths_.size()) +
                           ".sst";
  TOCSIN_ASSIGN(auto table, store_.NewSortedFile(id_.family(), path));
  paths_.push_back(path);
  table_.emplace(std::move(table));
  return OkStatus();
}

Status FileBuilder::StartGroup(uint64_t group) {
  if (!table_ || table_bytes_ > kMaxTableBytes) TOCSIN_RETURN_IF_ERROR(StartTable());
  group_ = group;
  part_ = 0;
  header_.groups.Append(group);
  return OkStatus();
}

Status FileBuilder::AddEmpty(uint64_t group) { return StartGroup(group); }

Status FileBuilder::AddPart(uint64_t group, uint16_t part, std::string_view blob) {
  if (group != group_) TOCSIN_RETURN_IF_ERROR(StartGroup(group));
  TOCSIN_RETURN_IF_ERROR(table_->Add(keys::Segment(id_, group, part), blob));
  table_bytes_ += blob.size();
  header_.bytes += blob.size();
  return OkStatus();
}

void FileBuilder::Count(uint64_t samples, Timestamp min_time, Timestamp max_time) {
  header_.samples += samples;
  header_.min_time = std::min(header_.min_time, min_time);
  header_.max_time = std::max(header_.max_time, max_time);
}

Status FileBuilder::Add(uint64_t group, std::string_view blob, uint64_t samples, Timestamp min_time,
                        Timestamp max_time) {
  if (group == group_ && part_ == 0)
    return Error(ErrorCode::kLimit, "a group has more parts than a file can number");
  const uint16_t part = group == group_ ? part_ : 0;
  TOCSIN_RETURN_IF_ERROR(AddPart(group, part, blob));
  part_ = static_cast<uint16_t>(part + 1);
  Count(samples, min_time, max_time);
  return OkStatus();
}

Result<SealedFilePtr> FileBuilder::Finish() {
  std::string bytes;
  EncodeFileHeader(header_, bytes);
  TOCSIN_RETURN_IF_ERROR(table_->Add(keys::FileHeader(id_), bytes));
  TOCSIN_RETURN_IF_ERROR(table_->Finish());
  table_.reset();
  return SealedFilePtr(std::make_shared<const SealedFile>(SealedFile{id_, header_}));
}

}  // namespace tocsin::storage
