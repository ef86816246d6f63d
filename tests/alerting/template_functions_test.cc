// Alertmanager's functions, times and durations, and escaping for HTML.
#include <gtest/gtest.h>

#include <string>

#include "alerting/template/go_time.h"
#include "alerting/template/template.h"

namespace tocsin::alerting {
namespace {

using std::chrono::nanoseconds;

std::string Plain(std::string_view text, const TemplateValue& dot = {}, bool html = false) {
  const FunctionTable functions =
      AlertmanagerFunctions([] { return Timestamp{1'767'323'045'000}; });
  auto out = TemplateSet().Expand("t", text, dot, functions, html);
  return out.ok() ? *out : "error: " + out.error().message();
}
std::string Html(std::string_view text, const TemplateValue& dot) { return Plain(text, dot, true); }

TEST(AlertmanagerFunctions, Texts) {
  EXPECT_EQ(Plain(R"({{ title "hello wORLD" }} {{ toUpper "aß" }} {{ toLower "ÀB" }})"),
            "Hello World Aß àb");
  EXPECT_EQ(Plain(R"([{{ trimSpace " a b \n" }}])"), "[a b]");
  EXPECT_EQ(Plain(R"({{ stringSlice "a" "b" | join "," }})"), "a,b");
  EXPECT_EQ(Plain("{{ match `^a.c$` `abc` }} {{ reReplaceAll `(b)` `<${1}>` `abc` }}"),
            "true a<b>c");
  EXPECT_EQ(Plain(R"({{ urlUnescape "a+b%2Fc" }} {{ urlUnescape "%zz" }})"),
            "error: template: t:1:31: executing \"t\" at <urlUnescape \"%zz\">: error calling "
            "urlUnescape: invalid URL escape \"%zz\"");
  EXPECT_EQ(Plain(R"({{ base64encode "ab?>" }} {{ base64decode "YWI_Pg==" }})"), "YWI_Pg== ab?>");
  EXPECT_EQ(Plain(R"({{ base64encode "" }}|{{ base64encode "a" }}|{{ base64decode "YQ==" }})"),
            "|YQ==|a");
}

TEST(AlertmanagerFunctions, Collections) {
  EXPECT_EQ(Plain(R"({{ list 1 "a" 2.5 }} {{ append (list 1) 2 3 }})"), "[1 a 2.5] [1 2 3]");
  EXPECT_EQ(Plain(R"({{ (dict "b" 1 "a" "x").a }} {{ dict "b" 1 "a" "x" }})"), "x map[a:x b:1]");
  EXPECT_EQ(Plain(R"({{ dict "a" | len }})"),
            "error: template: t:1:3: executing \"t\" at <dict \"a\">: error calling dict: dict "
            "expects an even number of arguments");
  EXPECT_EQ(Plain(R"({{ toJson (dict "z" (list 1 2.5 "<&>") "a" nil "t" true) }})"),
            R"({"a":null,"t":true,"z":[1,2.5,"\u003c\u0026\u003e"]})");
}

TEST(AlertmanagerFunctions, Times) {
  EXPECT_EQ(Plain("{{ now }}"), "2026-01-02 03:04:05 +0000 UTC");
  EXPECT_EQ(Plain(R"({{ now | date "02 Jan 06 15:04 MST" }})"), "02 Jan 26 03:04 UTC");
  EXPECT_EQ(Plain(R"({{ now | tz "Europe/Berlin" | date "15:04 -0700 MST" }})"), "04:04 +0100 CET");
  EXPECT_EQ(Plain(R"({{ now | tz "Nowhere/At" }})"),
            "error: template: t:1:9: executing \"t\" at <tz \"Nowhere/At\">: error calling tz: "
            "unknown time zone Nowhere/At");
  EXPECT_EQ(Plain(R"({{ toDate "2006-01-02 15:04" "2026-01-01 23:00" | since }})"), "4h4m5s");
  EXPECT_EQ(Plain(R"({{ (toDate "2006-01-02" "x").IsZero }} {{ toDate "2006" "y" }})"),
            "true 0001-01-01 00:00:00 +0000 UTC");
  EXPECT_EQ(Plain(R"({{ humanizeDuration (since (toDate "2006" "2026")) }})"), "1d 3h 4m 5s");
}

std::string Format(std::string_view layout, int64_t ms = 1'767'323'045'678) {
  return FormatGoTime(TemplateTime{{ms}, false, ""}, layout);
}

TEST(GoTime, Layouts) {
  EXPECT_EQ(Format("2006-01-02T15:04:05.000Z07:00"), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(Format("Mon, 02 Jan 2006 15:04:05 MST"), "Fri, 02 Jan 2026 03:04:05 UTC");
  EXPECT_EQ(Format("Monday January _2 3:4:5 PM"), "Friday January  2 3:4:5 AM");
  EXPECT_EQ(Format("1/2/06 03:04:05pm .999 ,000000"), "1/2/26 03:04:05am .678 ,678000");
  EXPECT_EQ(Format("002 __2 Z0700 -07:00:00 -07"), "002   2 Z +00:00:00 +00");
  EXPECT_EQ(Format("Janus Money 2006x _2006"), "Janus Money 2026x _2026");
  EXPECT_EQ(Format("15h .00", 0), "00h .00");
}

TEST(GoTime, ParsesWhatItPrints) {
  for (const char* layout : {"2006-01-02T15:04:05.000Z07:00", "Mon, 02 Jan 2006 15:04:05.000 -0700",
                             "January 2, 2006 3:04:05.000 PM MST"}) {
    auto time = ParseGoTime(layout, Format(layout));
    ASSERT_TRUE(time.ok()) << layout << ": " << time.error().message();
    EXPECT_EQ(time->t.ms, 1'767'323'045'678) << layout;
  }
  EXPECT_EQ(ParseGoTime("2006-01-02 -07:00", "2026-01-02 +02:00")->t.ms, 1'767'304'800'000);
  EXPECT_FALSE(ParseGoTime("2006-01-02", "2026-02-30").ok());
  EXPECT_FALSE(ParseGoTime("2006-01-02", "2026-01-02x").ok());
}

TEST(GoTime, MethodsAndDurations) {
  const TemplateValue t(TemplateTime{{1'767'323'045'678}, false, ""});
  EXPECT_EQ(Plain("{{ .Unix }} {{ .UnixMilli }} {{ .Hour }} {{ .Month }} {{ .Weekday }}", t),
            "1767323045 1767323045678 3 January Friday");
  EXPECT_EQ(Plain("{{ if gt .Month 0 }}{{ .Sub . }}{{ end }} {{ .After . }}", t), "0s false");
  EXPECT_EQ(Plain("{{ .Nope }}", t),
            "error: template: t:1:3: executing \"t\" at <.Nope>: can't evaluate field Nope in type "
            "time.Time");
  EXPECT_EQ(Plain("{{ .AddDate 0 1 30 }} {{ .AddDate 0 0 0 | .Compare }} {{ .UnixMicro }}", t),
            "2026-03-04 03:04:05.678 +0000 UTC 0 1767323045678000");
  EXPECT_EQ(FormatGoDuration(nanoseconds(0)), "0s");
  EXPECT_EQ(FormatGoDuration(nanoseconds(1500)), "1.5µs");
  EXPECT_EQ(FormatGoDuration(nanoseconds(1'000'001)), "1.000001ms");
  EXPECT_EQ(FormatGoDuration(std::chrono::seconds(-3725)), "-1h2m5s");
  EXPECT_EQ(FormatGoDuration(std::chrono::milliseconds(60'500)), "1m0.5s");
}

TEST(Html, TextAndAttributes) {
  const TemplateValue evil("<b>\"&'+\">");
  EXPECT_EQ(Html("<p>{{ . }}</p>", evil), "<p>&lt;b&gt;&#34;&amp;&#39;&#43;&#34;&gt;</p>");
  EXPECT_EQ(Html("<p title=\"{{ . }}\">", evil),
            "<p title=\"&lt;b&gt;&#34;&amp;&#39;&#43;&#34;&gt;\">");
  EXPECT_EQ(Html("<p title={{ . }}>", TemplateValue("a b=c")), "<p title=a&#32;b&#61;c>");
  EXPECT_EQ(Html("{{ . | safeHtml }}", TemplateValue("<b>")), "<b>");
  EXPECT_EQ(Html("{{ . | html }}", TemplateValue("<")), "&lt;");
  EXPECT_EQ(Html("a<!-- {{ . }} secret -->b", evil), "ab");
  EXPECT_EQ(Html("<title>{{ . }}</title><p>{{ . }}", TemplateValue("</title><")),
            "<title>&lt;/title&gt;&lt;</title><p>&lt;/title&gt;&lt;");
  EXPECT_EQ(Html("{{ .nope }}", TemplateValue(TemplateMap{})), "");
}

TEST(Html, Urls) {
  EXPECT_EQ(Html("<a href=\"{{ . }}\">", TemplateValue("http://x/a b?q=\"1\"&r=%20")),
            "<a href=\"http://x/a%20b?q=%221%22&amp;r=%20\">");
  EXPECT_EQ(Html("<a href='{{ . }}'>", TemplateValue("javascript:alert(1)")),
            "<a href='#ZgotmplZ'>");
  EXPECT_EQ(Html("<a href='{{ . | safeUrl }}'>", TemplateValue("tel:1 2")), "<a href='tel:1%202'>");
  EXPECT_EQ(Html("<a href=\"/x?q={{ . }}\">", TemplateValue("a&b/c")),
            "<a href=\"/x?q=a%26b%2fc\">");
  EXPECT_EQ(Html("<img src=\"/i/{{ . }}.png\">", TemplateValue("a/b:c")),
            "<img src=\"/i/a/b:c.png\">");
}

TEST(Html, ScriptsAndStyles) {
  EXPECT_EQ(Html("<script>var x = {{ . }};</script>", TemplateValue("</script>")),
            "<script>var x = \"\\u003c/script\\u003e\";</script>");
  EXPECT_EQ(Html("<script>var x = '{{ . }}';</script>{{ . }}", TemplateValue("a'b")),
            "<script>var x = 'a\\u0027b';</script>a&#39;b");
  EXPECT_EQ(Html("<style>{{ . }}</style><p style=\"{{ . }}\">", TemplateValue("x")),
            "<style>ZgotmplZ</style><p style=\"ZgotmplZ\">");
  EXPECT_EQ(Html("<b onclick=\"f({{ . }})\">", TemplateValue("x")),
            "<b onclick=\"f(&#34;x&#34;)\">");
  EXPECT_EQ(Html("<{{ . }}>", TemplateValue("a b")), "&lt;a b>");
}

}  // namespace
}  // namespace tocsin::alerting
