#include "storage/codec/roaring.h"

#include <algorithm>
#include <array>
#include <bit>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

constexpr uint32_t kNoRunCookie = 12346;
constexpr uint32_t kRunCookie = 12347;
constexpr size_t kMaxArray = 4096;
constexpr size_t kBitmapBytes = 8192;
constexpr size_t kMaxContainers = 1 << 16;
constexpr size_t kNoOffsetThreshold = 4;

Error Malformed(std::string_view what) {
  return {ErrorCode::kCorruption, "malformed set of ids: " + std::string(what)};
}

struct Container {
  uint16_t key = 0;
  std::span<const uint32_t> numbers;
  size_t runs = 0;

  size_t PlainBytes() const {
    return numbers.size() <= kMaxArray ? 2 * numbers.size() : kBitmapBytes;
  }
  size_t RunBytes() const { return 2 + 4 * runs; }
  bool is_run() const { return RunBytes() < PlainBytes(); }
};

std::vector<Container> Split(std::span<const uint32_t> numbers) {
  std::vector<Container> out;
  for (size_t at = 0; at < numbers.size();) {
    const uint32_t key = numbers[at] >> 16;
    size_t end = at;
    size_t runs = 0;
    for (; end < numbers.size() && numbers[end] >> 16 == key; ++end)
      runs += end == at || numbers[end] != numbers[end - 1] + 1;
    out.push_back({static_cast<uint16_t>(key), numbers.subspan(at, end - at), runs});
    at = end;
  }
  return out;
}

void PutRuns(const Container& container, std::string& out) {
  PutFixed(out, static_cast<uint16_t>(container.runs));
  const auto& numbers = container.numbers;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    PutFixed(out, static_cast<uint16_t>(numbers[i]));
    PutFixed(out, static_cast<uint16_t>(end - i - 1));
    i = end;
  }
}

void PutContainer(const Container& container, std::string& out) {
  if (container.is_run()) return PutRuns(container, out);
  if (container.numbers.size() <= kMaxArray) {
    for (const uint32_t number : container.numbers) PutFixed(out, static_cast<uint16_t>(number));
    return;
  }
  std::array<uint64_t, kBitmapBytes / 8> words{};
  for (const uint32_t number : container.numbers)
    words[(number & 0xFFFF) / 64] |= uint64_t{1} << (number % 64);
  for (const uint64_t word : words) PutFixed(out, word);
}

bool ReadRuns(ByteReader& in, uint32_t high, size_t count, std::vector<uint32_t>* out) {
  const size_t before = out->size();
  const auto runs = in.Fixed<uint16_t>();
  uint32_t next = 0;
  for (uint32_t i = 0; i < runs; ++i) {
    const uint32_t first = in.Fixed<uint16_t>();
    const uint32_t last = first + in.Fixed<uint16_t>();
    if (!in.ok() || first < next || last > 0xFFFF) return false;
    for (uint32_t low = first; low <= last; ++low) out->push_back(high | low);
    next = last + 1;
  }
  return in.ok() && out->size() - before == count;
}

bool ReadArray(ByteReader& in, uint32_t high, size_t count, std::vector<uint32_t>* out) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t number = high | in.Fixed<uint16_t>();
    if (!in.ok() || (i > 0 && number <= out->back())) return false;
    out->push_back(number);
  }
  return true;
}

bool ReadBitmap(ByteReader& in, uint32_t high, size_t count, std::vector<uint32_t>* out) {
  const size_t before = out->size();
  for (uint32_t word = 0; word < kBitmapBytes / 8; ++word)
    for (auto rest = in.Fixed<uint64_t>(); rest != 0; rest &= rest - 1)
      out->push_back(high | (word * 64 + static_cast<uint32_t>(std::countr_zero(rest))));
  return in.ok() && out->size() - before == count;
}

}  // namespace

void EncodeRoaring(std::span<const uint32_t> numbers, std::string& out) {
  const size_t begin = out.size();
  const std::vector<Container> containers = Split(numbers);
  const size_t n = containers.size();
  const bool runs = std::any_of(containers.begin(), containers.end(),
                                [](const Container& c) { return c.is_run(); });
  if (runs) {
    PutFixed(out, kRunCookie | static_cast<uint32_t>(n - 1) << 16);
    std::string flags((n + 7) / 8, '\0');
    for (size_t i = 0; i < n; ++i)
      if (containers[i].is_run()) flags[i / 8] = static_cast<char>(flags[i / 8] | 1 << (i % 8));
    out += flags;
  } else {
    PutFixed(out, kNoRunCookie);
    PutFixed(out, static_cast<uint32_t>(n));
  }
  for (const Container& container : containers) {
    PutFixed(out, container.key);
    PutFixed(out, static_cast<uint16_t>(container.numbers.size() - 1));
  }
  if (!runs || n >= kNoOffsetThreshold) {
    auto offset = static_cast<uint32_t>(out.size() - begin + 4 * n);
    for (const Container& container : containers) {
      PutFixed(out, offset);
      offset +=
          static_cast<uint32_t>(container.is_run() ? container.RunBytes() : container.PlainBytes());
    }
  }
  for (const Container& container : containers) PutContainer(container, out);
}

Status DecodeRoaring(std::string_view bytes, std::vector<uint32_t>* out) {
  ByteReader in(bytes);
  const auto cookie = in.Fixed<uint32_t>();
  size_t n = 0;
  std::string_view flags;
  const bool runs = (cookie & 0xFFFF) == kRunCookie;
  if (runs) {
    n = (cookie >> 16) + 1;
    flags = in.Bytes((n + 7) / 8);
  } else if (cookie == kNoRunCookie) {
    n = in.Fixed<uint32_t>();
  } else {
    return Malformed("cookie");
  }
  if (!in.ok() || n > kMaxContainers || n > in.remaining() / 4) return Malformed("containers");
  ByteReader header(in.Bytes(4 * n));
  if (!runs || n >= kNoOffsetThreshold) in.Bytes(4 * n);  // they follow one another
  int before = -1;
  for (size_t i = 0; i < n; ++i) {
    const auto key = header.Fixed<uint16_t>();
    const size_t count = size_t{header.Fixed<uint16_t>()} + 1;
    if (!in.ok() || key <= before) return Malformed("keys");
    before = key;
    const uint32_t high = uint32_t{key} << 16;
    const bool is_run = runs && ((static_cast<uint8_t>(flags[i / 8]) >> (i % 8)) & 1) != 0;
    const bool good = is_run               ? ReadRuns(in, high, count, out)
                      : count <= kMaxArray ? ReadArray(in, high, count, out)
                                           : ReadBitmap(in, high, count, out);
    if (!good) return Malformed("container");
  }
  return in.done() ? OkStatus() : Malformed("length");
}

}  // namespace tocsin::storage
