#include "storage/codec/head_stream.h"

#include <gtest/gtest.h>

#include "tests/storage/codec_samples.h"

namespace tocsin::storage {
namespace {

using testing::Engine;

// What a stream should hold: the values, and which entries have one.
struct Model {
  std::vector<double> values;
  Presence presence;
  size_t entries = 0;

  void Add(double v) {
    presence.Set(entries++);
    values.push_back(v);
  }
};

void ExpectHolds(const HeadStream& stream, const Model& model) {
  ASSERT_EQ(stream.size(), model.entries);
  std::vector<double> out(std::max<size_t>(1, model.entries));
  Presence presence;
  presence.Set(7);  // leftovers of an earlier use
  ASSERT_EQ(stream.Decode(out, presence), model.values.size());
  ASSERT_TRUE(testing::SameBits(model.values, out.data()));
  ASSERT_EQ(presence, model.presence);
}

TEST(SlabPool, ClassesAreOneAndAHalfApart) {
  EXPECT_EQ(SlabPool::ClassSize(0), 16u);
  EXPECT_EQ(SlabPool::ClassSize(1), 24u);
  EXPECT_EQ(SlabPool::ClassSize(2), 32u);
  EXPECT_EQ(SlabPool::ClassSize(SlabPool::kClasses - 1), SlabPool::kMaxSize);
  EXPECT_EQ(SlabPool::ClassFor(1), 0u);
  EXPECT_EQ(SlabPool::ClassFor(25), 2u);
  EXPECT_EQ(SlabPool::ClassFor(4096), SlabPool::kClasses - 1);
}

TEST(SlabPool, FreedBuffersAreUsedAgain) {
  SlabPool pool;
  uint8_t* a = pool.Allocate(3);
  uint8_t* b = pool.Allocate(3);
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.used_bytes(), 2 * SlabPool::ClassSize(3));
  pool.Free(a, 3);
  EXPECT_EQ(pool.Allocate(3), a);
  const size_t reserved = pool.reserved_bytes();
  for (int i = 0; i < 100000; ++i) pool.Free(pool.Allocate(5), 5);
  EXPECT_EQ(pool.reserved_bytes(), reserved);
}

TEST(HeadStream, ConstantSeriesTakeNoBuffer) {
  SlabPool pool;
  HeadStream stream;
  Model model;
  EXPECT_TRUE(stream.empty());
  for (size_t i = 0; i < 1023; ++i) {
    ASSERT_TRUE(stream.Append(42.5, pool));
    model.Add(42.5);
  }
  EXPECT_EQ(stream.buffer_bytes(), 0u);
  EXPECT_EQ(pool.reserved_bytes(), 0u);
  EXPECT_EQ(stream.last(), 42.5);
  ExpectHolds(stream, model);
}

TEST(HeadStream, RandomStreamsRoundTrip) {
  Engine rng(11);
  SlabPool pool;
  for (int round = 0; round < 4000; ++round) {
    const auto series = testing::AnySeries(rng, 1 + rng() % (round % 50 == 0 ? 1024 : 140));
    const bool gaps = rng() % 2 == 0;
    HeadStream stream;
    Model model;
    for (const double v : series) {
      if (gaps && rng() % 12 == 0) {
        const size_t n = 1 + rng() % (rng() % 10 == 0 ? 1100 : 5);
        if (stream.AppendAbsent(n, pool)) model.entries += n;
      }
      const size_t before = stream.size();
      if (stream.Append(v, pool)) {
        model.Add(v);
      } else {
        ASSERT_EQ(stream.size(), before);
      }
      if (rng() % 40 == 0) {
        ASSERT_NO_FATAL_FAILURE(ExpectHolds(stream, model)) << round;
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectHolds(stream, model)) << round;
    stream.Reset(pool);
    ASSERT_TRUE(stream.empty());
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
}

TEST(HeadStream, AFullStreamRefusesAndStaysWhole) {
  Engine rng(12);
  SlabPool pool;
  HeadStream stream;
  Model model;
  for (;;) {
    const double v = std::bit_cast<double>(rng());
    if (!stream.Append(v, pool)) break;
    model.Add(v);
  }
  EXPECT_GT(model.entries, 300u);
  EXPECT_LE(stream.buffer_bytes(), SlabPool::kMaxSize);
  ExpectHolds(stream, model);
  stream.Reset(pool);

  for (size_t i = 0; i < kMaxColumnEntries; ++i) ASSERT_TRUE(stream.Append(1, pool));
  EXPECT_FALSE(stream.Append(1, pool));
  EXPECT_FALSE(stream.AppendAbsent(1, pool));
  EXPECT_EQ(stream.size(), kMaxColumnEntries);
  stream.Reset(pool);
}

TEST(HeadStream, AbsentEntriesAtTheStart) {
  SlabPool pool;
  HeadStream stream;
  Model model;
  ASSERT_TRUE(stream.AppendAbsent(3, pool));
  ASSERT_TRUE(stream.AppendAbsent(1, pool));
  model.entries = 4;
  ExpectHolds(stream, model);
  for (const double v : {0.0, 0.0, -0.0, 1.5, std::bit_cast<double>(kStaleNaNBits), 1.5, 0.1}) {
    ASSERT_TRUE(stream.Append(v, pool));
    model.Add(v);
    ExpectHolds(stream, model);
  }
  stream.Reset(pool);
}

TEST(HeadStream, RunsOfEveryLength) {
  SlabPool pool;
  for (const size_t run : {1, 2, 8, 9, 10, 1000, 1021}) {
    HeadStream stream;
    Model model;
    for (const double v : {1.0, 2.0}) {
      for (size_t i = 0; i < (v == 1 ? run : 2); ++i) {
        ASSERT_TRUE(stream.Append(v, pool));
        model.Add(v);
      }
    }
    ExpectHolds(stream, model);
    stream.Reset(pool);
  }
}

TEST(HeadStream, CountersTakeFewBits) {
  Engine rng(13);
  SlabPool pool;
  HeadStream stream;
  for (const double v : testing::Counter(rng, 128)) ASSERT_TRUE(stream.Append(v, pool));
  EXPECT_LE(stream.buffer_bytes(), 256u);
  stream.Reset(pool);
}

}  // namespace
}  // namespace tocsin::storage
