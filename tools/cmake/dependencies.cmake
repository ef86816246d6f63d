# Every library from Debian's packages; each one's headers have one home (tools/lint/homes.txt).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
unset(zstd_INCLUDE_DIRS CACHE)  # a build folder older than this line holds an empty one
find_package(RocksDB CONFIG REQUIRED)  # also gives zstd::zstd
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Snappy CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(FastFloat CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)

# The sanitizer builds need the shared one: TSan reports races inside the static archive that its
# uninstrumented locks would explain.
if(TOCSIN_SANITIZE)
  set(TOCSIN_ROCKSDB RocksDB::rocksdb-shared)
else()
  set(TOCSIN_ROCKSDB RocksDB::rocksdb)
endif()

find_program(TOCSIN_MOLD mold)
if(TOCSIN_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(TOCSIN_CCACHE ccache)
if(TOCSIN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TOCSIN_CCACHE})
endif()
