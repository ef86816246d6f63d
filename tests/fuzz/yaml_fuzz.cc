// Configuration text.
#include "storage/config/relabel_config.h"
#include "storage/config/yaml_reader.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

void Visit(const YamlNode& node) {
  (void)YamlBool(node).ok();
  (void)YamlInt(node).ok();
  (void)YamlDouble(node).ok();
  (void)YamlDuration(node).ok();
  (void)YamlByteSize(node).ok();
  (void)YamlStringList(node).ok();
  (void)YamlStringMap(node).ok();
  for (const YamlNode& item : node.items) Visit(item);
  for (const auto& [key, value] : node.members) Visit(value);
}

}  // namespace

void RunOne(std::string_view input) {
  ConfigWarnings warnings;
  const auto root = ParseYaml(input, "fuzz.yml", &warnings);
  if (root.ok()) Visit(*root);
}

std::vector<std::string> Seeds() {
  return {
      "global:\n  scrape_interval: 15s\n  external_labels: {site: \"a\", 'b': c}\n"
      "scrape_configs:\n- job_name: node\n  static_configs:\n  - targets: ['a:1', b:2]\n",
      "a: &x {k: 1, l: [1, 2, 3]}\nb:\n  <<: *x\n  k: 2\nc: *x\n",
      "text: |\n  line 1\n  line 2\nfolded: >-\n  a\n  b\nnull_: ~\nbool: true\nsize: 10GB\n",
      "- 1\n- -2.5e3\n- 0x1F\n- !!str 5\n- \"esc \\\" \\u00e9 \\n\"\n- 'it''s'\n",
      "a: [[[[[[]]]]]]\n---\nsecond: document\n",
  };
}

}  // namespace tocsin::fuzz
