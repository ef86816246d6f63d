#include "storage/wal_records.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

constexpr size_t kBlockBytes = 32768;
constexpr size_t kFrameBytes = 7;
enum Piece : uint8_t { kNothing = 0, kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

// CRC-32C, then rotated and shifted: a checksum of bytes that hold checksums is weak.
uint32_t MaskedCrc(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

class Reader {
 public:
  Reader(const std::function<void(std::string_view)>& visit, WalDamage* damage)
      : visit_(visit), damage_(damage) {}

  void Block(std::string_view block, bool last);

 private:
  void Lost(size_t bytes) {
    ++damage_->places;
    damage_->bytes += bytes + record_.size();
    record_.clear();
    open_ = false;
  }
  void Take(Piece piece, std::string_view payload);

  const std::function<void(std::string_view)>& visit_;
  WalDamage* const damage_;
  std::string record_;  // the pieces so far
  bool open_ = false;   // a first piece was seen
};

void Reader::Block(std::string_view block, bool last) {
  while (block.size() >= kFrameBytes) {
    ByteReader frame(block.substr(0, kFrameBytes));
    const auto crc = frame.Fixed<uint32_t>();
    const auto length = frame.Fixed<uint16_t>();
    const auto type = frame.Fixed<uint8_t>();
    if (type == kNothing && length == 0) {
      // Space that was taken ahead and never written.
      if (block.find_first_not_of('\0') != std::string_view::npos) Lost(block.size());
      return;
    }
    if (kFrameBytes + length > block.size()) {
      if (!last) Lost(block.size());  // else: cut off while it was written
      return;
    }
    if (MaskedCrc(block.substr(kFrameBytes - 1, 1 + size_t{length})) != crc || type > kLast)
      return Lost(block.size());
    Take(static_cast<Piece>(type), block.substr(kFrameBytes, length));
    block.remove_prefix(kFrameBytes + length);
  }
}

void Reader::Take(Piece piece, std::string_view payload) {
  const bool begins = piece == kWhole || piece == kFirst;
  if (begins == open_) {
    // A piece without its beginning, or a beginning within a record: what is between is gone.
    Lost(begins ? 0 : payload.size());
    if (!begins) return;
  }
  if (piece == kWhole) return visit_(payload);
  record_.append(payload);
  open_ = piece != kLast;
  if (open_) return;
  visit_(record_);
  record_.clear();
}

}  // namespace

Status ReadWal(const std::string& path, const std::function<void(std::string_view record)>& visit,
               WalDamage* damage) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) return Error(ErrorCode::kIo, path + ": " + std::strerror(errno));
  Reader reader(visit, damage);
  std::vector<char> block(kBlockBytes);
  std::vector<char> next(kBlockBytes);
  size_t size = std::fread(block.data(), 1, kBlockBytes, file.get());
  while (size > 0) {
    const size_t more = std::fread(next.data(), 1, kBlockBytes, file.get());
    reader.Block({block.data(), size}, more == 0);
    block.swap(next);
    size = more;
  }
  if (std::ferror(file.get()) != 0) return Error(ErrorCode::kIo, path + ": cannot be read");
  return OkStatus();
}

}  // namespace tocsin::storage
