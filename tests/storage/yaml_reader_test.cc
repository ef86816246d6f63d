#include "storage/config/yaml_reader.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

YamlNode Parsed(std::string_view text) {
  auto node = ParseYaml(text, "f.yml");
  EXPECT_TRUE(node.ok()) << text << ": " << node.error().message();
  return node.ok() ? *node : YamlNode();
}

std::string ParseMessage(std::string_view text) {
  const auto node = ParseYaml(text, "f.yml");
  return node.ok() ? "parsed" : node.error().message();
}

TEST(Yaml, KindsPositionsAndQuotes) {
  const YamlNode root = Parsed("a: 1\nb:\n  - 'true'\n  - true\nc:\nd: ~\ne: |\n  x\n  y\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  EXPECT_EQ(root.Find("a")->scalar, "1");
  const YamlNode& list = *root.Find("b");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_FALSE(list.items[1].quoted);
  EXPECT_EQ(list.items[1].line, 4);
  EXPECT_EQ(list.items[1].column, 5);
  EXPECT_TRUE(root.Find("c")->is_null());
  EXPECT_TRUE(root.Find("d")->is_null());
  EXPECT_EQ(root.Find("e")->scalar, "x\ny\n");
  EXPECT_EQ(root.Find("f"), nullptr);
  EXPECT_TRUE(Parsed("").is_null());
  EXPECT_TRUE(Parsed("# only a comment\n").is_null());
}

TEST(Yaml, RefusesWhatYamlCppLetsPass) {
  EXPECT_EQ(ParseMessage("a: 1\nb: 2\na: 3\n"), "f.yml:3:1: key \"a\" already set in map");
  EXPECT_EQ(ParseMessage("a: \"open\nb: 2\n"),
            "f.yml:1:4: the quoted text that begins here never ends");
  EXPECT_NE(ParseMessage("a: 'it''s").find("f.yml:1:"), std::string::npos);
  EXPECT_NE(ParseMessage("a: &x \"open").find("f.yml:1:"), std::string::npos);
  EXPECT_EQ(ParseMessage("a: \"\\\"\"\nb: 'it''s'\n"), "parsed");
  EXPECT_NE(ParseMessage("? [a]\n: 1\n").find("a key must be a word"), std::string::npos);
  EXPECT_NE(ParseMessage("a: !!binary aGk=").find("tag"), std::string::npos);
  EXPECT_NE(ParseMessage("a: \xff").find("UTF-8"), std::string::npos);
  EXPECT_NE(ParseMessage("a: *nope").find("f.yml:1:"), std::string::npos);
  EXPECT_NE(ParseMessage("a: &x [*x]").find("alias"), std::string::npos);
  EXPECT_NE(ParseMessage("a: [1, 2").find("f.yml:"), std::string::npos);
}

TEST(Yaml, BoundsDepthAndAliases) {
  EXPECT_NE(ParseMessage(std::string(150, '[') + std::string(150, ']')).find("nested too deeply"),
            std::string::npos);
  EXPECT_NE(ParseMessage(std::string(5000, '[')).find("nested too deeply"), std::string::npos);
  EXPECT_EQ(ParseMessage(std::string(90, '[') + std::string(90, ']')), "parsed");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous;
    for (int k = 1; k < 10; ++k) bomb += ", " + previous;
    bomb += "]\n";
  }
  EXPECT_NE(ParseMessage(bomb).find("too large"), std::string::npos);
}

TEST(Yaml, MergeKeys) {
  const YamlNode root = Parsed(
      "base: &b {x: 1, y: 2}\nother: &o {y: 9, z: 3}\n"
      "one: {<<: *b, y: 5}\ntwo:\n  <<: [*b, *o]\n");
  EXPECT_EQ(root.Find("one")->Find("x")->scalar, "1");
  EXPECT_EQ(root.Find("one")->Find("y")->scalar, "5");
  EXPECT_EQ(root.Find("two")->Find("y")->scalar, "2");
  EXPECT_EQ(root.Find("two")->Find("z")->scalar, "3");
  EXPECT_NE(ParseMessage("a: {<<: 5}").find("map merge requires"), std::string::npos);
}

