// The framing of RocksDB's write-ahead log, read without RocksDB: what its own recovery cannot say
// is how much a damaged log costs, and when its manifest is lost it does not read the log at all.
//
// A log is a row of blocks of 32 KiB. A record lies in one piece or in several, none of which spans
// two blocks: u32 masked CRC-32C of type and payload, u16 length, u8 type (1 whole, 2 first, 3
// middle, 4 last), payload; little-endian. A block's last bytes are zero when no piece fits there.
// (https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format)
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace tocsin::storage {

struct WalDamage {
  uint64_t places = 0;  // stretches that could not be read
  uint64_t bytes = 0;   // left out
};

// Calls `visit` with each record that is whole, in order. A record that breaks off at the end of
// the file is no damage (the process died while it wrote); everything else that cannot be read
// costs the rest of its block. kIo: the file cannot be read.
Status ReadWal(const std::string& path, const std::function<void(std::string_view record)>& visit,
               WalDamage* damage);

}  // namespace tocsin::storage
