#include "storage/config/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_set>

#include "storage/model/labels.h"

namespace tocsin {
namespace {

constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxAliasBytes = 64u << 20;
constexpr size_t kMaxDepth = 100;
constexpr size_t kMaxTextBytes = 64u << 20;

// How the handler leaves the parser, which offers no other way out.
struct Stop {
  Error error;
};

struct Weight {
  size_t nodes = 0;
  size_t bytes = 0;
};

void AddWeight(const YamlNode& node, Weight* weight) {
  ++weight->nodes;
  weight->bytes += node.scalar.size();
  for (const YamlNode& item : node.items) AddWeight(item, weight);
  for (const auto& [key, value] : node.members) {
    AddWeight(key, weight);
    AddWeight(value, weight);
  }
}

size_t Depth(const YamlNode& node) {
  size_t depth = 0;
  for (const YamlNode& item : node.items) depth = std::max(depth, Depth(item));
  for (const auto& member : node.members) depth = std::max(depth, Depth(member.second));
  return depth + 1;
}

// Builds the tree from yaml-cpp's events. The library's own tree would lose duplicate keys and
// share what aliases name.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(NewNode(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool has_key = false;
    YamlNode key;
    std::unordered_set<std::string> keys;
    std::vector<YamlNode> merges;
  };

  YamlNode NewNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.file = file_;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void CheckTag(const YamlNode& node, const std::string& tag);
  void CheckQuotes(const YamlNode& node, const YAML::Mark& mark);
  void Spend(const YamlNode& node, Weight weight);
  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor);
  void Close();
  void Add(YamlNode node, YAML::anchor_t anchor);
  void AddToMap(Frame& map, YamlNode node);
  void Merge(Frame& map);

  const std::string_view text_;
  const std::string file_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  YamlNode root_;
  size_t nodes_ = 0;
  size_t alias_bytes_ = 0;
};

void TreeBuilder::CheckTag(const YamlNode& node, const std::string& tag) {
  constexpr std::string_view kCore = "tag:yaml.org,2002:";
  static constexpr std::string_view kKnown[] = {"str",  "int", "float", "bool",
                                                "null", "map", "seq"};
  if (tag.empty() || tag == "?" || tag == "!") return;
  if (tag.starts_with(kCore) &&
      std::find(std::begin(kKnown), std::end(kKnown), tag.substr(kCore.size())) != std::end(kKnown))
    return;
  throw Stop{node.MakeError(fmt::format("tag \"{}\" is not supported", tag))};
}

// yaml-cpp takes the end of the text for the end of a quoted scalar.
void TreeBuilder::CheckQuotes(const YamlNode& node, const YAML::Mark& mark) {
  auto pos = static_cast<size_t>(std::max(mark.pos, 0));
  // The mark stands at the anchor or tag when there is one.
  while (pos < text_.size() && (text_[pos] == '&' || text_[pos] == '!')) {
    pos = std::min(text_.find_first_of(" \t\r\n", pos), text_.size());
    pos = std::min(text_.find_first_not_of(" \t\r\n", pos), text_.size());
  }
  if (pos >= text_.size() || (text_[pos] != '"' && text_[pos] != '\'')) return;
  const char quote = text_[pos++];
  for (; pos < text_.size(); ++pos) {
    if (quote == '"' && text_[pos] == '\\') {
      ++pos;
    } else if (text_[pos] == quote) {
      return;  // '' only splits a scalar in two, and the last one still has to end
    }
  }
  throw Stop{node.MakeError("the quoted text that begins here never ends")};
}

void TreeBuilder::Spend(const YamlNode& node, Weight weight) {
  nodes_ += weight.nodes;
  alias_bytes_ += weight.bytes;
  if (nodes_ > kMaxNodes || alias_bytes_ > kMaxAliasBytes)
    throw Stop{node.MakeError("the document is too large (aliases count as what they stand for)")};
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  YamlNode node = NewNode(YamlNode::Kind::kScalar, mark);
  CheckTag(node, tag);
  if (tag == "!") CheckQuotes(node, mark);
  node.quoted = tag == "!" || tag.ends_with(":str");
  node.scalar = value;
  Spend(node, {1, 0});
  Add(std::move(node), anchor);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const YamlNode here = NewNode(YamlNode::Kind::kNull, mark);
  const auto it = anchors_.find(anchor);
  if (it == anchors_.end()) throw Stop{here.MakeError("an alias inside the node it names")};
  Weight weight;
  AddWeight(it->second, &weight);
  Spend(here, weight);
  if (frames_.size() + Depth(it->second) > kMaxDepth)
    throw Stop{here.MakeError("the document is nested too deeply")};
  Add(it->second, YAML::NullAnchor);
}

