#include "storage/symbols.h"

#include <cstring>
#include <new>

namespace tocsin::storage {
namespace {
constexpr size_t kArenaBytes = 64 << 10;
}  // namespace

SymbolTable::SymbolTable() = default;

Symbol SymbolTable::Find(std::string_view text) const {
  std::shared_lock lock(mutex_);
  const auto it = numbers_.find(text);
  return it == numbers_.end() ? 0 : it->second;
}

Symbol SymbolTable::Add(std::string_view text) {
  if (const Symbol known = Find(text)) return known;
  std::unique_lock lock(mutex_);
  if (const auto it = numbers_.find(text); it != numbers_.end()) return it->second;
  const std::string_view* stored = Store(text);
  texts_.Set(++last_, stored);
  numbers_.emplace(*stored, last_);
  return last_;
}

bool SymbolTable::Restore(uint64_t number, std::string_view text) {
  std::unique_lock lock(mutex_);
  if (number == 0 || number > 0xFFFFFFFFu) return false;
  const auto symbol = static_cast<Symbol>(number);
  if (texts_.Get(symbol) != nullptr) return false;
  if (symbol > last_) last_ = symbol;
  if (text.empty()) return true;  // blanked: the number stays taken
  const std::string_view* stored = Store(text);
  texts_.Set(symbol, stored);
  numbers_.emplace(*stored, symbol);
  return true;
}

void SymbolTable::ReserveBelow(uint64_t number) {
  std::unique_lock lock(mutex_);
  if (number > 0 && number - 1 > last_ && number <= 0xFFFFFFFFu)
    last_ = static_cast<Symbol>(number - 1);
}

Symbol SymbolTable::last() const {
  std::shared_lock lock(mutex_);
  return last_;
}

uint64_t SymbolTable::bytes() const {
  std::shared_lock lock(mutex_);
  return bytes_;
}

// The view and its text lie together in an arena.
const std::string_view* SymbolTable::Store(std::string_view text) {
  const size_t need = (sizeof(std::string_view) + text.size() + 7) & ~size_t{7};
  char* at = nullptr;
  if (need > kArenaBytes) {
    // Before the current one, so that this stays the last.
    auto own = std::make_unique<char[]>(need);
    at = own.get();
    arenas_.insert(arenas_.end() - (arenas_.empty() ? 0 : 1), std::move(own));
    if (arenas_.size() == 1) arena_used_ = kArenaBytes;
  } else {
    if (arenas_.empty() || arena_used_ + need > kArenaBytes) {
      arenas_.push_back(std::make_unique<char[]>(kArenaBytes));
      arena_used_ = 0;
    }
    at = arenas_.back().get() + arena_used_;
    arena_used_ += need;
  }
  bytes_ += need;
  char* bytes = at + sizeof(std::string_view);
  std::memcpy(bytes, text.data(), text.size());
  return new (at) std::string_view(bytes, text.size());
}

}  // namespace tocsin::storage
