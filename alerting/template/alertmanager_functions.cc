// The functions of Alertmanager's notification templates.
#include <fmt/format.h>

#include <cmath>

#include "alerting/template/arguments.h"
#include "alerting/template/format.h"
#include "alerting/template/go_time.h"
#include "alerting/template/html_writer.h"
#include "alerting/template/humanize.h"
#include "alerting/template/json_value.h"
#include "alerting/template/template.h"

namespace tocsin::alerting {
namespace {

using Args = std::vector<TemplateValue>;

constexpr int kMaxNesting = 64;
constexpr int kMaxContainers = 100'000;

Error Fail(std::string message) { return {ErrorCode::kExecution, std::move(message)}; }

// Lists that hold themselves over and over would be too deep to print or to free.
bool NestsWell(const TemplateValue& value, int depth, int* containers) {
  const TemplateList* list = value.AsList();
  const TemplateMap* map = value.AsMap();
  if (list == nullptr && map == nullptr) return true;
  if (depth > kMaxNesting || ++*containers > kMaxContainers) return false;
  if (list != nullptr) {
    for (const TemplateValue& item : *list) {
      if (!NestsWell(item, depth + 1, containers)) return false;
    }
  } else {
    for (const auto& [key, item] : *map) {
      if (!NestsWell(item, depth + 1, containers)) return false;
    }
  }
  return true;
}
Result<TemplateValue> Checked(TemplateValue value) {
  int containers = 0;
  if (!NestsWell(value, 0, &containers)) return Fail("lists are nested too deeply");
  return value;
}

std::string TrimSpace(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n\v\f\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\n\v\f\r") - first + 1));
}

Result<TemplateValue> Join(const Args& raw) {
  const TemplateArguments args("join", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(2));
  TOCSIN_ASSIGN(const std::string separator, args.Text(0));
  const TemplateValue items = args[1].Resolve();
  const TemplateList* list = items.AsList();
  if (list == nullptr) {
    if (items.is_nil()) return TemplateValue("");
    return args.WrongType(1, "[]string");
  }
  std::string out;
  for (size_t i = 0; i < list->size() && out.size() <= kMaxTemplateOutput; ++i) {
    if (i > 0) out += separator;
    const std::string* text = (*list)[i].AsText();
    if (text == nullptr) return args.WrongType(1, "[]string");
    out += *text;
  }
  return TemplateValue(std::move(out));
}

Result<TemplateValue> StringSlice(const Args& raw) {
  const TemplateArguments args("stringSlice", raw);
  TemplateList list;
  for (size_t i = 0; i < raw.size(); ++i) {
    TOCSIN_ASSIGN(std::string text, args.Text(i));
    list.emplace_back(std::move(text));
  }
  return TemplateValue(std::move(list));
}

TemplateFunction SafeFunction(std::string name, bool url) {
  return [name = std::move(name), url](const Args& raw) -> Result<TemplateValue> {
    const TemplateArguments args(name, raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(1));
    TOCSIN_ASSIGN(std::string text, args.Text(0));
    return TemplateValue(TemplateSafeText{std::move(text), url});
  };
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<TemplateValue> UrlUnescape(const Args& raw) {
  const TemplateArguments args("urlUnescape", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const std::string text, args.Text(0));
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Fail(fmt::format("invalid URL escape \"{}\"", text.substr(i, 3)));
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return TemplateValue(std::move(out));
}

Result<TemplateTime> TimeOf(const TemplateArguments& args, size_t index) {
  if (const auto* time = args[index].As<TemplateTime>()) return *time;
  return args.WrongType(index, "time.Time");
}

Result<TemplateValue> Date(const Args& raw) {
  const TemplateArguments args("date", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(2));
  TOCSIN_ASSIGN(const std::string layout, args.Text(0));
  TOCSIN_ASSIGN(const TemplateTime time, TimeOf(args, 1));
  return TemplateValue(FormatGoTime(time, layout));
}

Result<TemplateValue> Tz(const Args& raw) {
  const TemplateArguments args("tz", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(2));
  TOCSIN_ASSIGN(const std::string zone, args.Text(0));
  TOCSIN_ASSIGN(const TemplateTime time, TimeOf(args, 1));
  TOCSIN_ASSIGN(TemplateTime shown, InZone(time, zone));
  return TemplateValue(std::move(shown));
}

TemplateFunction ToDateFunction(std::string name, bool must) {
  return [name = std::move(name), must](const Args& raw) -> Result<TemplateValue> {
    const TemplateArguments args(name, raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(2));
    TOCSIN_ASSIGN(const std::string layout, args.Text(0));
    TOCSIN_ASSIGN(const std::string text, args.Text(1));
    auto time = ParseGoTime(layout, text);
    if (time.ok()) return TemplateValue(*std::move(time));
    if (must) return Fail(time.error().message());
    return TemplateValue(TemplateTime{{0}, true, ""});
  };
}

using ClockFunction = std::function<Timestamp()>;

TemplateFunction NowFunction(ClockFunction clock) {
  return [clock = std::move(clock)](const Args& raw) -> Result<TemplateValue> {
    TOCSIN_RETURN_IF_ERROR(TemplateArguments("now", raw).Count(0));
    if (!clock) return Fail("there is no clock here");
    return TemplateValue(TemplateTime{clock(), false, ""});
  };
}

TemplateFunction SinceFunction(ClockFunction clock) {
  return [clock = std::move(clock)](const Args& raw) -> Result<TemplateValue> {
    const TemplateArguments args("since", raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(1));
    TOCSIN_ASSIGN(const TemplateTime time, TimeOf(args, 0));
    if (!clock) return Fail("there is no clock here");
    return CallTimeMethod(TemplateTime{clock(), false, ""}, "Sub", {TemplateValue(time)});
  };
}

Result<TemplateValue> HumanizeDurationOf(const Args& raw) {
  const TemplateArguments args("humanizeDuration", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const double v, args.Number(0));
  return TemplateValue(HumanizeDuration(v));
}

Result<TemplateValue> ToJson(const Args& raw) {
  TOCSIN_RETURN_IF_ERROR(TemplateArguments("toJson", raw).Count(1));
  std::string out;
  AppendJson(out, raw[0]);
  return TemplateValue(std::move(out));
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string Base64Encode(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6;) {
      count -= 6;
      out += kBase64[(bits >> count) & 63];
    }
  }
  if (count > 0) out += kBase64[(bits << (6 - count)) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

Result<TemplateValue> Base64Decode(const Args& raw) {
  const TemplateArguments args("base64decode", raw);
  TOCSIN_RETURN_IF_ERROR(args.Count(1));
  TOCSIN_ASSIGN(const std::string text, args.Text(0));
  std::string_view digits = text;
  while (digits.ends_with('=')) digits.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t v = kBase64.find(digits[i]);
    if (v == std::string_view::npos || text.size() % 4 != 0 || text.size() - digits.size() > 2) {
      return Fail(fmt::format("illegal base64 data at input byte {}", i));
    }
    bits = (bits << 6) | static_cast<uint32_t>(v);
    if ((count += 6) >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xff);
    }
  }
  return TemplateValue(std::move(out));
}

Result<TemplateValue> Append(const Args& raw) {
  const TemplateArguments args("append", raw);
  if (raw.empty()) return InvalidArgument("wrong number of args for append: want at least 1 got 0");
  const TemplateValue base = args[0].Resolve();
  const TemplateList* list = base.AsList();
  if (list == nullptr && !base.is_nil()) return args.WrongType(0, "[]interface {}");
  TemplateList out = list != nullptr ? *list : TemplateList();
  out.insert(out.end(), raw.begin() + 1, raw.end());
  return Checked(TemplateValue(std::move(out)));
}

Result<TemplateValue> Dict(const Args& raw) {
  if (raw.size() % 2 != 0) return Fail("dict expects an even number of arguments");
  TemplateMap map;
  for (size_t i = 0; i < raw.size(); i += 2) {
    const std::string* key = raw[i].AsText();
    if (key == nullptr)
      return Fail(fmt::format("dict keys must be strings, got {}", raw[i].TypeName()));
    map[*key] = raw[i + 1];
  }
  return Checked(TemplateValue(std::move(map)));
}

}  // namespace

FunctionTable AlertmanagerFunctions(std::function<Timestamp()> clock) {
  return {
      {"toUpper", OneTextFunction("toUpper", UpperCase)},
      {"toLower", OneTextFunction("toLower", LowerCase)},
      {"title", OneTextFunction("title", TitleCaseLowerRest)},
      {"trimSpace", OneTextFunction("trimSpace", TrimSpace)},
      {"join", Join},
      {"match", MatchFunction()},
      {"reReplaceAll", ReReplaceAllFunction()},
      {"stringSlice", StringSlice},
      {"safeHtml", SafeFunction("safeHtml", false)},
      {"safeUrl", SafeFunction("safeUrl", true)},
      {"urlUnescape", UrlUnescape},
      {"date", Date},
      {"tz", Tz},
      {"now", NowFunction(clock)},
      {"since", SinceFunction(clock)},
      {"toDate", ToDateFunction("toDate", false)},
      {"mustToDate", ToDateFunction("mustToDate", true)},
      {"humanizeDuration", HumanizeDurationOf},
      {"toJson", ToJson},
      {"base64encode", OneTextFunction("base64encode", Base64Encode)},
      {"base64decode", Base64Decode},
      {"list", [](const Args& raw) { return Checked(TemplateValue(TemplateList(raw))); }},
      {"append", Append},
      {"dict", Dict},
  };
}

}  // namespace tocsin::alerting