TEST(Yaml, FurtherDocumentsAreNamed) {
  ConfigWarnings warnings;
  const auto node = ParseYaml("a: 1\n---\nb: 2\n", "f.yml", &warnings);
  ASSERT_TRUE(node.ok());
  EXPECT_NE(node->Find("a"), nullptr);
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(YamlValue, TypesAreStrict) {
  const YamlNode root = Parsed(
      "t: yes\nq: 'true'\nn: 42\nf: 2.5\ne: 5e7\no: 010\nd: 1h30m\nz: 0\nb: 512MB\nl: [a, 1]\n"
      "m: {a: 1, b: }\n");
  const auto at = [&](const char* key) -> const YamlNode& { return *root.Find(key); };
  EXPECT_TRUE(*YamlBool(at("t")));
  EXPECT_FALSE(YamlBool(at("q")).ok());
  EXPECT_EQ(*YamlString(at("t")), "yes");
  EXPECT_EQ(*YamlInt(at("n")), 42);
  EXPECT_FALSE(YamlInt(at("f")).ok());
  EXPECT_EQ(*YamlInt(at("e")), 50'000'000);
  EXPECT_FALSE(YamlInt(at("o")).ok());
  EXPECT_EQ(*YamlDouble(at("f")), 2.5);
  EXPECT_EQ(YamlDuration(at("d"))->count(), 5'400'000);
  EXPECT_EQ(YamlDuration(at("z"))->count(), 0);
  EXPECT_EQ(YamlDuration(at("n")).error().message(),
            "f.yml:3:4: not a valid duration string: \"42\"");
  EXPECT_EQ(*YamlByteSize(at("b")), 512u << 20);
  EXPECT_EQ(*YamlStringList(at("l")), (std::vector<std::string>{"a", "1"}));
  EXPECT_FALSE(YamlStringList(at("n")).ok());
  EXPECT_EQ(YamlStringMap(at("m"))->size(), 2u);
}

TEST(StrictMap, ReadsAndRefusesUnknownKeys) {
  const YamlNode root = Parsed("name: x\ncount: 3\nnothing:\n");
  std::string name;
  int count = 0;
  bool nothing = true;
  StrictMap map(root, "thing");
  map.Read("name", &name);
  map.Read("count", &count);
  map.Read("nothing", &nothing);
  EXPECT_TRUE(map.Finish().ok());
  EXPECT_EQ(name, "x");
  EXPECT_EQ(count, 3);
  EXPECT_TRUE(nothing);  // null counts as absent

  const YamlNode typo = Parsed("nmae: x\n");
  StrictMap strict(typo, "thing");
  strict.Read("name", &name);
  EXPECT_EQ(strict.Finish().error().message(),
            "f.yml:1:1: field nmae not found in type thing (did you mean name?)");
}

TEST(StrictMap, TheFirstErrorSticks) {
  const YamlNode root = Parsed("a: x\nb: y\n");
  int64_t a = 0;
  bool b = false;
  StrictMap map(root, "thing");
  map.Read("a", &a);
  map.Read("b", &b);
  EXPECT_NE(map.Finish().error().message().find("f.yml:1:4"), std::string::npos);
  const YamlNode list = Parsed("[1]");
  StrictMap not_a_map(list, "thing");
  EXPECT_FALSE(not_a_map.Finish().ok());
}

TEST(StrictMap, IgnoredKeysAreWarned) {
  const YamlNode root = Parsed("old: 1\n");
  ConfigWarnings warnings;
  StrictMap map(root, "thing");
  map.Ignore("old", "not built", &warnings);
  map.Ignore("absent", "not built", &warnings);
  EXPECT_TRUE(map.Finish().ok());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "f.yml:1:6: old is ignored: not built");
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> words{"scrape_interval", "scrape_timeout", "job_name"};
  EXPECT_EQ(Nearest("scrape_intervall", words), "scrape_interval");
  EXPECT_EQ(Nearest("jobname", words), "job_name");
  EXPECT_EQ(Nearest("zzz", words), "");
}

}  // namespace
}  // namespace tocsin
