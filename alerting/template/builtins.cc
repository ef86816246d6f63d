#include "alerting/template/builtins.h"

#include <fmt/format.h>

#include "alerting/template/format.h"
#include "alerting/template/html_writer.h"
#include "alerting/template/literals.h"

namespace tocsin::alerting {
namespace {

using Args = std::vector<TemplateValue>;

Error Fail(std::string message) { return {ErrorCode::kExecution, std::move(message)}; }

Status AtLeast(std::string_view name, const Args& args, size_t want) {
  if (args.size() >= want) return OkStatus();
  return InvalidArgument(
      fmt::format("wrong number of args for {}: want at least {} got {}", name, want, args.size()));
}
Status Exactly(std::string_view name, const Args& args, size_t want) {
  if (args.size() == want) return OkStatus();
  return InvalidArgument(
      fmt::format("wrong number of args for {}: want {} got {}", name, want, args.size()));
}

enum class BasicKind { kNone, kBool, kInt, kFloat, kString };

BasicKind KindOf(const TemplateValue& v) {
  if (v.As<bool>()) return BasicKind::kBool;
  if (v.As<int64_t>() || v.As<std::chrono::nanoseconds>()) return BasicKind::kInt;
  if (v.As<double>()) return BasicKind::kFloat;
  if (v.AsText()) return BasicKind::kString;
  return BasicKind::kNone;
}
int64_t IntOf(const TemplateValue& v) {
  if (const auto* i = v.As<int64_t>()) return *i;
  return v.As<std::chrono::nanoseconds>()->count();
}

Result<bool> Equal(const TemplateValue& a, const TemplateValue& b) {
  const BasicKind kind = KindOf(a);
  if (kind != KindOf(b)) {
    if (a.is_nil() || b.is_nil()) return false;
    return Fail("incompatible types for comparison");
  }
  switch (kind) {
    case BasicKind::kBool:
      return *a.As<bool>() == *b.As<bool>();
    case BasicKind::kInt:
      return IntOf(a) == IntOf(b);
    case BasicKind::kFloat:
      return *a.As<double>() == *b.As<double>();
    case BasicKind::kString:
      return *a.AsText() == *b.AsText();
    case BasicKind::kNone:
      break;
  }
  if (a.is_nil() || b.is_nil()) return a.is_nil() && b.is_nil();
  const auto* s = a.As<TemplateTime>();
  const auto* t = b.As<TemplateTime>();
  if (s != nullptr && t != nullptr) return s->t == t->t && s->zero == t->zero;
  return Fail(fmt::format("non-comparable type {}: {}", PrintValue(b), b.TypeName()));
}

Result<bool> Less(const TemplateValue& a, const TemplateValue& b) {
  const BasicKind kind = KindOf(a);
  if (kind == BasicKind::kNone || KindOf(b) == BasicKind::kNone) {
    return Fail("invalid type for comparison");
  }
  if (kind != KindOf(b)) return Fail("incompatible types for comparison");
  switch (kind) {
    case BasicKind::kInt:
      return IntOf(a) < IntOf(b);
    case BasicKind::kFloat:
      return *a.As<double>() < *b.As<double>();
    case BasicKind::kString:
      return *a.AsText() < *b.AsText();
    default:
      return Fail("invalid type for comparison");
  }
}

Result<TemplateValue> Eq(const Args& raw) {
  TOCSIN_RETURN_IF_ERROR(AtLeast("eq", raw, 1));
  if (raw.size() == 1) return Fail("missing argument for comparison");
  const TemplateValue first = raw[0].Resolve();
  for (size_t i = 1; i < raw.size(); ++i) {
    TOCSIN_ASSIGN(const bool equal, Equal(first, raw[i].Resolve()));
    if (equal) return TemplateValue(true);
  }
  return TemplateValue(false);
}

Result<TemplateValue> Ne(const Args& args) {
  TOCSIN_RETURN_IF_ERROR(Exactly("ne", args, 2));
  TOCSIN_ASSIGN(const bool equal, Equal(args[0].Resolve(), args[1].Resolve()));
  return TemplateValue(!equal);
}

// lt, le, gt, ge: NaN is neither, so le is "less or equal", not "not greater".
TemplateFunction Ordering(const char* name, bool swap, bool or_equal) {
  return [name, swap, or_equal](const Args& args) -> Result<TemplateValue> {
    TOCSIN_RETURN_IF_ERROR(Exactly(name, args, 2));
    const TemplateValue a = args[swap ? 1 : 0].Resolve(), b = args[swap ? 0 : 1].Resolve();
    TOCSIN_ASSIGN(const bool less, Less(a, b));
    if (less || !or_equal) return TemplateValue(less);
    TOCSIN_ASSIGN(const bool equal, Equal(a, b));
    return TemplateValue(equal);
  };
}

Result<TemplateValue> Len(const Args& args) {
  TOCSIN_RETURN_IF_ERROR(Exactly("len", args, 1));
  const TemplateValue v = args[0].Resolve();
  size_t n = 0;
  if (const std::string* text = v.AsText()) {
    n = text->size();
  } else if (const TemplateList* list = v.AsList()) {
    n = list->size();
  } else if (const TemplateMap* map = v.AsMap()) {
    n = map->size();
  } else if (const TemplateStringMap* strings = v.AsStringMap()) {
    n = strings->size();
  } else if (v.is_nil()) {
    return Fail("len of nil pointer");
  } else {
    return Fail(fmt::format("len of type {}", args[0].TypeName()));
  }
  return TemplateValue(static_cast<int64_t>(n));
}

// `limit`: the first value that is out of range.
Result<size_t> IndexArgument(const TemplateValue& index, size_t limit) {
  const auto* i = index.As<int64_t>();
  if (i == nullptr) {
    if (index.is_nil()) return Fail("cannot index slice/array with nil");
    return Fail(fmt::format("cannot index slice/array with type {}", index.TypeName()));
  }
  if (*i < 0 || static_cast<uint64_t>(*i) >= limit) {
    return Fail(fmt::format("index out of range: {}", *i));
  }
  return static_cast<size_t>(*i);
}

Result<TemplateValue> Index(const Args& args) {
  TOCSIN_RETURN_IF_ERROR(AtLeast("index", args, 1));
  TemplateValue item = args[0].Resolve();
  if (item.is_nil()) return Fail("index of untyped nil");
  for (size_t level = 1; level < args.size(); ++level) {
    const TemplateValue& key = args[level];
    if (const TemplateList* list = item.AsList()) {
      TOCSIN_ASSIGN(const size_t i, IndexArgument(key, list->size()));
      // A copy: `item` keeps the list alive until it is replaced.
      TemplateValue next = (*list)[i];
      item = next.Resolve().is_nil() || level + 1 == args.size() ? next : next.Resolve();
      continue;
    }
    if (const std::string* text = item.AsText()) {
      TOCSIN_ASSIGN(const size_t i, IndexArgument(key, text->size()));
      item = TemplateValue(static_cast<int64_t>(static_cast<unsigned char>((*text)[i])));
      continue;
    }
    const std::string* name = key.AsText();
    if (item.AsMap() == nullptr && item.AsStringMap() == nullptr) {
      if (item.is_nil()) return Fail("index of nil pointer");
      return Fail(fmt::format("can't index item of type {}", item.TypeName()));
    }
    if (name == nullptr) {
      return Fail(fmt::format("value has type {}; should be string", key.TypeName()));
    }
    TemplateValue next;
    if (const TemplateStringMap* strings = item.AsStringMap()) {
      const auto it = strings->find(*name);
      next = TemplateValue(it == strings->end() ? std::string() : it->second);
    } else if (const auto it = item.AsMap()->find(*name); it != item.AsMap()->end()) {
      next = level + 1 == args.size() ? it->second : it->second.Resolve();
    }
    item = next;
  }
  return item;
}

Result<TemplateValue> Slice(const Args& args) {
  TOCSIN_RETURN_IF_ERROR(AtLeast("slice", args, 1));
  const TemplateValue item = args[0].Resolve();
  if (item.is_nil()) return Fail("slice of untyped nil");
  if (args.size() > 4) return Fail(fmt::format("too many slice indexes: {}", args.size() - 1));
  const std::string* text = item.AsText();
  const TemplateList* list = item.AsList();
  if (text == nullptr && list == nullptr) {
    return Fail(fmt::format("can't slice item of type {}", item.TypeName()));
  }
  if (text != nullptr && args.size() == 4) return Fail("cannot 3-index slice a string");
  const size_t size = text != nullptr ? text->size() : list->size();
  size_t bounds[3] = {0, size, size};
  for (size_t i = 1; i < args.size(); ++i) {
    TOCSIN_ASSIGN(bounds[i - 1], IndexArgument(args[i], size + 1));
  }
  if (bounds[0] > bounds[1] || bounds[1] > bounds[2]) {
    return Fail(fmt::format("invalid slice index: {} > {}", bounds[0], bounds[1]));
  }
  if (text != nullptr) return TemplateValue(text->substr(bounds[0], bounds[1] - bounds[0]));
  return TemplateValue(TemplateList(list->begin() + static_cast<ptrdiff_t>(bounds[0]),
                                    list->begin() + static_cast<ptrdiff_t>(bounds[1])));
}

Result<TemplateValue> Printf(const Args& args) {
  TOCSIN_RETURN_IF_ERROR(AtLeast("printf", args, 1));
  const std::string* format = args[0].AsText();
  if (format == nullptr) {
    return InvalidArgument(
        fmt::format("wrong type for value; expected string; got {}", args[0].TypeName()));
  }
  return TemplateValue(Sprintf(*format, Args(args.begin() + 1, args.end())));
}

Result<TemplateValue> Html(const Args& args) {
  std::string out;
  AppendHtmlEscaped(out, JoinArguments(args));
  return TemplateValue(std::move(out));
}

Result<TemplateValue> UrlQuery(const Args& args) {
  std::string out;
  AppendQueryEscaped(out, JoinArguments(args));
  return TemplateValue(std::move(out));
}

Result<TemplateValue> Js(const Args& args) {
  const std::string text = JoinArguments(args);
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const char c = text[pos];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += c;
      ++pos;
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&' || c == '=') {
      out += fmt::format("\\u{:04X}", byte);
      ++pos;
    } else if (byte < 0x80) {
      out += c;
      ++pos;
    } else {
      AppendUtf8(out, DecodeUtf8(text, &pos));
    }
  }
  return TemplateValue(std::move(out));
}

}  // namespace

