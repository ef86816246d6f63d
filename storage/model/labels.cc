#include "storage/model/labels.h"

#include <cstring>

#include "storage/base/coding.h"
#include "storage/model/matcher.h"

namespace tocsin {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

void AppendPair(std::string& out, std::string_view name, std::string_view value) {
  PutString(out, name);
  PutString(out, value);
}

// REQUIRES: p points at a string written by PutString.
std::string_view TakeString(const char** p) {
  const auto* at = reinterpret_cast<const unsigned char*>(*p);
  size_t size = *at & 0x7f;
  for (unsigned shift = 7; *at++ >= 0x80; shift += 7) size |= size_t{*at & 0x7fu} << shift;
  const char* begin = reinterpret_cast<const char*>(at);
  *p = begin + size;
  return {begin, size};
}

std::string Pack(std::vector<Pair>& pairs) {
  // Stable: of equal names the last one written wins.
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.first < b.first; });
  size_t bytes = 0;
  for (const auto& [name, value] : pairs) bytes += name.size() + value.size() + 4;
  std::string out;
  out.reserve(bytes);
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i + 1 < pairs.size() && pairs[i + 1].first == pairs[i].first) continue;
    if (!pairs[i].second.empty()) AppendPair(out, pairs[i].first, pairs[i].second);
  }
  return out;
}

bool IsAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

void AppendLabelName(std::string& out, std::string_view name) {
  if (IsLegacyLabelName(name)) {
    out += name;
  } else {
    AppendGoQuoted(out, name);
  }
}

// The length of the valid UTF-8 sequence at `s`, or 0.
size_t SequenceLength(const unsigned char* s, size_t n) {
  const auto continues = [&](size_t i) { return i < n && (s[i] & 0xc0) == 0x80; };
  const unsigned char c = s[0];
  if (c < 0x80) return 1;
  if (c < 0xc2) return 0;
  if (c < 0xe0) return continues(1) ? 2 : 0;
  if (c < 0xf0) {
    if (!continues(1) || !continues(2)) return 0;
    if (c == 0xe0 && s[1] < 0xa0) return 0;   // overlong
    if (c == 0xed && s[1] >= 0xa0) return 0;  // surrogate
    return 3;
  }
  if (c > 0xf4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (c == 0xf0 && s[1] < 0x90) return 0;
  if (c == 0xf4 && s[1] >= 0x90) return 0;
  return 4;
}

}  // namespace

Labels::Labels(std::initializer_list<Pair> pairs) {
  std::vector<Pair> sorted(pairs);
  data_ = Pack(sorted);
}

void Labels::Iterator::Read() {
  if (next_ == end_) {
    at_ = nullptr;
    return;
  }
  at_ = next_;
  label_.name = TakeString(&next_);
  label_.value = TakeString(&next_);
}

size_t Labels::size() const {
  size_t n = 0;
  for (auto it = begin(); it != end(); ++it) ++n;
  return n;
}

std::string_view Labels::Get(std::string_view name) const {
  for (const Label& label : *this) {
    const int order = label.name.compare(name);
    if (order == 0) return label.value;
    if (order > 0) break;
  }
  return {};
}

uint64_t Labels::Hash() const { return Hash64(data_); }

uint64_t Labels::Fingerprint() const {
  constexpr uint64_t kPrime = 1099511628211u;
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
    hash = (hash ^ 0xff) * kPrime;
  };
  for (const Label& label : *this) {
    add(label.name);
    add(label.value);
  }
  return hash;
}

Labels Labels::FromPacked(std::string packed) {
  Labels labels;
  labels.data_ = std::move(packed);
  return labels;
}

Labels Labels::Keep(const std::vector<std::string>& names) const {
  Labels out;
  auto name = names.begin();
  for (const Label& label : *this) {
    while (name != names.end() && *name < label.name) ++name;
    if (name == names.end()) break;
    if (*name == label.name) AppendPair(out.data_, label.name, label.value);
  }
  return out;
}

Labels Labels::Without(const std::vector<std::string>& names) const {
  Labels out;
  out.data_.reserve(data_.size());
  auto name = names.begin();
  for (const Label& label : *this) {
    while (name != names.end() && *name < label.name) ++name;
    if (name != names.end() && *name == label.name) continue;
    if (label.name != kMetricName) AppendPair(out.data_, label.name, label.value);
  }
  return out;
}

