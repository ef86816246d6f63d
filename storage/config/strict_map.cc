// The strict reader of one mapping; declared in storage/config/yaml_reader.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "storage/config/yaml_reader.h"

namespace tocsin {
namespace {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kMaxWord = 200;
  if (word.size() > kMaxWord) return "";
  size_t best = std::clamp<size_t>((word.size() + 2) / 3, 1, 4) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

StrictMap::StrictMap(const YamlNode& node, std::string_view what) : node_(node), what_(what) {
  if (node.kind != YamlNode::Kind::kMap && !node.is_null())
    Fail(node.MakeError(fmt::format("expected a mapping for {}", what)));
}

bool StrictMap::Has(std::string_view key) {
  known_.emplace(key);
  return node_.Find(key) != nullptr;
}

const YamlNode* StrictMap::Get(std::string_view key) {
  known_.emplace(key);
  const YamlNode* value = node_.Find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

template <typename T, typename F>
void StrictMap::ReadWith(std::string_view key, T* out, F parse) {
  const YamlNode* value = Get(key);
  if (value == nullptr) return;
  auto parsed = parse(*value);
  if (parsed.ok()) {
    *out = *std::move(parsed);
  } else {
    const Error& error = parsed.error();
    Fail(Error(error.code(), fmt::format("{} (in {})", error.message(), key)));
  }
}

void StrictMap::Read(std::string_view key, std::string* out) { ReadWith(key, out, YamlString); }
void StrictMap::Read(std::string_view key, bool* out) { ReadWith(key, out, YamlBool); }
void StrictMap::Read(std::string_view key, int64_t* out) { ReadWith(key, out, YamlInt); }
void StrictMap::Read(std::string_view key, double* out) { ReadWith(key, out, YamlDouble); }
void StrictMap::Read(std::string_view key, Duration* out) { ReadWith(key, out, YamlDuration); }
void StrictMap::ReadByteSize(std::string_view key, uint64_t* out) {
  ReadWith(key, out, YamlByteSize);
}
void StrictMap::Read(std::string_view key, std::vector<std::string>* out) {
  ReadWith(key, out, YamlStringList);
}

void StrictMap::Read(std::string_view key, uint64_t* out) {
  ReadWith(key, out, [](const YamlNode& node) -> Result<uint64_t> {
    TOCSIN_ASSIGN(const int64_t value, YamlInt(node));
    if (value < 0) return node.MakeError("must not be negative");
    return static_cast<uint64_t>(value);
  });
}

void StrictMap::Read(std::string_view key, int* out) {
  ReadWith(key, out, [](const YamlNode& node) -> Result<int> {
    TOCSIN_ASSIGN(const int64_t value, YamlInt(node));
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
      return node.MakeError("out of range");
    return static_cast<int>(value);
  });
}

void StrictMap::Read(std::string_view key, std::map<std::string, std::string>* out) {
  ReadWith(key, out, [](const YamlNode& node) -> Result<std::map<std::string, std::string>> {
    TOCSIN_ASSIGN(auto pairs, YamlStringMap(node));
    return std::map<std::string, std::string>(pairs.begin(), pairs.end());
  });
}

void StrictMap::Ignore(std::string_view key, std::string_view why, ConfigWarnings* warnings) {
  known_.emplace(key);
  const YamlNode* value = node_.Find(key);
  if (value == nullptr || warnings == nullptr) return;
  warnings->push_back(value->MakeError(fmt::format("{} is ignored: {}", key, why)).message());
}

void StrictMap::Fail(Error error) {
  if (status_.ok()) status_ = std::move(error);
}

void StrictMap::FailAt(std::string_view key, std::string_view message) {
  const YamlNode* value = node_.Find(key);
  Fail((value == nullptr ? node_ : *value).MakeError(message));
}

Status StrictMap::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& member : node_.members) {
    const YamlNode& key = member.first;
    if (known_.contains(key.scalar)) continue;
    const std::string nearest =
        Nearest(key.scalar, std::vector<std::string>(known_.begin(), known_.end()));
    return key.MakeError(fmt::format("field {} not found in type {}{}", key.scalar, what_,
                                     nearest.empty() ? "" : " (did you mean " + nearest + "?)"));
  }
  return OkStatus();
}

}  // namespace tocsin
