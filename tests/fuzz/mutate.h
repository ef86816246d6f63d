// Seeds spoiled at random: bits, bytes, numbers at their limits, pieces lost, doubled and swapped.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace tocsin::fuzz {

std::string Mutate(std::mt19937_64& rng, const std::vector<std::string>& seeds);

// Seeds of the target and the files of tests/fuzz/corpus/<name>; the current folder is tests or the
// one above it.
std::vector<std::string> AllSeeds(const std::string& corpus);

}  // namespace tocsin::fuzz
