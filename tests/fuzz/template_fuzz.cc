// A template text, run over data of every type with both products' functions.
#include "alerting/template/template.h"
#include "tests/fuzz/fuzz_target.h"

namespace tocsin::fuzz {
namespace {

using namespace alerting;  // NOLINT: a test

TemplateValue Data() {
  const TemplateStringMap labels = {{"alertname", "Up"}, {"job", "a<b>"}, {"x", ""}};
  TemplateMap map;
  map["Labels"] = labels;
  map["Value"] = 1.5;
  map["Count"] = 3;
  map["Firing"] = true;
  map["List"] = TemplateList{1, "two", 3.0, labels, TemplateValue()};
  map["When"] = TemplateTime{{1'700'000'000'000}};
  map["Name"] = "text with <html> & \"quotes\"";
  return map;
}

Result<std::vector<TemplateSample>> Query(std::string_view expression) {
  if (expression.size() % 7 == 3) return InvalidArgument("no such query");
  return std::vector<TemplateSample>{{{{"a", "b"}}, 1}, {{{"a", "c"}}, 2e9}};
}

}  // namespace

void RunOne(std::string_view input) {
  static const FunctionTable prometheus = PrometheusFunctions("http://x", {1000}, Query);
  static const FunctionTable alertmanager = AlertmanagerFunctions([] { return Timestamp{1000}; });
  static const TemplateValue data = Data();
  for (const FunctionTable* functions : {&prometheus, &alertmanager}) {
    const auto parsed = Template::Parse("fuzz", input, *functions);
    if (!parsed.ok()) continue;
    (void)parsed->Expand(data, *functions).ok();
    (void)parsed->Expand(data, *functions, true).ok();
  }
}

std::vector<std::string> Seeds() {
  return {
      "{{ $labels := .Labels }}{{ $labels.job }} is {{ printf \"%.2f %v %q\" .Value .Count .Name "
      "}}",
      "{{ range $i, $e := .List }}{{ if gt $i 1 }}{{ $e }}{{ else }}-{{ end }}{{ end }}",
      "{{ define \"a\" }}[{{ . }}]{{ end }}{{ template \"a\" .Name }}{{- /* c */ -}} {{ .Nope }}",
      "{{ with query \"up\" }}{{ . | first | value | humanize }}{{ end }}{{ .Value | "
      "humanizeDuration }}",
      "{{ .Labels.alertname | toUpper | reReplaceAll \"(U)\" \"${1}x\" }}{{ join \",\" .List }}",
      "{{ range query \"up\" | sortByLabel \"a\" }}{{ .Labels.a }}={{ .Value }}{{ break }}{{ end "
      "}}",
      "<a href=\"{{ .Name }}\" onclick='f({{ .List }})'>{{ .Name | safeHtml }}</a><!-- {{ .Name }} "
      "-->",
      "{{ if and .Firing (or (eq .Count 3) (lt .Value 1e3)) (not .X) }}{{ len .List }}{{ end }}",
      "{{ index .List 1 }}{{ slice .Name 1 3 }}{{ .When.Format \"2006-01-02\" }}{{ html .Name }}",
  };
}

}  // namespace tocsin::fuzz
