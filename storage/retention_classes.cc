#include "storage/retention_classes.h"

#include <algorithm>
#include <mutex>

#include "storage/base/coding.h"
#include "storage/base/log.h"
#include "storage/key_schema.h"

namespace tocsin::storage {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxClasses = 256;
constexpr int64_t kForeverSeconds = kKeepForever.count() / 1000;

uint64_t ToSecondsRoundedUp(Duration d) { return static_cast<uint64_t>((d.count() + 999) / 1000); }

std::string Encode(const KeepTimes& times) {
  std::string out(1, static_cast<char>(kVersion));
  for (const Duration d : {times.raw, times.five_minutes, times.one_hour})
    PutVarint(out, ToSecondsRoundedUp(d));
  return out;
}

// In whole seconds, as stored.
KeepTimes Rounded(const KeepTimes& times) {
  const auto round = [](Duration d) {
    const auto seconds = std::min<uint64_t>(ToSecondsRoundedUp(d), kForeverSeconds);
    return Duration{static_cast<int64_t>(seconds) * 1000};
  };
  return {round(times.raw), round(times.five_minutes), round(times.one_hour)};
}

bool Matches(const std::vector<Matcher>& selector, const Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace

KeepTimes Longer(const KeepTimes& a, const KeepTimes& b) {
  return {std::max(a.raw, b.raw), std::max(a.five_minutes, b.five_minutes),
          std::max(a.one_hour, b.one_hour)};
}

Status RetentionClasses::Load(const RocksStore& store) {
  std::unique_lock lock(mutex_);
  const std::string begin = keys::Class(0).substr(0, 1);
  const std::string end(1, static_cast<char>(begin.front() + 1));
  const Status scanned =
      store.Scan(Family::kDefault, begin, end, [&](std::string_view key, std::string_view value) {
        if (key.size() != 2) return true;
        const auto number = static_cast<uint8_t>(key[1]);
        ByteReader in(value);
        const auto version = in.Fixed<uint8_t>();
        KeepTimes times;
        for (Duration* d : {&times.raw, &times.five_minutes, &times.one_hour})
          *d = Duration{static_cast<int64_t>(std::min<uint64_t>(in.Varint(), kForeverSeconds)) *
                        1000};
        if (version != kVersion || !in.ok() || number == 0) {
          log::Warn("a retention class is unreadable: its samples are kept as those without a rule",
                    {{"class", int{number}}});
          return true;
        }
        if (classes_.size() <= number) classes_.resize(size_t{number} + 1);
        classes_[number] = times;
        return true;
      });
  in_use_.assign(classes_.size(), false);
  stored_ = classes_.size();
  return scanned;
}

void RetentionClasses::SetDefault(const KeepTimes& times) {
  std::unique_lock lock(mutex_);
  default_ = times;
}

Status RetentionClasses::SetRules(const RetentionRules& rules) {
  std::unique_lock lock(mutex_);
  std::vector<KeepTimes> classes = classes_;
  std::vector<Rule> made;
  for (const RetentionRule& rule : rules.rules) {
    const KeepTimes times =
        Rounded({rule.raw.value_or(default_.raw), rule.five_minutes.value_or(default_.five_minutes),
                 rule.one_hour.value_or(default_.one_hour)});
    size_t number = 0;
    if (times != Rounded(default_)) {
      const auto known = std::find(classes.begin() + 1, classes.end(), times);
      number = static_cast<size_t>(known - classes.begin());
      if (known == classes.end()) classes.push_back(times);
    }
    if (number >= kMaxClasses)
      return InvalidArgument(
          "the retention rules have more than 255 different combinations of times, those of rules "
          "used before included");
    made.push_back({rule.selectors, static_cast<uint8_t>(number)});
  }
  classes_ = std::move(classes);
  rules_ = std::move(made);
  in_use_.assign(classes_.size(), false);
  for (const Rule& rule : rules_) in_use_[rule.retention_class] = true;
  longest_.clear();
  rules_set_ = true;
  return OkStatus();
}

std::vector<std::pair<std::string, std::string>> RetentionClasses::TakeNew() {
  std::unique_lock lock(mutex_);
  std::vector<std::pair<std::string, std::string>> out;
  for (; stored_ < classes_.size(); ++stored_)
    out.emplace_back(keys::Class(static_cast<uint8_t>(stored_)), Encode(classes_[stored_]));
  return out;
}

const RetentionClasses::Rule* RetentionClasses::RuleOf(const Labels& labels) const {
  for (const Rule& rule : rules_)
    for (const std::vector<Matcher>& selector : rule.selectors)
      if (Matches(selector, labels)) return &rule;
  return nullptr;
}

uint8_t RetentionClasses::ClassOf(const Labels& labels) const {
  std::shared_lock lock(mutex_);
  const Rule* rule = RuleOf(labels);
  return rule == nullptr ? 0 : rule->retention_class;
}

KeepTimes RetentionClasses::TimesOf(const Labels& labels) const {
  std::shared_lock lock(mutex_);
  const Rule* rule = RuleOf(labels);
  return rule == nullptr || rule->retention_class == 0 ? default_ : classes_[rule->retention_class];
}

KeepTimes RetentionClasses::KeepOf(uint8_t retention_class) const {
  std::shared_lock lock(mutex_);
  if (retention_class >= classes_.size()) return default_;
  const KeepTimes own = retention_class == 0 ? default_ : classes_[retention_class];
  if (!rules_set_) return own;
  const auto longest =
      retention_class < longest_.size() ? longest_[retention_class] : std::optional<KeepTimes>();
  if (retention_class == 0 || in_use_[retention_class])
    return longest ? Longer(own, *longest) : own;
  return longest.value_or(default_);
}

void RetentionClasses::SetLongest(std::vector<std::optional<KeepTimes>> longest) {
  std::unique_lock lock(mutex_);
  longest_ = std::move(longest);
}

bool RetentionClasses::any() const {
  std::shared_lock lock(mutex_);
  return classes_.size() > 1;
}

}  // namespace tocsin::storage
