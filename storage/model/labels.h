// A set of labels: name -> value, sorted by name, no empty values. Immutable after building and
// packed into one string (varint length, bytes, for each name and value), so that a copy is one
// allocation, equality one memcmp and the hash one pass. Values: any thread may read.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

inline constexpr std::string_view kMetricName = "__name__";
inline constexpr std::string_view kJobLabel = "job";
inline constexpr std::string_view kInstanceLabel = "instance";
inline constexpr std::string_view kBucketLabel = "le";
inline constexpr std::string_view kQuantileLabel = "quantile";
inline constexpr std::string_view kAlertName = "alertname";

// Views into the Labels they came from.
struct Label {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const Label&) const = default;
};

class Labels {
 public:
  Labels() = default;
  // Any order; empty values are left out; of equal names the last wins.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);

  class Iterator {
   public:
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    using pointer = const Label*;
    using reference = const Label&;

    Iterator() = default;
    reference operator*() const { return label_; }
    pointer operator->() const { return &label_; }
    Iterator& operator++() {
      Read();
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      Read();
      return old;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class Labels;
    Iterator(const char* p, const char* end) : next_(p), end_(end) { Read(); }
    void Read();

    const char* at_ = nullptr;  // start of the current pair; null at the end
    const char* next_ = nullptr;
    const char* end_ = nullptr;
    Label label_;
  };

  Iterator begin() const { return {data_.data(), data_.data() + data_.size()}; }
  Iterator end() const { return {}; }

  bool empty() const { return data_.empty(); }
  size_t size() const;  // counts: linear
  // Empty when absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  std::string_view name() const { return Get(kMetricName); }

  // XXH3-64 of the packed form: stable within and across processes of one format version.
  uint64_t Hash() const;
  // FNV-1a 64 over name 0xFF value 0xFF: Alertmanager's fingerprint.
  uint64_t Fingerprint() const;
  const std::string& packed() const { return data_; }
  // REQUIRES: `packed` came from packed().
  static Labels FromPacked(std::string packed);

  // Only the named labels / all but the named ones (`without` also drops __name__).
  // REQUIRES: `names` sorted.
  Labels Keep(const std::vector<std::string>& names) const;
  Labels Without(const std::vector<std::string>& names) const;
  Labels WithoutName() const;

  // name{a="b", c="d"}; as Prometheus prints a metric. {} when empty.
  std::string ToString() const;
  // {a="b", c="d"} with __name__ as an ordinary label: as Prometheus prints a label set.
  std::string ToSetString() const;

  bool operator==(const Labels& other) const { return data_ == other.data_; }
  // Prometheus' order: pair by pair, name then value; a prefix comes first.
  std::strong_ordering operator<=>(const Labels& other) const;

 private:
  friend class LabelsBuilder;
  std::string data_;
};

// Collects changes over a base. One thread; reusable through Reset.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(const Labels& base) { Reset(base); }

  void Reset() { pairs_.clear(); }
  void Reset(const Labels& base);
  // An empty value deletes.
  LabelsBuilder& Set(std::string_view name, std::string_view value);
  LabelsBuilder& Del(std::string_view name);
  std::string_view Get(std::string_view name) const;
  // In no particular order.
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

  Labels Build();

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

bool IsValidUtf8(std::string_view text);
// [a-zA-Z_][a-zA-Z0-9_]* / [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyLabelName(std::string_view name);
bool IsLegacyMetricName(std::string_view name);
// Prometheus 3's default scheme: any non-empty valid UTF-8.
inline bool IsValidLabelName(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

struct LabelsHash {
  size_t operator()(const Labels& labels) const { return labels.Hash(); }
};

}  // namespace tocsin