void TreeBuilder::Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor) {
  Frame frame;
  frame.node = NewNode(kind, mark);
  frame.anchor = anchor;
  CheckTag(frame.node, tag);
  Spend(frame.node, {1, 0});
  if (frames_.size() >= kMaxDepth)
    throw Stop{frame.node.MakeError("the document is nested too deeply")};
  frames_.push_back(std::move(frame));
}

void TreeBuilder::Close() {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  Merge(frame);
  Add(std::move(frame.node), frame.anchor);
}

void TreeBuilder::Add(YamlNode node, YAML::anchor_t anchor) {
  if (anchor != YAML::NullAnchor) {
    Weight weight;
    AddWeight(node, &weight);
    Spend(node, weight);
    anchors_[anchor] = node;
  }
  if (frames_.empty()) {
    root_ = std::move(node);
  } else if (frames_.back().node.kind == YamlNode::Kind::kSequence) {
    frames_.back().node.items.push_back(std::move(node));
  } else {
    AddToMap(frames_.back(), std::move(node));
  }
}

void TreeBuilder::AddToMap(Frame& map, YamlNode node) {
  if (!map.has_key) {
    if (node.kind != YamlNode::Kind::kScalar) throw Stop{node.MakeError("a key must be a word")};
    map.key = std::move(node);
    map.has_key = true;
    return;
  }
  map.has_key = false;
  if (map.key.scalar == "<<" && !map.key.quoted) {
    map.merges.push_back(std::move(node));
    return;
  }
  if (!map.keys.insert(map.key.scalar).second)
    throw Stop{map.key.MakeError(fmt::format("key \"{}\" already set in map", map.key.scalar))};
  map.node.members.emplace_back(std::move(map.key), std::move(node));
}

// Keys of the map itself win over merged ones, earlier merged maps over later ones.
void TreeBuilder::Merge(Frame& map) {
  for (YamlNode& merge : map.merges) {
    std::vector<YamlNode> sources;
    if (merge.kind == YamlNode::Kind::kSequence) {
      sources = std::move(merge.items);
    } else {
      sources.push_back(merge);
    }
    for (YamlNode& source : sources) {
      if (source.kind != YamlNode::Kind::kMap)
        throw Stop{merge.MakeError("map merge requires map or sequence of maps as the value")};
      for (auto& member : source.members)
        if (map.keys.insert(member.first.scalar).second)
          map.node.members.push_back(std::move(member));
    }
  }
}

class NullHandler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

Error ParseError(std::string_view file, const YAML::Exception& e) {
  if (e.mark.is_null()) return InvalidArgument(fmt::format("{}: yaml: {}", file, e.msg));
  std::string_view text = e.msg;
  if (text == "bad file") text = "the document is nested too deeply";
  return InvalidArgument(
      fmt::format("{}:{}:{}: yaml: {}", file, e.mark.line + 1, e.mark.column + 1, text));
}

YamlNode NodeAt(std::string_view file, int line, int column) {
  YamlNode node;
  node.file = file;
  node.line = line;
  node.column = column;
  return node;
}

}  // namespace

Result<YamlNode> ParseYaml(std::string_view text, std::string_view file, ConfigWarnings* warnings) {
  if (text.size() > kMaxTextBytes)
    return Error(ErrorCode::kLimit, fmt::format("{}: larger than {} bytes", file, kMaxTextBytes));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!IsValidUtf8(text) || text.find('\0') != std::string_view::npos)
    return NodeAt(file, 1, 1).MakeError("the text is not UTF-8");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(text, file);
    if (!parser.HandleNextDocument(builder)) return NodeAt(file, 1, 1);
    NullHandler rest;
    if (parser.HandleNextDocument(rest)) {
      if (text.find("\n---") == std::string_view::npos)
        return NodeAt(file, 1, 1).MakeError("there is more text after the end of the document");
      if (warnings != nullptr)
        warnings->push_back(fmt::format("{}: only the first YAML document is used", file));
    }
    return builder.TakeRoot();
  } catch (const Stop& stop) {
    return stop.error;
  } catch (const YAML::Exception& e) {
    return ParseError(file, e);
  } catch (const std::exception& e) {
    return InvalidArgument(fmt::format("{}: yaml: {}", file, e.what()));
  }
}

}  // namespace tocsin
