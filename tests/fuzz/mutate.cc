#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

constexpr size_t kMaxBytes = 64 << 10;

size_t Below(std::mt19937_64& rng, size_t n) { return n == 0 ? 0 : rng() % n; }

std::string Piece(std::mt19937_64& rng, const std::string& text) {
  const size_t from = Below(rng, text.size() + 1);
  return text.substr(from, Below(rng, 1 + std::min<size_t>(64, text.size() - from)));
}

void MutateOnce(std::mt19937_64& rng, const std::vector<std::string>& seeds, std::string& s) {
  static constexpr unsigned char kLimits[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, '\n', '"', '{'};
  const size_t at = Below(rng, s.size());
  switch (rng() % 9) {
    case 0:
      if (!s.empty()) s[at] = static_cast<char>(s[at] ^ (1 << (rng() % 8)));
      return;
    case 1:
      if (!s.empty()) s[at] = static_cast<char>(rng());
      return;
    case 2:
      if (!s.empty()) s[at] = static_cast<char>(kLimits[rng() % std::size(kLimits)]);
      return;
    case 3:
      s.erase(at, Below(rng, 1 + std::min<size_t>(32, s.size() - at)));
      return;
    case 4:
      s.insert(at, Piece(rng, s));
      return;
    case 5:
      s.insert(at, 1 + Below(rng, 4), static_cast<char>(rng()));
      return;
    case 6:
      s.resize(Below(rng, s.size() + 1));
      return;
    case 7:
      s.insert(at, Piece(rng, seeds[Below(rng, seeds.size())]));
      return;
    default: {
      const std::string piece = Piece(rng, s);
      for (size_t i = 0, n = rng() % 50; i < n; ++i) s.insert(at, piece);
    }
  }
}

}  // namespace

std::string Mutate(std::mt19937_64& rng, const std::vector<std::string>& seeds) {
  std::string s = seeds[Below(rng, seeds.size())];
  for (size_t i = 0, n = 1 + rng() % 5; i < n; ++i) MutateOnce(rng, seeds, s);
  if (s.size() > kMaxBytes) s.resize(kMaxBytes);
  return s;
}

std::vector<std::string> AllSeeds(const std::string& corpus) {
  std::vector<std::string> seeds = Seeds();
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"fuzz/corpus/", "tests/fuzz/corpus/"}) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder + corpus, ignored))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return seeds;
}

}  // namespace tocsin::fuzz
