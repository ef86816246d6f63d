// The list of running queries, kept in a file so that the next start can tell what ran when the
// process was killed. As Prometheus' queries.active: '[', then a slot of 1,000 bytes a query with
// {"query":"...","timestamp_sec":n}, and a comma, padded with zeros.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/plain_file.h"
#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::query {

// Thread-safe.
class ActiveQueryLog {
 public:
  static constexpr size_t kSlotBytes = 1000;

  ActiveQueryLog(std::unique_ptr<PlainFile> file, int slots);

  // Holds a slot until destroyed. A query without a free slot is not listed.
  class Entry {
   public:
    Entry(ActiveQueryLog& log, std::string_view query, Timestamp now)
        : log_(log), slot_(log.Enter(query, now)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { log_.Leave(slot_); }

   private:
    ActiveQueryLog& log_;
    const int slot_;  // -1: none
  };

  // What an earlier process left in the file's text: the entries, joined; "" when none.
  static std::string Unfinished(std::string_view text);
  // What a slot begins with, zeros up to its end: the query is cut where it does not fit.
  static std::string SlotText(std::string_view query, Timestamp now);

 private:
  int Enter(std::string_view query, Timestamp now);
  void Leave(int slot);
  void Write(int slot, std::string_view text);

  const std::unique_ptr<PlainFile> file_;
  std::vector<size_t> written_;  // bytes of each slot that are not zero; of who holds the slot
  std::mutex mutex_;
  std::vector<int> free_;  // guarded by mutex_
};

}  // namespace tocsin::query
