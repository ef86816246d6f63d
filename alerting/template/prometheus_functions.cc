// The functions of Prometheus' rule templates.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alerting/template/arguments.h"
#include "alerting/template/go_time.h"
#include "alerting/template/html_writer.h"
#include "alerting/template/humanize.h"
#include "alerting/template/template.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"

namespace tocsin::alerting {
namespace {

using Args = std::vector<TemplateValue>;

Error Fail(std::string message) { return {ErrorCode::kExecution, std::move(message)}; }

TemplateValue MakeSample(TemplateSample sample) {
  return MakeTemplateStruct("*template.sample",
                            {{"Labels", TemplateValue(std::move(sample.labels))},
                             {"Value", TemplateValue(sample.value)}});
}

// A label of what `query` gave.
Result<std::string> SampleLabel(const TemplateArguments& args, size_t index,
                                const std::string& label) {
  const TemplateObject* object = args[index].AsObject();
  if (object == nullptr) return args.WrongType(index, "*template.sample");
  auto labels = object->Call("Labels", {});
  if (!labels.ok() || labels->AsStringMap() == nullptr) {
    return args.WrongType(index, "*template.sample");
  }
  const auto it = labels->AsStringMap()->find(label);
  return it == labels->AsStringMap()->end() ? std::string() : it->second;
}

Result<const TemplateList*> QueryResultOf(const TemplateArguments& args, size_t index) {
  const TemplateList* list = args[index].AsList();
  if (list == nullptr) return args.WrongType(index, "template.queryResult");
  return list;
}

TemplateFunction QueryFunction(TemplateQuery query) {
  return [query = std::move(query)](const Args& raw) -> Result<TemplateValue> {
    const TemplateArguments args("query", raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(1));
    TOCSIN_ASSIGN(const std::string expression, args.Text(0));
    if (!query) return Fail("query is not available here");
    auto samples = query(expression);
    if (!samples.ok()) return Fail(samples.error().message());
    TemplateList list;
    list.reserve(samples->size());
    for (TemplateSample& sample : *samples) list.push_back(MakeSample(std::move(sample)));
    return TemplateValue(std::move(list));
  };
}

Result<TemplateValue> First(const Args& raw) {
  const TemplateArguments args("first", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const TemplateList* list, QueryResultOf(args, 0));
  if (list->empty()) return Fail("first() called on vector with no elements");
  return list->front();
}

Result<TemplateValue> LabelOf(const Args& raw) {
  const TemplateArguments args("label", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(2));
  TOCSIN_ASSIGN(const std::string name, args.Text(0));
  TOCSIN_ASSIGN(std::string value, SampleLabel(args, 1, name));
  return TemplateValue(std::move(value));
}

Result<TemplateValue> ValueOf(const Args& raw) {
  const TemplateArguments args("value", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  const TemplateObject* object = args[0].AsObject();
  if (object != nullptr) {
    if (auto value = object->Call("Value", {}); value.ok()) return value;
  }
  return args.WrongType(0, "*template.sample");
}

Result<TemplateValue> StrValue(const Args& raw) {
  const TemplateArguments args("strvalue", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(std::string value, SampleLabel(args, 0, "__value__"));
  return TemplateValue(std::move(value));
}

Result<TemplateValue> SortByLabel(const Args& raw) {
  const TemplateArguments args("sortByLabel", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(2));
  TOCSIN_ASSIGN(const std::string label, args.Text(0));
  TOCSIN_ASSIGN(const TemplateList* list, QueryResultOf(args, 1));
  std::vector<std::pair<std::string, const TemplateValue*>> keyed;
  for (const TemplateValue& sample : *list) {
    const Args one = {sample};
    TOCSIN_ASSIGN(std::string key, SampleLabel(TemplateArguments("sortByLabel", one), 0, label));
    keyed.emplace_back(std::move(key), &sample);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  TemplateList sorted;
  for (const auto& [key, sample] : keyed) sorted.push_back(*sample);
  return TemplateValue(std::move(sorted));
}

TemplateFunction NumberFunction(std::string name, std::string (*f)(double)) {
  return [name = std::move(name), f](const Args& raw) -> Result<TemplateValue> {
    const TemplateArguments args(name, raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(1));
    TOCSIN_ASSIGN(const double v, args.Number(0));
    return TemplateValue(f(v));
  };
}

Result<TemplateValue> HumanizeTimestampOf(const Args& raw) {
  const TemplateArguments args("humanizeTimestamp", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const double v, args.Number(0));
  TOCSIN_ASSIGN(std::string text, HumanizeTimestamp(v));
  return TemplateValue(std::move(text));
}

// Seconds of toTime and toDuration.
Result<double> BoundedSeconds(const TemplateArguments& args, std::string_view what) {
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const double v, args.Number(0));
  if (!std::isfinite(v)) return Fail("value is NaN or Inf");
  if (std::fabs(v) * 1e9 >= 9.223372036854775807e18) {
    return Fail(fmt::format("{} cannot be represented as a nanoseconds {} since it overflows int64",
                            FormatGoFloat(v), what));
  }
  return v;
}

Result<TemplateValue> ToTime(const Args& raw) {
  TOCSIN_ASSIGN(const double v, BoundedSeconds(TemplateArguments("toTime", raw), "timestamp"));
  return TemplateValue(TemplateTime{UnixTime(v), false, ""});
}

Result<TemplateValue> ToDuration(const Args& raw) {
  TOCSIN_ASSIGN(const double v, BoundedSeconds(TemplateArguments("toDuration", raw), "duration"));
  return TemplateValue(std::chrono::nanoseconds(static_cast<int64_t>(v * 1e9)));
}

Result<TemplateValue> ParseDurationOf(const Args& raw) {
  const TemplateArguments args("parseDuration", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(std::string text, args.Text(0));
  const bool negative = text.starts_with('-');
  auto d = ParseDuration(negative ? std::string_view(text).substr(1) : std::string_view(text));
  if (!d.ok()) return Fail(d.error().message());
  const double seconds = static_cast<double>(d->count()) / 1000;
  return TemplateValue(negative ? -seconds : seconds);
}

// net.SplitHostPort: false unless it is host:port or [v6]:port.
bool SplitHostPort(std::string_view text, std::string_view* host, std::string_view* port) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  *port = text.substr(colon + 1);
  *host = text.substr(0, colon);
  if (host->starts_with('[')) {
    if (!host->ends_with(']')) return false;
    *host = host->substr(1, host->size() - 2);
    return host->find_first_of("[]") == std::string_view::npos;
  }
  return host->find_first_of(":[]") == std::string_view::npos &&
         port->find_first_of("[]") == std::string_view::npos;
}

std::string StripPort(std::string_view text) {
  std::string_view host, port;
  return std::string(SplitHostPort(text, &host, &port) ? host : text);
}

bool IsIpAddress(std::string_view host) {
  if (host.find(':') != std::string_view::npos) {
    return host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  int parts = 0;
  while (true) {
    const size_t dot = std::min(host.find('.'), host.size());
    const auto v = ParseUint(host.substr(0, dot));
    if (!v || *v > 255 || dot > 3 || host[0] == '+') return false;
    ++parts;
    if (dot == host.size()) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

std::string StripDomain(std::string_view text) {
  std::string_view host, port;
  if (!SplitHostPort(text, &host, &port)) {
    host = text;
    port = {};
  }
  if (IsIpAddress(host)) return std::string(text);
  std::string out(host.substr(0, host.find('.')));
  if (!port.empty()) out += ":" + std::string(port);
  return out;
}

std::string QueryEscape(std::string_view text) {
  std::string out;
  AppendQueryEscaped(out, text);
  return out;
}
std::string GraphLink(std::string_view expression) {
  return "/graph?g0.expr=" + QueryEscape(expression) + "&g0.tab=0";
}
std::string TableLink(std::string_view expression) {
  return "/graph?g0.expr=" + QueryEscape(expression) + "&g0.tab=1";
}

Result<TemplateValue> ArgsMap(const Args& raw) {
  TemplateMap map;
  for (size_t i = 0; i < raw.size(); ++i) map[fmt::format("arg{}", i)] = raw[i];
  return TemplateValue(std::move(map));
}

TemplateFunction Constant(std::string name, TemplateValue value) {
  return
      [name = std::move(name), value = std::move(value)](const Args& raw) -> Result<TemplateValue> {
        TOCSIN_RETURN_IF_ERROR(TemplateArguments(name, raw).Count(0));
        return value;
      };
}

std::string PathOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t slash = url.find('/', scheme + 3);
  return std::string(slash == std::string_view::npos ? "" : url.substr(slash));
}

}  // namespace

FunctionTable PrometheusFunctions(std::string external_url, Timestamp now, TemplateQuery query) {
  FunctionTable table = {
      {"query", QueryFunction(std::move(query))},
      {"first", First},
      {"label", LabelOf},
      {"value", ValueOf},
      {"strvalue", StrValue},
      {"args", ArgsMap},
      {"sortByLabel", SortByLabel},
      {"reReplaceAll", ReReplaceAllFunction()},
      {"match", MatchFunction()},
      {"title", OneTextFunction("title", TitleCase)},
      {"toUpper", OneTextFunction("toUpper", UpperCase)},
      {"toLower", OneTextFunction("toLower", LowerCase)},
      {"graphLink", OneTextFunction("graphLink", GraphLink)},
      {"tableLink", OneTextFunction("tableLink", TableLink)},
      {"stripPort", OneTextFunction("stripPort", StripPort)},
      {"stripDomain", OneTextFunction("stripDomain", StripDomain)},
      {"urlQueryEscape", OneTextFunction("urlQueryEscape", QueryEscape)},
      {"humanize", NumberFunction("humanize", Humanize)},
      {"humanize1024", NumberFunction("humanize1024", Humanize1024)},
      {"humanizeDuration", NumberFunction("humanizeDuration", HumanizeDuration)},
      {"humanizePercentage", NumberFunction("humanizePercentage", HumanizePercentage)},
      {"humanizeTimestamp", HumanizeTimestampOf},
      {"toTime", ToTime},
      {"toDuration", ToDuration},
      {"parseDuration", ParseDurationOf},
      {"now", Constant("now", TemplateValue(now.seconds()))},
      {"pathPrefix", Constant("pathPrefix", TemplateValue(PathOf(external_url)))},
      {"externalURL", Constant("externalURL", TemplateValue(external_url))},
      {"safeHtml",
       [](const Args& raw) -> Result<TemplateValue> {
         const TemplateArguments args("safeHtml", raw);
         TOCSIN_RETURN_IF_ERROR(args.Count(1));
         TOCSIN_ASSIGN(std::string text, args.Text(0));
         return TemplateValue(TemplateSafeText{std::move(text), false});
       }},
  };
  return table;
}

}  // namespace tocsin::alerting
