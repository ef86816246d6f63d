#include "tools/tocsin/config_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "storage/base/number.h"
#include "storage/config/secret.h"
#include "storage/config/url.h"
#include "storage/model/duration.h"
#include "tools/tocsin/config_schema.h"
#include "tools/tocsin/yaml_text.h"

namespace tocsin {
namespace {

YamlNode Scalar(std::string text) {
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.scalar = std::move(text);
  return node;
}

YamlNode* FindMember(YamlNode& map, std::string_view key) {
  for (auto& [name, value] : map.members)
    if (name.scalar == key) return &value;
  return nullptr;
}

void SetMember(YamlNode& map, std::string_view key, YamlNode value) {
  map.kind = YamlNode::Kind::kMap;
  if (YamlNode* member = FindMember(map, key)) {
    *member = std::move(value);
  } else {
    map.members.emplace_back(Scalar(std::string(key)), std::move(value));
  }
}

// The keys a job takes from `global` where it does not say otherwise.
constexpr std::array<std::string_view, 14> kInherited = {"body_size_limit",
                                                         "sample_limit",
                                                         "target_limit",
                                                         "label_limit",
                                                         "label_name_length_limit",
                                                         "label_value_length_limit",
                                                         "keep_dropped_targets",
                                                         "scrape_failure_log_file",
                                                         "scrape_native_histograms",
                                                         "convert_classic_histograms_to_nhcb",
                                                         "always_scrape_classic_histograms",
                                                         "extra_scrape_metrics",
                                                         "scrape_protocols",
                                                         "metric_name_validation_scheme"};

bool IsUnset(const YamlNode* value) {
  return value == nullptr || value->is_null() || value->scalar == "0";
}

// What the loader worked out from several keys becomes the value of each.
YamlNode Effective(YamlNode root, const MainConfig& config) {
  YamlNode none;
  YamlNode* written = FindMember(root, "global");
  if (written == nullptr || written->members.empty()) {
    // As in Prometheus only a file without this section shows the scheme.
    SetMember(none, "metric_name_escaping_scheme", Scalar("allow-utf-8"));
    SetMember(root, "global", none);
  }
  YamlNode& global = *FindMember(root, "global");
  SetMember(global, "scrape_interval", Scalar(FormatDuration(config.global.scrape_interval)));
  SetMember(global, "scrape_timeout", Scalar(FormatDuration(config.global.scrape_timeout)));
  SetMember(global, "evaluation_interval",
            Scalar(FormatDuration(config.global.evaluation_interval)));
  YamlNode* jobs = FindMember(root, "scrape_configs");
  for (size_t i = 0; jobs != nullptr && i < jobs->items.size(); ++i) {
    YamlNode& job = jobs->items[i];
    const ingest::ScrapeConfig& loaded = config.scrape_configs[i];
    SetMember(job, "scrape_interval", Scalar(FormatDuration(loaded.scrape_interval)));
    SetMember(job, "scrape_timeout", Scalar(FormatDuration(loaded.scrape_timeout)));
    SetMember(job, "metric_name_escaping_scheme", Scalar(loaded.escaping_scheme));
    for (const std::string_view key : kInherited)
      if (const YamlNode* from = global.Find(key); from != nullptr && IsUnset(job.Find(key)))
        SetMember(job, key, *from);
  }
  return root;
}

YamlText Hidden(const YamlNode& node) {
  return YamlText::String(node.scalar.empty() ? "" : std::string(kSecretText));
}

bool IsLikelySecret(std::string_view key) {
  static constexpr std::array<std::string_view, 6> kKeys = {
      "password", "credentials", "key", "secrets", "proxy_connect_header", "api_key"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() || key.ends_with("token") ||
         key.ends_with("secret") || key.ends_with("secret_key") || key.ends_with("_key_pem") ||
         key == "client_certificate_key" || key == "account_key" || key == "private_key";
}

YamlText Foreign(const YamlNode& node, bool secret) {
  YamlText out;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return YamlText::Plain("null");
    case YamlNode::Kind::kScalar:
      if (secret) return Hidden(node);
      if (node.quoted) return YamlText::String(node.scalar);
      return YamlText::Plain(WithoutUrlPassword(node.scalar));
    case YamlNode::Kind::kSequence:
      out.kind = YamlText::Kind::kList;
      for (const YamlNode& item : node.items) out.items.push_back(Foreign(item, secret));
      return out;
    case YamlNode::Kind::kMap:
      for (const auto& [key, value] : node.members)
        out.members.emplace_back(key.scalar, Foreign(value, secret || IsLikelySecret(key.scalar)));
      return out;
  }
  return out;
}

// As Go's units print it: 1536 is 1KiB512B.
std::string ByteSizeText(uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kUnits = {"EiB", "PiB", "TiB", "GiB",
                                                             "MiB", "KiB", "B"};
  std::string out;
  for (size_t i = 0; i < kUnits.size(); ++i) {
    const size_t shift = 10 * (kUnits.size() - 1 - i);
    const uint64_t n = (bytes >> shift) & (i == 0 ? ~uint64_t{0} : 1023);
    if (n != 0) out += fmt::format("{}{}", n, kUnits[i]);
  }
  return out.empty() ? "0B" : out;
}

template <typename T, typename F>
YamlText Typed(const Result<T>& value, const YamlNode& node, F print) {
  return value.ok() ? YamlText::Plain(print(*value)) : YamlText::String(node.scalar);
}

YamlText List(const YamlNode& node, YamlText::Kind kind, const std::string* base, bool secret) {
  YamlText out;
  out.kind = kind;
  for (const YamlNode& item : node.items) {
    if (secret) {
      out.items.push_back(Hidden(item));
    } else {
      out.items.push_back(
          YamlText::String(base == nullptr ? item.scalar : ResolvePath(*base, item.scalar)));
    }
  }
  return out;
}

// Go prints maps by the order of their keys.
template <typename F>
YamlText Map(const YamlNode& node, F value_of) {
  YamlText out;
  for (const auto& [key, value] : node.members)
    out.members.emplace_back(key.scalar, value_of(value));
  std::sort(out.members.begin(), out.members.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

// The default of a field, as if it had been written.
YamlNode FallbackOf(const Field& field) {
  YamlNode node = Scalar(std::string(field.fallback));
  if (field.kind == FieldKind::kSection) node.kind = YamlNode::Kind::kMap;
  if (field.kind == FieldKind::kTextList || field.kind == FieldKind::kPathList) {
    node.kind = YamlNode::Kind::kSequence;
    std::string_view rest = field.fallback == "[]" ? "" : field.fallback;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(','), rest.size());
      node.items.push_back(Scalar(std::string(rest.substr(0, end))));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return node;
}

void AppendFields(const YamlNode& map, std::span<const Field> fields, YamlText& out);

YamlText Section(const YamlNode& map, std::span<const Field> fields) {
  YamlText out;
  AppendFields(map, fields, out);
  return out;
}

YamlText ValueOf(const YamlNode& node, const Field& field) {
  const auto text = [](const YamlNode& n) { return YamlText::String(n.scalar); };
  switch (field.kind) {
    case FieldKind::kText:
      return text(node);
    case FieldKind::kPath:
      return YamlText::String(ResolvePath(node.file, node.scalar));
    case FieldKind::kUrl:
      return YamlText::String(WithoutUrlPassword(node.scalar));
    case FieldKind::kBool:
      return Typed(YamlBool(node), node, [](bool on) { return on ? "true" : "false"; });
    case FieldKind::kNumber:
      return YamlText::Plain(node.scalar);
    case FieldKind::kDuration:
      return Typed(YamlDuration(node), node, [](Duration d) { return FormatDuration(d); });
    case FieldKind::kByteSize:
      return Typed(YamlByteSize(node), node, ByteSizeText);
    case FieldKind::kSecret:
      return Hidden(node);
    case FieldKind::kTextList:
      return List(node, YamlText::Kind::kList, nullptr, false);
    case FieldKind::kFlowList:
      return List(node, YamlText::Kind::kFlowList, nullptr, false);
    case FieldKind::kPathList:
      return List(node, YamlText::Kind::kList, &node.file, false);
    case FieldKind::kSecretList:
      return List(node, YamlText::Kind::kList, nullptr, true);
    case FieldKind::kTextMap:
      return Map(node, text);
    case FieldKind::kSecretMap:
      return Map(node, Hidden);
    case FieldKind::kListMap:
    case FieldKind::kSecretListMap:
      return Map(node, [secret = field.kind == FieldKind::kSecretListMap](const YamlNode& n) {
        return List(n, YamlText::Kind::kList, nullptr, secret);
      });
    case FieldKind::kSection:
      return Section(node, field.fields);
    case FieldKind::kSectionList: {
      YamlText out;
      out.kind = YamlText::Kind::kList;
      for (const YamlNode& item : node.items) out.items.push_back(Section(item, field.fields));
      return out;
    }
    case FieldKind::kSectionMap:
      return Map(node, [&](const YamlNode& n) { return Section(n, field.fields); });
    default:
      return Foreign(node, false);
  }
}

// Zero, false and "" are left out unless they mean something.
bool IsZero(const YamlText& value) {
  return value.empty() ||
         (value.kind == YamlText::Kind::kPlain &&
          (value.text == "0" || value.text == "false" || value.text == "0s" || value.text == "0B"));
}

void AppendDiscovery(const YamlNode& map, std::span<const Field> known, YamlText& out) {
  std::vector<Field> found;
  for (const auto& [key, value] : map.members) {
    if (!key.scalar.ends_with("_sd_configs") && key.scalar != "static_configs") continue;
    const auto field = std::find_if(known.begin(), known.end(),
                                    [&](const Field& f) { return f.key == key.scalar; });
    found.push_back(field == known.end() ? Field{key.scalar, FieldKind::kForeign} : *field);
  }
  std::sort(found.begin(), found.end(),
            [](const Field& a, const Field& b) { return a.key < b.key; });
  AppendFields(map, found, out);
}

// bearer_token is the old way to write `authorization`.
const YamlNode* BearerToken(const YamlNode& map, YamlNode& made) {
  for (const auto& [old_key, key] :
       {std::pair{"bearer_token", "credentials"}, {"bearer_token_file", "credentials_file"}})
    if (const YamlNode* token = map.Find(old_key); token != nullptr && !token->is_null())
      SetMember(made, key, *token);
  return made.members.empty() ? nullptr : &made;
}

void AppendFields(const YamlNode& map, std::span<const Field> fields, YamlText& out) {
  for (const Field& field : fields) {
    if (field.kind == FieldKind::kInline) {
      AppendFields(map, field.fields, out);
      continue;
    }
    if (field.kind == FieldKind::kDiscovery) {
      AppendDiscovery(map, field.fields, out);
      continue;
    }
    YamlNode made;
    const YamlNode* node = map.Find(field.key);
    if (node != nullptr && node->is_null()) node = nullptr;
    if (node == nullptr && field.key == "authorization") node = BearerToken(map, made);
    if (node == nullptr) {
      if (field.fallback.empty() && !field.always) continue;
      made = FallbackOf(field);
      node = &made;
    }
    YamlText value = ValueOf(*node, field);
    if (!field.always && IsZero(value)) continue;
    out.members.emplace_back(std::string(field.key), std::move(value));
  }
}

}  // namespace

std::string ShowConfig(const YamlNode& root, const MainConfig& config) {
  return Section(Effective(root, config), MainConfigFields()).Print();
}

}  // namespace tocsin
