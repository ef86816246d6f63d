// Sets of ids in the portable Roaring format.
#include "storage/codec/roaring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "storage/base/coding.h"

namespace tocsin::storage {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

std::string Encode(const std::vector<uint32_t>& numbers) {
  std::string out;
  EncodeRoaring(numbers, out);
  return out;
}

// As the specification of the format says.
TEST(Roaring, GoldenBytes) {
  EXPECT_EQ(Hex(Encode({})), "3a30000000000000");
  // One array container: cookie, one container, key 0, two numbers, offset 16.
  EXPECT_EQ(Hex(Encode({1, 300})),
            "3a3000000100000000000100"
            "10000000"
            "01002c01");
  // One run container without offsets: 7 .. 106.
  std::vector<uint32_t> run(100);
  for (uint32_t i = 0; i < 100; ++i) run[i] = 7 + i;
  EXPECT_EQ(Hex(Encode(run)),
            "3b300000"
            "01"
            "00006300"
            "0100"
            "07006300");
}

TEST(Roaring, RoundTripOfAllContainers) {
  std::mt19937 random(1);
  for (int round = 0; round < 6; ++round) {
    std::vector<uint32_t> numbers;
    for (uint32_t key = 0; key < 8; ++key) {
      const uint32_t high = (key * 7 + random() % 7) << 16;
      switch (random() % 4) {
        case 0:
          for (int i = 0; i < 50; ++i) numbers.push_back(high | random() % 65536);
          break;
        case 1:
          for (int i = 0; i < 9000; ++i) numbers.push_back(high | random() % 65536);
          break;
        case 2:
          for (uint32_t i = 0; i < 65536; ++i) numbers.push_back(high | i);
          break;
        default:
          for (uint32_t i = random() % 1000; i < 30000; ++i) numbers.push_back(high | i);
      }
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    std::vector<uint32_t> read;
    ASSERT_TRUE(DecodeRoaring(Encode(numbers), &read).ok());
    ASSERT_EQ(read, numbers);
  }
}

TEST(Roaring, DamageIsToldAndNeverCrashes) {
  std::vector<uint32_t> numbers{5, 9, 70'000};
  for (uint32_t i = 0; i < 6000; ++i) numbers.push_back(200'000 + i * 3);
  for (uint32_t i = 0; i < 600; ++i) numbers.push_back(400'000 + i);
  const std::string bytes = Encode(numbers);
  std::vector<uint32_t> out;
  for (size_t cut = 0; cut < bytes.size(); cut += cut < 100 ? 1 : 97)
    EXPECT_FALSE(DecodeRoaring(std::string_view(bytes).substr(0, cut), &out).ok());
  std::mt19937 random(2);
  for (int round = 0; round < 2'000; ++round) {
    std::string bad = bytes;
    for (int n = 0; n < 3; ++n)
      bad[random() % (round % 2 != 0 ? 60 : bad.size())] = static_cast<char>(random());
    out.clear();
    (void)DecodeRoaring(bad, &out).ok();
  }
}

}  // namespace
}  // namespace tocsin::storage
