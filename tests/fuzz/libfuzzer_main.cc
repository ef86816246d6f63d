// The target under libFuzzer. The first directory it is given gets the seeds.
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutate.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path directory = (*argv)[i];
    if ((*argv)[i][0] == '-' || !std::filesystem::is_directory(directory)) continue;
    size_t number = 0;
    for (const std::string& seed : tocsin::fuzz::AllSeeds(TOCSIN_FUZZ_NAME)) {
      std::ofstream out(directory / ("seed-" + std::to_string(number++)), std::ios::binary);
      out.write(seed.data(), static_cast<std::streamsize>(seed.size()));
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tocsin::fuzz::RunOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