Labels Labels::WithoutName() const {
  for (auto it = begin(); it != end(); ++it) {
    if (it->name != kMetricName) continue;
    Labels out;
    out.data_.reserve(data_.size());
    out.data_.append(data_.data(), static_cast<size_t>(it.at_ - data_.data()));
    out.data_.append(it.next_, static_cast<size_t>(it.end_ - it.next_));
    return out;
  }
  return *this;
}

std::string Labels::ToString() const {
  std::string out;
  const std::string_view metric = name();
  const bool plain = IsLegacyMetricName(metric);
  if (plain) out += metric;
  bool open = false;
  const auto separate = [&] {
    out += open ? ", " : "{";
    open = true;
  };
  if (!plain && !metric.empty()) {
    separate();
    AppendGoQuoted(out, metric);
  }
  for (const Label& label : *this) {
    if (label.name == kMetricName) continue;
    separate();
    AppendLabelName(out, label.name);
    out += '=';
    AppendGoQuoted(out, label.value);
  }
  if (open) {
    out += '}';
  } else if (out.empty()) {
    out = "{}";
  }
  return out;
}

std::string Labels::ToSetString() const {
  std::string out = "{";
  for (const Label& label : *this) {
    if (out.size() > 1) out += ", ";
    AppendLabelName(out, label.name);
    out += '=';
    AppendGoQuoted(out, label.value);
  }
  return out + '}';
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  auto a = begin();
  auto b = other.begin();
  for (; a != end() && b != other.end(); ++a, ++b) {
    if (const auto order = *a <=> *b; order != 0)
      return order < 0 ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  if (a == end())
    return b == other.end() ? std::strong_ordering::equal : std::strong_ordering::less;
  return std::strong_ordering::greater;
}

void LabelsBuilder::Reset(const Labels& base) {
  pairs_.clear();
  for (const Label& label : base) pairs_.emplace_back(label.name, label.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Del(name);
  for (auto& pair : pairs_) {
    if (pair.first == name) {
      pair.second = value;
      return *this;
    }
  }
  pairs_.emplace_back(name, value);
  return *this;
}

LabelsBuilder& LabelsBuilder::Del(std::string_view name) {
  for (size_t i = 0; i < pairs_.size(); ++i) {
    if (pairs_[i].first != name) continue;
    if (i + 1 != pairs_.size()) pairs_[i] = std::move(pairs_.back());
    pairs_.pop_back();
    break;
  }
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  for (const auto& pair : pairs_)
    if (pair.first == name) return pair.second;
  return {};
}

Labels LabelsBuilder::Build() {
  std::sort(pairs_.begin(), pairs_.end());
  size_t bytes = 0;
  for (const auto& [name, value] : pairs_) bytes += name.size() + value.size() + 4;
  std::string packed;
  packed.reserve(bytes);
  for (const auto& [name, value] : pairs_) AppendPair(packed, name, value);
  return Labels::FromPacked(std::move(packed));
}

bool IsValidUtf8(std::string_view text) {
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  size_t n = text.size();
  while (n > 0) {
    if (n >= 8) {
      uint64_t word;
      std::memcpy(&word, s, 8);
      if ((word & 0x8080808080808080u) == 0) {
        s += 8;
        n -= 8;
        continue;
      }
    }
    const size_t length = SequenceLength(s, n);
    if (length == 0) return false;
    s += length;
    n -= length;
  }
  return true;
}

bool IsLegacyLabelName(std::string_view name) {
  if (name.empty() || IsAsciiDigit(name[0])) return false;
  for (const char c : name)
    if (!IsAsciiLetter(c) && !IsAsciiDigit(c) && c != '_') return false;
  return true;
}

bool IsLegacyMetricName(std::string_view name) {
  if (name.empty() || IsAsciiDigit(name[0])) return false;
  for (const char c : name)
    if (!IsAsciiLetter(c) && !IsAsciiDigit(c) && c != '_' && c != ':') return false;
  return true;
}

}  // namespace tocsin
