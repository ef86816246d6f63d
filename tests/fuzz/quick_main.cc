// The target as an ordinary test: every seed, then mutations from a fixed start, so that a failure
// comes again. Arguments: [mutations] [start].
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutate.h"

namespace {

void Run(const std::string& input) {
  const auto exact = std::make_unique<char[]>(input.size());
  std::memcpy(exact.get(), input.data(), input.size());
  tocsin::fuzz::RunOne({exact.get(), input.size()});
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t mutations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
  const uint64_t start = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto seeds = tocsin::fuzz::AllSeeds(TOCSIN_FUZZ_NAME);
  for (const std::string& seed : seeds) Run(seed);
  for (uint64_t i = 0; i < mutations; ++i) {
    std::mt19937_64 rng(start + i);
    Run(tocsin::fuzz::Mutate(rng, seeds));
  }
  std::printf("%s: %zu seeds, %llu mutations from %llu\n", TOCSIN_FUZZ_NAME, seeds.size(),
              static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(start));
  return 0;
}
