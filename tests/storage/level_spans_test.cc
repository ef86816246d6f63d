// Levels of ten days in one file say what those of each day said; late samples, deletions,
// retention and crashes leave them right.
#include "storage/level_spans.h"

#include <algorithm>
#include <filesystem>

#include "storage/base/crash_point.h"
#include "tests/storage/levels_fixture.h"

namespace tocsin::storage {
namespace {

// Ten days from a multiple of ten on, and some.
constexpr Timestamp kSpan = DayStart(19'680);

class LevelSpans : public Levels {
 protected:
  LevelSpans() {
    store.db.reset();
    store.scheduler.Advance(kSpan - store.scheduler.Now());
    store.Open();
  }

  double Joins() {
    return store.metrics.GetCounter("tocsin_storage_level_joins_total", "").Value();
  }

  // Samples of several kinds every so often for a number of days from `day` on, as they come in.
  void FillDays(Timestamp from, int days, uint32_t seed = 1, Duration step = minutes(7)) {
    std::mt19937 random(seed);
    double counter = 0;
    for (Timestamp t = from; t < from + days * hours(24); t = t + step) {
      counter = random() % 300 == 0 ? 0 : counter + random() % 100;
      std::vector<std::pair<Labels, double>> row{
          {Named("c_total"), counter},
          // A counter on a day, falling on another: what is kept differs by day.
          {Named("mood"), DayOf(t) % 2 == 0 ? counter : (random() % 2000) * 0.01},
          {Named("calm_total"), DayOf(t) % 3 == 0 ? 5.0 : counter},
          {Named("g"), (random() % 2000) * 0.01 - 10}};
      if (random() % 3 != 0) row.emplace_back(Named("gaps"), random() % 9);
      // Comes, ends, and is not there for days.
      if (DayOf(t) % 4 == 1)
        row.emplace_back(Named("comes_and_goes"), random() % 40 == 0 ? StaleMarker() : 1.0);
      if (random() % 7 == 0) row.emplace_back(Named("odd"), std::nan(""));
      store.Append(t, row);
      AppendHistogram(t, counter);
      store.scheduler.Advance(step);
    }
  }
  void AppendHistogram(Timestamp t, double count) {
    Histogram h;
    h.integer = true;
    h.count = h.sum = count;
    h.positive_spans = {{0, 1}};
    h.positive_buckets = {count};
    auto appender = store.db->NewAppender();
    const auto ref = appender->Resolve(Named("native"));
    ASSERT_TRUE(ref.ok());
    ASSERT_TRUE(appender->AppendHistogram(*ref, t, h).ok());
    Store::Commit(*appender);
  }

  // Bit by bit, what has no sums or resets told as such.
  static std::string Text(const Answer& answer) {
    std::string out;
    for (const auto& [name, cells] : answer.cells) {
      for (const LevelCell& cell : cells) {
        out += name + " " + std::to_string(cell.end.ms) + " " + std::to_string(cell.count) + " " +
               std::to_string(cell.ended) + std::to_string(cell.has_sum) +
               std::to_string(cell.has_resets);
        if (cell.count > 0) {
          out += " " + std::to_string(cell.first_time.ms) + " " + std::to_string(cell.last_time.ms);
          for (const double v : {cell.first, cell.last, cell.min, cell.max,
                                 cell.has_sum ? cell.sum : 0, cell.has_resets ? cell.dropped : 0})
            out += " " + std::to_string(BitsOf(v));
          out += " " + std::to_string(cell.has_resets ? cell.resets : 0);
        }
        out += "\n";
      }
    }
    for (const auto& [name, samples] : answer.raw)
      for (const auto& [t, bits] : samples)
        out += name + " " + std::to_string(t) + " " + std::to_string(bits) + "\n";
    return out;
  }

  // Raw counts and levels must tell the same of every series but the native histogram.
  void ExpectHours(Timestamp from, Timestamp to) {
    Model raw = store.Read();
    const Answer answer = Read(kHour);
    ASSERT_EQ(answer.regions.size(), 1u);
    EXPECT_EQ(answer.regions[0].from, from);
    EXPECT_EQ(answer.regions[0].to, to);
    raw.erase(Named("native").ToString());
    for (const auto& [name, samples] : raw) {
      const auto cells = answer.cells.find(name);
      ExpectEqual(cells == answer.cells.end() ? Cells() : cells->second,
                  Plain(samples, kHour, from, to), name);
    }
  }
};

TEST_F(LevelSpans, TenDaysAreOneFileAndSayTheSame) {
  FillDays(kSpan, 10);
  ASSERT_EQ(Joins(), 0);
  store.scheduler.Advance(minutes(40));  // the tenth day is not closed
  const std::string nine = Text(Read(kHour, true, kSpan, kSpan + hours(9 * 24) - Duration{1}));
  store.scheduler.Advance(hours(9));
  EXPECT_EQ(Joins(), 1);
  EXPECT_EQ(Text(Read(kHour, true, kSpan, kSpan + hours(9 * 24) - Duration{1})), nine);
  ExpectHours(kSpan, kSpan + hours(240));
  const std::string all = Text(Read(kHour));
  store.Crash();
  EXPECT_EQ(Text(Read(kHour)), all);
  store.scheduler.Advance(hours(30));
  EXPECT_EQ(Joins(), 1);  // there is nothing to do any more
  // Parts of days and ranges across their edges.
  for (const Duration from : {hours(23), hours(24), hours(47), hours(100)}) {
    const Answer some = Read(kHour, true, kSpan + from, kSpan + from + hours(3));
    const Cells& cells = some.cells.at(Named("g").ToString());
    EXPECT_LE(cells.front().end, kSpan + from + hours(1));
    EXPECT_GE(cells.back().end, kSpan + from + hours(3));
    EXPECT_LE(cells.size(), 6u);
  }
}

TEST_F(LevelSpans, LateSamplesAndDeletionsAreSeen) {
  store.scheduler.Advance(hours(24));
  FillDays(kSpan + hours(24), 4, 2, minutes(11));
  // Switched off until the span is over.
  store.db.reset();
  store.scheduler.Advance(hours(24 * 5));
  store.Open();
  store.scheduler.Advance(hours(9));
  ASSERT_EQ(Joins(), 1);
  // A late sample, a late series, one at midnight itself.
  store.AppendColumn(Named("g"), {kSpan + hours(50) + seconds(1)}, {1e6});
  store.AppendColumn(Named("late"), {kSpan + hours(72), kSpan + hours(100)}, {1, 2});
  store.scheduler.Advance(hours(3));
  EXPECT_EQ(Joins(), 1);  // once a day is often enough
  ExpectHours(kSpan, kSpan + hours(240));
  store.Crash();
  ExpectHours(kSpan, kSpan + hours(240));
  store.scheduler.Advance(minutes(2));  // by the clock the days are closed
  ASSERT_TRUE(store.db->Compact().ok());
  EXPECT_EQ(Joins(), 2);
  ExpectHours(kSpan, kSpan + hours(240));
  const std::vector<Matcher> some{*Matcher::Create(MatchOp::kRegex, "__name__", "g|c_total")};
  ASSERT_TRUE(
      store.db->DeleteSeries(some, kSpan + hours(30) + seconds(30), kSpan + hours(60)).ok());
  EXPECT_GT(Read(kHour).regions.size(), 1u);  // raw at once
  ASSERT_TRUE(store.db->Compact().ok());
  ExpectHours(kSpan, kSpan + hours(240));
  store.Crash();
  ExpectHours(kSpan, kSpan + hours(240));
}

// Levels outlive raw samples; the oldest days of a joined file go one by one.
TEST_F(LevelSpans, NothingYoungerGoesAndNothingOlderStays) {
  RetentionRules rules;
  rules.five_minutes = Duration{0};
  rules.one_hour = kSpanMinimumKeep;
  const auto open = [&] {
    store.options.retention_time = hours(24 * 3);
    store.db.reset();
    store.Open();
    ASSERT_TRUE(store.db->SetRetentionRules(rules).ok());
  };
  open();
  FillDays(kSpan, 11, 1, minutes(40));
  EXPECT_EQ(Joins(), 1);
  // Switched off for a month.
  store.db.reset();
  store.scheduler.Advance(hours(24 * 29));
  open();
  double joins = Joins();
  for (int day = 40; day < 44; ++day) {
    FillDays(kSpan + day * hours(24), 1, static_cast<uint32_t>(day), minutes(40));
    const Answer answer = Read(Duration{0});
    const Timestamp now = store.scheduler.Now();
    for (const std::string name : {"g", "c_total"}) {
      const Cells& cells = answer.cells.at(Named(name).ToString());
      const Timestamp oldest = cells.front().first_time;
      EXPECT_LE(oldest, std::max(kSpan, now - kSpanMinimumKeep) + hours(1)) << name << day;
      EXPECT_GE(oldest, now - kSpanMinimumKeep - hours(25)) << name << day;
      // Each hour once, none missing.
      for (size_t i = 1; i < cells.size() && cells[i].end < kSpan + hours(11 * 24); ++i)
        EXPECT_LE(cells[i].end - cells[i - 1].end, hours(1)) << name << day;
    }
  }
  EXPECT_GE(Joins(), joins + 3);  // a day less each time
}

// What is asked of a joined file is not told by neighbours: the raw samples behind it are dropped
// only when it is complete.
TEST(LevelSpanPlan, WaitsForWhatIsNotComplete) {
  const auto file = [](uint16_t day, uint64_t seq, uint8_t level) {
    auto made = std::make_shared<SealedFile>();
    made->id = {0, day, seq, level};
    made->header.kind = level == 0 ? FileKind::kDay : FileKind::kLevel;
    made->header.covers.Append(seq);
    made->header.groups.Append(1);
    made->header.min_time = DayStart(day);
    made->header.max_time = DayStart(day) + hours(23);
    if (level != 0) made->header.built_from.Append(day);
    return made;
  };
  Directory directory;
  for (uint16_t day = 20; day < 30; ++day) {
    directory.files.push_back(file(day, day, 0));
    directory.levels.push_back(file(day, day + 100u, 2));
  }
  directory.Sort();
  const auto keep = [](uint8_t) { return KeepTimes{kKeepForever, kKeepForever, kKeepForever}; };
  const auto never = [](uint8_t, uint16_t) { return false; };
  const auto always = [](uint8_t, uint16_t) { return true; };
  EXPECT_TRUE(PlanSpan(directory, DayStart(29), DayStart(30), keep, never).empty());  // open
  EXPECT_TRUE(PlanSpan(directory, DayStart(30), DayStart(30), keep, always).empty());
  SpanJob job = PlanSpan(directory, DayStart(30), DayStart(30), keep, never);
  EXPECT_EQ(job.inputs.size(), 10u);
  EXPECT_EQ(job.first, 20);
  EXPECT_EQ(job.last, 29);
  const auto short_keep = [](uint8_t) {
    return KeepTimes{kKeepForever, kKeepForever, kSpanMinimumKeep - hours(1)};
  };
  EXPECT_TRUE(PlanSpan(directory, DayStart(30), DayStart(30), short_keep, never).empty());
  // Late samples that the level of the day does not tell.
  directory.files.push_back(file(25, 200, 0));
  directory.Sort();
  EXPECT_TRUE(PlanSpan(directory, DayStart(30), DayStart(30), keep, never).empty());
}

// What a process leaves behind that is killed wherever a joined file, a level or a dropped day is
// half there: the folder as it is at that moment. The next start has the one or the other.
TEST(LevelSpanCrash, AtEveryPoint) {
  static constexpr const char* kPoints[] = {"span.built", "span.ingested", "span.published",
                                            "levels.ingested", "retention.published"};
  static std::string folder;
  static std::map<std::string, int64_t> taken;  // how many rows there were by then
  static int64_t rows = 0;
  ScratchDir dir;
  folder = dir / "data";
  const auto open = [&](Store& store, const std::string& path) {
    store.options.path = path;
    store.options.retention_time = hours(24 * 2);
    store.options.sync_interval = hours(1);
    store.Open();
    RetentionRules rules;
    rules.one_hour = 2 * kSpanMinimumKeep;
    ASSERT_TRUE(store.db->SetRetentionRules(rules).ok());
  };
  // Three days of a span, which closes; two days of raw samples.
  constexpr Timestamp kBegin = kSpan + hours(7 * 24);
  {
    Store store(kBegin);
    open(store, folder);
    for (; rows < 4 * 24 * 3; ++rows) {
      if (rows == 2 * 24 * 3)
        crash_hook.store([](const char* name) {
          if (std::find(std::begin(kPoints), std::end(kPoints), std::string_view(name)) ==
                  std::end(kPoints) ||
              !taken.emplace(name, rows).second)
            return;
          std::filesystem::copy(folder, folder + "-" + name,
                                std::filesystem::copy_options::recursive);
        });
      store.Append(kBegin + rows * minutes(20), {{Named("c_total"), static_cast<double>(rows)},
                                                 {Named("g"), static_cast<double>(rows % 7)}});
      store.scheduler.Advance(minutes(20));
    }
    crash_hook.store(nullptr);
  }
  for (const char* point : kPoints) {
    SCOPED_TRACE(point);
    ASSERT_TRUE(taken.contains(point)) << "the point was not reached";
    Store store(kBegin + hours(4 * 24));
    open(store, folder + "-" + point);
    store.scheduler.Advance(hours(3));
    SelectHints hints;
    hints.levels = true;
    hints.max_source_resolution = kHour;
    auto set = store.db->Select({}, kMinTimestamp, kMaxTimestamp, hints);
    ASSERT_TRUE(set.ok());
    ASSERT_EQ((*set)->size(), 2u);
    auto reader = (*set)->NewReader();
    for (size_t i = 0; i < 2; ++i) {
      ASSERT_TRUE(reader->Seek(i).ok());
      int64_t samples = 0;
      Timestamp last = kSpan;
      SampleBlock block;
      while (*reader->Next(&block)) {
        for (const LevelCell& cell : block.cells) {
          samples += cell.count;
          EXPECT_GT(cell.first_time, last);
          last = cell.last_time;
        }
        samples += static_cast<int64_t>(block.times.size());
        if (!block.times.empty()) last = block.times.back();
      }
      // None is missing, none is there twice.
      EXPECT_GE(samples, taken.at(point));
      EXPECT_EQ(samples, (last - kBegin) / minutes(20) + 1);
    }
    EXPECT_TRUE((*set)->warnings().empty());
  }
}

}  // namespace
}  // namespace tocsin::storage
