#include "storage/base/json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tocsin {
namespace {

TEST(JsonWriter, PutsCommasByItself) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  json.Key("list").BeginArray().Int(1).String("a").Null().EndArray();
  json.Field("b", true).Field("n", 2.5).Field("s", "x");
  json.Key("empty").BeginObject().EndObject();
  json.EndObject();
  EXPECT_EQ(out, R"({"list":[1,"a",null],"b":true,"n":2.5,"s":"x","empty":{}})");
}

TEST(JsonWriter, PrintsFloatsAsEncodingJson) {
  std::string out;
  JsonWriter json(out);
  json.BeginArray().Double(1e-7).Double(1e21).Double(0.1).Double(100).EndArray();
  EXPECT_EQ(out, "[1e-7,1e+21,0.1,100]");
}

TEST(JsonString, Escapes) {
  auto quote = [](std::string_view text, bool html = false) {
    std::string out;
    AppendJsonString(out, text, html);
    return out;
  };
  EXPECT_EQ(quote("a\"b\\c\n\t\x01"), R"("a\"b\\c\n\t\u0001")");
  EXPECT_EQ(quote("<&>", true), R"("\u003c\u0026\u003e")");
  EXPECT_EQ(quote("<&>"), R"("<&>")");
  EXPECT_EQ(quote("\xff\xc3(ü"), "\"\\ufffd\\ufffd(ü\"");
  EXPECT_EQ(quote("\xe2\x80\xa8"), R"("\u2028")");
}

TEST(ParseJson, BuildsATree) {
  auto value = ParseJson(R"({"a":[1,true,null,"x"],"b":{"c":-2.5}})");
  ASSERT_TRUE(value.ok());
  const auto* list = value->Find("a")->AsArray();
  ASSERT_TRUE(list);
  EXPECT_EQ(*(*list)[0].AsNumber(), 1);
  EXPECT_EQ(*(*list)[1].AsBool(), true);
  EXPECT_TRUE((*list)[2].is_null());
  EXPECT_EQ(*(*list)[3].AsString(), "x");
  EXPECT_EQ(*value->Find("b")->Find("c")->AsNumber(), -2.5);
  EXPECT_EQ(value->Find("none"), nullptr);
}

TEST(ParseJson, NamesThePlaceOfAnError) {
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "\"\xff\"", "1 2"}) {
    auto value = ParseJson(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_NE(value.error().message().find("byte"), std::string::npos) << value.error().message();
  }
}

TEST(ParseJson, BoundsTheDepth) {
  EXPECT_TRUE(ParseJson(std::string(200, '[') + std::string(200, ']')).ok());
  auto value = ParseJson(std::string(1'000'000, '['));
  ASSERT_FALSE(value.ok());
  EXPECT_NE(value.error().message().find("200 deep"), std::string::npos);
}

TEST(ParseJson, KeepsTheSignOfZero) {
  for (const auto& [text, negative] :
       {std::pair{"-0", true}, {"0", false}, {"-0.0", true}, {"-2.5e-355", true}, {"-1", true}}) {
    const auto value = ParseJson(text);
    ASSERT_TRUE(value.ok() && value->AsNumber() != nullptr) << text;
    EXPECT_EQ(std::signbit(*value->AsNumber()), negative) << text;
  }
}

}  // namespace
}  // namespace tocsin
