// Opens the database whatever a disk has done to it, step by step: each step costs only what is
// damaged, and the originals are kept in `damaged/<time>/` of the folder.
//
//   CURRENT is missing or names no manifest   written again, nothing is lost
//   the log (WAL) is damaged                  its files are linked aside, then read past the damage
//   manifest or a table is damaged            a new database: readable tables are taken over as
//   they
//                                             are, the log is read record by record
//   that does not help either                 the log is moved aside
//
// Damage inside tables is not met here but where they are read (recovery.h, querier.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/time.h"
#include "storage/folder.h"
#include "storage/rocks_store.h"

namespace tocsin::storage {

// What was done. Empty: nothing was damaged.
struct Repairs {
  struct Step {
    std::string what;  // one of: current, log, rebuilt, log-aside
    std::string why;
    uint64_t tables_lost = 0;
    uint64_t log_places = 0;  // stretches of the log that could not be read
    uint64_t log_bytes = 0;
  };
  std::vector<Step> steps;
  std::string kept;  // the folder with the originals; empty when there was nothing to keep

  uint64_t damages() const;
};

// kAlreadyExists: another process holds it. kNoSpace, kIo: not a matter of damage.
Result<std::unique_ptr<RocksStore>> OpenOrRepair(const RocksOptions& options, const Folder& folder,
                                                 Timestamp now, Repairs* repairs);

// Replaces the database in the folder by a new one made of what is readable (the third step above).
// REQUIRES: nobody has it open; checked (kAlreadyExists).
Status Rebuild(const RocksOptions& options, const Folder& folder, const std::string& keep_in,
               Repairs::Step* step);

}  // namespace tocsin::storage
