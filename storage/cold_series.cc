#include "storage/cold_series.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <string>
#include <tuple>

#include "storage/base/coding.h"
#include "storage/base/log.h"
#include "storage/codec/roaring.h"
#include "storage/key_schema.h"
#include "storage/series_run.h"

namespace tocsin::storage {
namespace {

struct PostKey {
  uint16_t day = 0;
  uint64_t name = 0;
  uint64_t value = 0;
  uint32_t high = 0;
};

std::optional<PostKey> ParsePostKey(std::string_view key) {
  ByteReader in(key);
  PostKey out;
  out.day = in.BigEndian<uint16_t>();
  out.name = in.OrderedVarint();
  out.value = in.OrderedVarint();
  out.high = in.BigEndian<uint32_t>();
  if (!in.ok() || !in.done()) return std::nullopt;
  return out;
}

// Behind all bitmaps of the pair.
std::string EndOf(uint16_t day, uint64_t name, uint64_t value) {
  return keys::Posting(day, name, value, 0xFFFFFFFFu).append(1, '\0');
}
std::string EndOfName(uint16_t day, uint64_t name) { return keys::Posting(day, name + 1, 0, 0); }

std::string DayKey(uint32_t day) {
  std::string key;
  PutBigEndian(key, static_cast<uint16_t>(day));
  return key;
}

Status AppendIds(uint32_t high, std::string_view bitmap, std::vector<uint64_t>* out) {
  std::vector<uint32_t> low;
  TOCSIN_RETURN_IF_ERROR(DecodeRoaring(bitmap, &low));
  for (const uint32_t id : low) out->push_back(uint64_t{high} << 32 | id);
  return OkStatus();
}

template <typename Op>
std::vector<uint64_t> Combine(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b,
                              Op op) {
  std::vector<uint64_t> out;
  op(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}
constexpr auto kAnd = [](auto... args) { std::set_intersection(args...); };
constexpr auto kMinus = [](auto... args) { std::set_difference(args...); };

void SortUnique(std::vector<uint64_t>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

IdRanges RangesOf(std::vector<uint64_t> ids) {
  SortUnique(&ids);
  IdRanges out;
  for (const uint64_t id : ids) out.Append(id);
  return out;
}

}  // namespace

Status ColdSeries::Load(uint64_t* damaged) {
  std::unique_lock lock(mutex_);
  std::vector<uint64_t> groups;
  // One seek a day: the bitmaps of name 0 and value 0 stand first.
  for (uint32_t day = 0; day <= kMaxDay;) {
    std::optional<PostKey> found;
    TOCSIN_RETURN_IF_ERROR(store_.ScanReadable(
        Family::kPost, DayKey(day), {},
        [&](std::string_view key, std::string_view value) {
          const auto at = ParsePostKey(key);
          if (!at) return true;
          if (found && at->day != found->day) return false;
          found = at;
          if (at->name != 0) return false;
          Ids ids;
          if (!AppendIds(at->high, value, &ids).ok()) {
            ++*damaged;
            return true;
          }
          for (const uint64_t id : ids)
            if (groups.empty() || groups.back() != GroupOf(id)) groups.push_back(GroupOf(id));
          return true;
        },
        damaged));
    if (!found) break;
    days_.insert(found->day);
    day = uint32_t{found->day} + 1;
  }
  groups_ = RangesOf(std::move(groups));
  return OkStatus();
}

bool ColdSeries::empty() const {
  std::shared_lock lock(mutex_);
  return groups_.empty();
}

bool ColdSeries::Contains(uint64_t group) const {
  std::shared_lock lock(mutex_);
  return groups_.Contains(group);
}

IdRanges ColdSeries::groups() const {
  std::shared_lock lock(mutex_);
  return groups_;
}

std::vector<uint16_t> ColdSeries::days() const {
  std::shared_lock lock(mutex_);
  return {days_.begin(), days_.end()};
}

Status ColdSeries::Put(RocksBatch& batch, std::span<const Leaving> leaving) const {
  std::map<std::tuple<uint16_t, uint64_t, uint64_t, uint32_t>, std::vector<uint32_t>> added;
  for (const Leaving& one : leaving) {
    const auto high = static_cast<uint32_t>(one.series.id >> 32);
    const auto low = static_cast<uint32_t>(one.series.id);
    for (const uint16_t day : one.days) {
      added[{day, 0, 0, high}].push_back(low);
      for (const auto& [name, value] : one.series.pairs)
        added[{day, name, value, high}].push_back(low);
    }
  }
  for (auto& [at, ids] : added) {
    const auto& [day, name, value, high] = at;
    const std::string key = keys::Posting(day, name, value, high);
    TOCSIN_ASSIGN(const auto known, store_.Get(Family::kPost, key));
    // One that is damaged starts anew: its series are found no more on that day.
    if (known && !DecodeRoaring(*known, &ids).ok())
      log::Warn("a set of series that left memory is unreadable", {{"day", day}});
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::string bitmap;
    EncodeRoaring(ids, bitmap);
    batch.Put(Family::kPost, key, bitmap);
  }
  return OkStatus();
}

void ColdSeries::Added(std::span<const uint64_t> groups, std::span<const uint16_t> days) {
  std::unique_lock lock(mutex_);
  groups_.Merge(RangesOf({groups.begin(), groups.end()}));
  days_.insert(days.begin(), days.end());
}

Result<ColdSeries::Ids> ColdSeries::Bitmap(uint16_t day, Symbol name, Symbol value) const {
  Ids ids;
  Status status;
  TOCSIN_RETURN_IF_ERROR(store_.Scan(Family::kPost, keys::Posting(day, name, value, 0),
                                     EndOf(day, name, value),
                                     [&](std::string_view key, std::string_view bitmap) {
                                       const auto at = ParsePostKey(key);
                                       if (at) status = AppendIds(at->high, bitmap, &ids);
                                       return status.ok();
                                     }));
  TOCSIN_RETURN_IF_ERROR(status);
  return ids;
}

Result<ColdSeries::Ids> ColdSeries::Union(uint16_t day, const Matcher& matcher, bool invert) const {
  const Symbol name = symbols_.Find(matcher.name());
  if (name == 0) return Ids();
  const bool looks_up = (matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kNotEqual) &&
                        invert == (matcher.op() == MatchOp::kNotEqual);
  if (looks_up) {
    const Symbol value = symbols_.Find(matcher.value());
    return value == 0 ? Ids() : Bitmap(day, name, value);
  }
  Ids ids;
  Status status;
  TOCSIN_RETURN_IF_ERROR(
      store_.Scan(Family::kPost, keys::Posting(day, name, 0, 0), EndOfName(day, name),
                  [&](std::string_view key, std::string_view bitmap) {
                    const auto at = ParsePostKey(key);
                    if (!at || !symbols_.Has(static_cast<Symbol>(at->value))) return true;
                    if (matcher.Matches(symbols_.Text(static_cast<Symbol>(at->value))) == invert)
                      return true;
                    status = AppendIds(at->high, bitmap, &ids);
                    return status.ok();
                  }));
  TOCSIN_RETURN_IF_ERROR(status);
  SortUnique(&ids);
  return ids;
}

Result<ColdSeries::Ids> ColdSeries::SelectDay(std::span<const Matcher> matchers,
                                              uint16_t day) const {
  std::optional<Ids> out;
  for (const Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty()) continue;
    TOCSIN_ASSIGN(Ids ids, Union(day, matcher, /*invert=*/false));
    out = out ? Combine(*out, ids, kAnd) : std::move(ids);
    if (out->empty()) return Ids();
  }
  if (!out) {
    TOCSIN_ASSIGN(out, Bitmap(day, 0, 0));
  }
  // One that matches "" also takes series without the label: remove those whose value fails.
  for (const Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    TOCSIN_ASSIGN(const Ids ids, Union(day, matcher, /*invert=*/true));
    out = Combine(*out, ids, kMinus);
  }
  return *std::move(out);
}

std::vector<uint16_t> ColdSeries::DaysIn(uint16_t first, uint16_t last) const {
  std::shared_lock lock(mutex_);
  return {days_.lower_bound(first), days_.upper_bound(last)};
}

Result<std::vector<Symbol>> ColdSeries::Names(uint16_t first, uint16_t last) const {
  std::vector<Symbol> out;
  for (const uint16_t day : DaysIn(first, last)) {
    // From one name to the next, over all its values.
    for (uint64_t name = 1;;) {
      std::optional<PostKey> found;
      TOCSIN_RETURN_IF_ERROR(store_.Scan(Family::kPost, keys::Posting(day, name, 0, 0),
                                         EndOfName(day, ~uint64_t{0} - 1),
                                         [&](std::string_view key, std::string_view) {
                                           found = ParsePostKey(key);
                                           return false;
                                         }));
      if (!found) break;
      if (symbols_.Has(static_cast<Symbol>(found->name)))
        out.push_back(static_cast<Symbol>(found->name));
      name = found->name + 1;
    }
  }
  return out;
}

Result<std::vector<Symbol>> ColdSeries::Values(Symbol name, uint16_t first, uint16_t last) const {
  std::vector<Symbol> out;
  for (const uint16_t day : DaysIn(first, last))
    TOCSIN_RETURN_IF_ERROR(store_.Scan(Family::kPost, keys::Posting(day, name, 0, 0),
                                       EndOfName(day, name),
                                       [&](std::string_view key, std::string_view) {
                                         const auto at = ParsePostKey(key);
                                         if (at && symbols_.Has(static_cast<Symbol>(at->value)))
                                           out.push_back(static_cast<Symbol>(at->value));
                                         return true;
                                       }));
  return out;
}

Result<ColdSeries::Ids> ColdSeries::Select(std::span<const Matcher> matchers, uint16_t first,
                                           uint16_t last) const {
  Ids all;
  for (const uint16_t day : DaysIn(first, last)) {
    TOCSIN_ASSIGN(const Ids ids, SelectDay(matchers, day));
    all.insert(all.end(), ids.begin(), ids.end());
  }
  SortUnique(&all);
  return all;
}

Result<std::vector<StoredSeries>> ColdSeries::Read(uint64_t group) const {
  std::vector<StoredSeries> out;
  TOCSIN_RETURN_IF_ERROR(store_.Scan(
      Family::kSeries, keys::SeriesRun(group, 0), keys::SeriesRun(group + 1, 0),
      [&](std::string_view key, std::string_view value) {
        auto run = DecodeSeriesRun(key, value);
        if (!run.ok()) return true;
        for (SeriesRun::Entry& entry : run->series) {
          const bool known = std::all_of(entry.pairs.begin(), entry.pairs.end(), [&](auto& pair) {
            return symbols_.Has(pair.first) && symbols_.Has(pair.second);
          });
          if (known) out.push_back({entry.id, run->retention_class, std::move(entry.pairs)});
        }
        return true;
      }));
  return out;
}

std::optional<StoredSeries> ColdSeries::Find(uint64_t id) const {
  if (!Contains(GroupOf(id))) return std::nullopt;
  auto group = Read(GroupOf(id));
  if (!group.ok()) return std::nullopt;
  for (StoredSeries& series : *group)
    if (series.id == id) return std::move(series);
  return std::nullopt;
}

void ColdSeries::PutForget(RocksBatch& batch, std::span<const uint16_t> days,
                           std::span<const uint64_t> groups) const {
  for (const uint16_t day : days)
    batch.DeleteRange(Family::kPost, DayKey(day),
                      day == kMaxDay ? std::string(3, '\xff') : DayKey(day + 1u));
  for (const uint64_t group : groups)
    batch.DeleteRange(Family::kSeries, keys::SeriesRun(group, 0), keys::SeriesRun(group + 1, 0));
}

void ColdSeries::Forgotten(std::span<const uint16_t> days, std::span<const uint64_t> groups) {
  std::unique_lock lock(mutex_);
  for (const uint16_t day : days) days_.erase(day);
  std::vector<uint64_t> left;
  for (const IdRange& range : groups_.ranges())
    for (uint64_t group = range.first; group - range.first < range.length; ++group)
      if (!std::binary_search(groups.begin(), groups.end(), group)) left.push_back(group);
  groups_ = RangesOf(std::move(left));
}

}  // namespace tocsin::storage
