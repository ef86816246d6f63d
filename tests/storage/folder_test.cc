// Whose a data folder is: nothing of somebody else's is opened, written or cleared away.
#include "storage/folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

class FolderTest : public ::testing::Test {
 protected:
  void Put(const std::string& name) {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << "x";
  }
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string Refusal() const {
    const auto folder = OpenFolder(dir_.path());
    return folder.ok() ? "" : folder.error().message();
  }

  testing::TempDir dir_;
};

TEST_F(FolderTest, TakesAnEmptyOneAndItsOwn) {
  EXPECT_EQ(Refusal(), "");
  EXPECT_TRUE(fs::is_directory(Path("db")));
  EXPECT_EQ(Refusal(), "");  // begun, and ended before RocksDB wrote anything
  Put("db/CURRENT");
  Put("queries.active");
  EXPECT_EQ(Refusal(), "");
}

TEST_F(FolderTest, TakesTheMountPointOfAFileSystem) {
  fs::create_directory(Path("lost+found"));
  EXPECT_EQ(Refusal(), "");
}

TEST_F(FolderTest, TakesOneThatARepairLeftHalfMoved) {
  Put("staging/rebuilt/MANIFEST-000004");
  EXPECT_EQ(Refusal(), "");
  EXPECT_TRUE(fs::exists(Path("db/MANIFEST-000004")));
}

TEST_F(FolderTest, NamesAloneProveNothing) {
  Put("prod/app.conf");
  Put("staging/app.conf");
  Put("db/app.sqlite");
  EXPECT_NE(Refusal().find("is not empty and not tocsin's"), std::string::npos) << Refusal();
  EXPECT_TRUE(fs::exists(Path("staging/app.conf")));
}

TEST_F(FolderTest, RefusesAPrometheusDatabaseByName) {
  Put("wal/00000000");
  EXPECT_NE(Refusal().find("holds a Prometheus database"), std::string::npos) << Refusal();
  EXPECT_FALSE(fs::exists(Path("db")));
}

}  // namespace
}  // namespace tocsin::storage
