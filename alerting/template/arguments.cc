#include "alerting/template/arguments.h"

#include <fmt/format.h>

#include "alerting/template/humanize.h"
#include "alerting/template/literals.h"
#include "storage/model/regex.h"

namespace tocsin::alerting {
namespace {

// Letters with two cases of the alphabets at hand: ASCII, Latin-1, Latin Extended-A, Greek,
// Cyrillic. Others stay as they are.
uint32_t UpperLetter(uint32_t c) {
  if (c >= 'a' && c <= 'z') return c - 32;
  if (c < 0x80) return c;
  if (c >= 0xe0 && c <= 0xfe && c != 0xf7) return c - 32;
  if ((c >= 0x101 && c <= 0x137) || (c >= 0x14b && c <= 0x177)) return c & ~1u;
  if ((c >= 0x13a && c <= 0x148) || (c >= 0x17a && c <= 0x17e)) return c % 2 == 0 ? c - 1 : c;
  if (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) return c - 32;
  if (c >= 0x430 && c <= 0x44f) return c - 32;
  if (c >= 0x450 && c <= 0x45f) return c - 80;
  return c;
}
uint32_t LowerLetter(uint32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c < 0x80) return c;
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 32;
  if ((c >= 0x100 && c <= 0x136) || (c >= 0x14a && c <= 0x176)) return c | 1u;
  if ((c >= 0x139 && c <= 0x147) || (c >= 0x179 && c <= 0x17d)) return c % 2 == 1 ? c + 1 : c;
  if (c >= 0x391 && c <= 0x3a9) return c + 32;
  if (c >= 0x410 && c <= 0x42f) return c + 32;
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  return c;
}
bool IsCased(uint32_t c) { return UpperLetter(c) != c || LowerLetter(c) != c; }
bool IsWordLetter(uint32_t c) {
  const uint32_t lower = LowerLetter(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

template <typename F>
std::string MapLetters(std::string_view text, F map) {
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const size_t start = pos;
    const uint32_t c = DecodeUtf8(text, &pos);
    const uint32_t mapped = map(c);
    if (mapped == c) {
      out += text.substr(start, pos - start);
    } else {
      AppendUtf8(out, mapped);
    }
  }
  return out;
}

}  // namespace

Status TemplateArguments::Count(size_t want) const {
  if (args_.size() == want) return OkStatus();
  return InvalidArgument(
      fmt::format("wrong number of args for {}: want {} got {}", name_, want, args_.size()));
}

Error TemplateArguments::WrongType(size_t index, std::string_view want) const {
  const TemplateValue& value = args_[index];
  if (value.is_nil()) {
    return InvalidArgument(fmt::format("invalid value; expected {}", want));
  }
  return InvalidArgument(
      fmt::format("wrong type for value; expected {}; got {}", want, value.TypeName()));
}

Result<std::string> TemplateArguments::Text(size_t index) const {
  if (const std::string* text = args_[index].AsText()) return *text;
  if (const TemplateObject* object = args_[index].AsObject()) {
    if (const TemplateValue inner = object->Underlying(); inner.AsText()) return *inner.AsText();
  }
  return WrongType(index, "string");
}

Result<double> TemplateArguments::Number(size_t index) const { return ToNumber(args_[index]); }

TemplateFunction OneTextFunction(std::string name, std::string (*f)(std::string_view)) {
  return
      [name = std::move(name), f](const std::vector<TemplateValue>& raw) -> Result<TemplateValue> {
        const TemplateArguments args(name, raw);
        TOCSIN_RETURN_IF_ERROR(args.Count(1));
        TOCSIN_ASSIGN(const std::string text, args.Text(0));
        return TemplateValue(f(text));
      };
}

std::string UpperCase(std::string_view text) {
  return MapLetters(text, [](uint32_t c) { return UpperLetter(c); });
}
std::string LowerCase(std::string_view text) {
  return MapLetters(text, [](uint32_t c) { return LowerLetter(c); });
}
std::string TitleCase(std::string_view text) {
  bool in_word = false;
  return MapLetters(text, [&](uint32_t c) {
    const uint32_t mapped = in_word ? c : UpperLetter(c);
    in_word = IsWordLetter(c);
    return mapped;
  });
}
std::string TitleCaseLowerRest(std::string_view text) {
  bool begun = false;         // the word has had its capital
  uint32_t after_letter = 0;  // a mark after a letter: it joins when a letter follows
  std::string out;
  for (size_t pos = 0; pos < text.size();) {
    const size_t start = pos;
    const uint32_t c = DecodeUtf8(text, &pos);
    if (begun && after_letter == 0 && (c == '\'' || c == '.' || c == ':' || c == 0x2019)) {
      after_letter = c;
    } else if (!IsWordLetter(c) || (after_letter != 0 && !IsCased(c))) {
      begun = false;
      after_letter = 0;
    } else {
      after_letter = 0;
    }
    const uint32_t mapped = begun ? LowerLetter(c) : UpperLetter(c);
    begun = begun || IsCased(c);
    if (mapped == c) {
      out += text.substr(start, pos - start);
    } else {
      AppendUtf8(out, mapped);
    }
  }
  return out;
}

TemplateFunction MatchFunction() {
  return [](const std::vector<TemplateValue>& raw) -> Result<TemplateValue> {
    const TemplateArguments args("match", raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(2));
    TOCSIN_ASSIGN(const std::string pattern, args.Text(0));
    TOCSIN_ASSIGN(const std::string text, args.Text(1));
    auto regex = Regex::Compile(pattern, Regex::Anchor::kNone);
    if (!regex.ok()) return Error(ErrorCode::kExecution, regex.error().message());
    return TemplateValue(regex->Matches(text));
  };
}

TemplateFunction ReReplaceAllFunction() {
  return [](const std::vector<TemplateValue>& raw) -> Result<TemplateValue> {
    const TemplateArguments args("reReplaceAll", raw);
    TOCSIN_RETURN_IF_ERROR(args.Count(3));
    TOCSIN_ASSIGN(const std::string pattern, args.Text(0));
    TOCSIN_ASSIGN(const std::string replacement, args.Text(1));
    TOCSIN_ASSIGN(const std::string text, args.Text(2));
    auto regex = Regex::Compile(pattern, Regex::Anchor::kNone);
    if (!regex.ok()) {
      return Error(ErrorCode::kExecution,
                   fmt::format("regexp: Compile(`{}`): {}", pattern, regex.error().message()));
    }
    return TemplateValue(regex->ReplaceAll(text, replacement));
  };
}

}  // namespace tocsin::alerting