std::string JoinArguments(const Args& args) {
  if (args.size() == 1) {
    if (const std::string* text = args[0].AsText()) return *text;
  }
  return Sprint(args);
}

const FunctionTable& BuiltinFunctions() {
  static const FunctionTable table = {
      {"not",
       [](const Args& args) -> Result<TemplateValue> {
         TOCSIN_RETURN_IF_ERROR(Exactly("not", args, 1));
         return TemplateValue(!args[0].Truth());
       }},
      {"eq", Eq},
      {"ne", Ne},
      {"lt", Ordering("lt", false, false)},
      {"le", Ordering("le", false, true)},
      {"gt", Ordering("gt", true, false)},
      {"ge", Ordering("ge", true, true)},
      {"len", Len},
      {"index", Index},
      {"slice", Slice},
      {"print", [](const Args& a) -> Result<TemplateValue> { return TemplateValue(Sprint(a)); }},
      {"println",
       [](const Args& a) -> Result<TemplateValue> { return TemplateValue(Sprintln(a)); }},
      {"printf", Printf},
      {"html", Html},
      {"js", Js},
      {"urlquery", UrlQuery},
      {"call",
       [](const Args& args) -> Result<TemplateValue> {
         TOCSIN_RETURN_IF_ERROR(AtLeast("call", args, 1));
         if (args[0].is_nil()) return Fail("call of nil");
         return Fail(fmt::format("non-function of type {}", args[0].TypeName()));
       }},
  };
  return table;
}

}  // namespace tocsin::alerting
