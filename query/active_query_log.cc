#include "query/active_query_log.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "storage/base/json.h"
#include "storage/base/log.h"

namespace tocsin::query {

ActiveQueryLog::ActiveQueryLog(std::unique_ptr<PlainFile> file, int slots)
    : file_(std::move(file)), written_(static_cast<size_t>(slots)) {
  std::string empty(static_cast<size_t>(slots) * kSlotBytes + 1, '\0');
  empty[0] = '[';
  if (const Status status = file_->WriteAt(0, empty); !status.ok()) {
    log::Warn("the list of running queries cannot be written", {{"err", status.error().message()}});
  }
  for (int slot = slots; slot-- > 0;) free_.push_back(slot);
}

int ActiveQueryLog::Enter(std::string_view query, Timestamp now) {
  int slot = -1;
  {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    }
  }
  if (slot < 0) return slot;
  const std::string text = SlotText(query, now);
  written_[static_cast<size_t>(slot)] = text.size();
  Write(slot, text);
  return slot;
}

void ActiveQueryLog::Leave(int slot) {
  if (slot < 0) return;
  Write(slot, std::string(written_[static_cast<size_t>(slot)], '\0'));
  std::lock_guard lock(mutex_);
  free_.push_back(slot);
}

void ActiveQueryLog::Write(int slot, std::string_view text) {
  // A full disk must not fail queries: the list is a help, no more.
  (void)file_->WriteAt(1 + static_cast<uint64_t>(slot) * kSlotBytes, text).ok();
}

std::string ActiveQueryLog::SlotText(std::string_view query, Timestamp now) {
  const std::string tail = ",\"timestamp_sec\":" + std::to_string(now.ms / 1000) + "},";
  for (size_t cut = std::min(query.size(), kSlotBytes);; cut -= std::min<size_t>(cut, 16)) {
    // Not inside a character.
    while (cut > 0 && cut < query.size() && (query[cut] & 0xC0) == 0x80) --cut;
    std::string text = "{\"query\":";
    AppendJsonString(text, query.substr(0, cut));
    text += tail;
    if (text.size() > kSlotBytes && cut > 0) continue;
    return text;
  }
}

std::string ActiveQueryLog::Unfinished(std::string_view text) {
  std::string entries;
  std::copy_if(text.begin(), text.end(), std::back_inserter(entries),
               [](char c) { return c != '\0'; });
  if (entries.starts_with('[')) entries.erase(0, 1);
  while (entries.ends_with(',') || entries.ends_with('\n')) entries.pop_back();
  return entries.empty() ? entries : "[" + entries + "]";
}

}  // namespace tocsin::query
