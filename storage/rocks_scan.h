// Reading a family of RocksDB from key to key, around what is damaged if need be.
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/base/result.h"
#include "storage/rocks_store.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Status;
}  // namespace rocksdb

namespace tocsin::storage {

// kNoSpace, kCorruption, else kIo.
Status FromRocks(const rocksdb::Status& status, std::string_view doing);

// As RocksStore::Scan and RocksStore::ScanReadable. REQUIRES: db and family stay open.
Status ScanFamily(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, std::string_view begin,
                  std::string_view end, const RocksStore::Visit& visit);
Status ScanReadableFamily(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                          std::string_view begin, std::string_view end,
                          const RocksStore::Visit& visit, uint64_t* damaged);

}  // namespace tocsin::storage
