#include "storage/rocks_scan.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace tocsin::storage {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

Slice ToSlice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view ToView(const Slice& s) { return {s.data(), s.size()}; }

// Keys as numbers, so that there is one in the middle of two.
class KeyNumber {
 public:
  explicit KeyNumber(std::string_view key) {
    std::copy_n(key.begin(), std::min(key.size(), bytes_.size()), bytes_.begin());
  }
  std::string key() const { return {bytes_.begin(), bytes_.end()}; }
  // False: there is no such key.
  bool AddPowerOfTwo(unsigned power) {
    const size_t at = bytes_.size() - 1 - power / 8;
    unsigned carry = 1u << (power % 8);
    for (size_t i = at + 1; i-- > 0 && carry != 0;) {
      const unsigned sum = static_cast<uint8_t>(bytes_[i]) + carry;
      bytes_[i] = static_cast<char>(sum);
      carry = sum >> 8;
    }
    return carry == 0;
  }
  static constexpr unsigned kBits = 32 * 8;

 private:
  std::array<char, kBits / 8> bytes_{};
};

// The first key behind `key` from which can be read. Whether it can is a matter of how far behind:
// not within the damaged block, but from the next one on. Empty: there is none.
std::string FirstReadable(rocksdb::Iterator& it, const std::string& key) {
  const auto readable = [&it](const KeyNumber& at) {
    it.Seek(at.key());
    return it.status().ok();
  };
  unsigned power = 0;
  for (KeyNumber far(key);; ++power) {
    if (power == KeyNumber::kBits || !(far = KeyNumber(key)).AddPowerOfTwo(power)) return {};
    if (readable(far)) break;
  }
  // From the right: the highest offsets that are still too little, bit by bit.
  KeyNumber low(key);
  for (unsigned bit = power; bit-- > 0;) {
    KeyNumber middle = low;
    if (middle.AddPowerOfTwo(bit) && !readable(middle)) low = middle;
  }
  return low.AddPowerOfTwo(0) ? low.key() : std::string();
}

}  // namespace

Status FromRocks(const rocksdb::Status& s, std::string_view doing) {
  if (s.ok()) return OkStatus();
  ErrorCode code = ErrorCode::kIo;
  if (s.IsNoSpace() || s.subcode() == rocksdb::Status::kNoSpace)
    code = ErrorCode::kNoSpace;
  else if (s.IsCorruption())
    code = ErrorCode::kCorruption;
  return Error(code, s.ToString()).WithContext(doing);
}

Status ScanFamily(rocksdb::DB& db, ColumnFamilyHandle* handle, std::string_view begin,
                  std::string_view end, const RocksStore::Visit& visit) {
  rocksdb::ReadOptions read;
  const Slice upper = ToSlice(end);
  if (!end.empty()) read.iterate_upper_bound = &upper;
  std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(read, handle));
  for (it->Seek(ToSlice(begin)); it->Valid(); it->Next())
    if (!visit(ToView(it->key()), ToView(it->value()))) break;
  return FromRocks(it->status(), handle->GetName());
}

Status ScanReadableFamily(rocksdb::DB& db, ColumnFamilyHandle* handle, std::string_view begin,
                          std::string_view end, const RocksStore::Visit& visit, uint64_t* damaged) {
  std::string from(begin);
  bool stopped = false;
  for (;;) {
    const Status status =
        ScanFamily(db, handle, from, end, [&](std::string_view k, std::string_view v) {
          from.assign(k);
          stopped = !visit(k, v);
          return !stopped;
        });
    if (stopped || status.ok()) return OkStatus();
    // A dying disk says "input/output error" for a block; any other error is not the block's.
    if (status.error().code() != ErrorCode::kCorruption &&
        status.error().message().find("Input/output error") == std::string::npos)
      return status;
    ++*damaged;
    std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}, handle));
    from = FirstReadable(*it, from);
    if (from.empty() || (!end.empty() && from >= end)) return OkStatus();
  }
}

}  // namespace tocsin::storage
