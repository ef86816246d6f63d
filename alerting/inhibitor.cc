#include "alerting/inhibitor.h"

#include <mutex>

#include "storage/base/coding.h"

namespace tocsin::alerting {
namespace {

// An absent label equals an empty one.
std::string EqualKey(const std::vector<std::string>& names, const Labels& labels) {
  std::string out;
  for (const std::string& name : names) PutString(out, labels.Get(name));
  return out;
}

}  // namespace

Inhibitor::Inhibitor(const std::vector<InhibitRuleConfig>& rules) {
  for (const InhibitRuleConfig& rule : rules) rules_.push_back({rule, {}});
}

void Inhibitor::Update(const AlertPtr& alert) {
  std::unique_lock lock(mutex_);
  for (Rule& rule : rules_) {
    if (!MatchesAll(rule.config.source, alert->labels)) continue;
    rule.sources[EqualKey(rule.config.equal, alert->labels)][alert->fingerprint()] = alert;
  }
}

std::optional<uint64_t> Inhibitor::InhibitedBy(const Labels& target, Timestamp now) const {
  std::shared_lock lock(mutex_);
  for (const Rule& rule : rules_) {
    if (!MatchesAll(rule.config.target, target)) continue;
    const auto bucket = rule.sources.find(EqualKey(rule.config.equal, target));
    if (bucket == rule.sources.end()) continue;
    const bool two_sided = MatchesAll(rule.config.source, target);
    for (const auto& [fingerprint, source] : bucket->second) {
      if (source->ResolvedAt(now)) continue;
      if (two_sided && MatchesAll(rule.config.target, source->labels)) continue;
      return fingerprint;
    }
  }
  return std::nullopt;
}

void Inhibitor::CollectGarbage(Timestamp now) {
  std::unique_lock lock(mutex_);
  for (Rule& rule : rules_) {
    absl::erase_if(rule.sources, [now](auto& bucket) {
      std::erase_if(bucket.second,
                    [now](const auto& source) { return source.second->ResolvedAt(now); });
      return bucket.second.empty();
    });
  }
}

}  // namespace tocsin::alerting
