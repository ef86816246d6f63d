#include "alerting/template/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "alerting/template/go_time.h"
#include "alerting/template/literals.h"
#include "storage/base/number.h"
#include "storage/model/matcher.h"

namespace tocsin::alerting {
namespace {

constexpr int kMaxWidth = 1'000'000;  // Go's own bound
constexpr int kMaxPrintDepth = 100;

struct Spec {
  bool plus = false, minus = false, sharp = false, space = false, zero = false;
  int width = -1;
  int precision = -1;
  char verb = 'v';
};

// The text of values that print as text of their own, whatever they are underneath.
std::optional<std::string> Stringer(const TemplateValue& value) {
  if (const auto* time = value.As<TemplateTime>()) return PrintGoTime(*time);
  if (const auto* d = value.As<std::chrono::nanoseconds>()) return FormatGoDuration(*d);
  if (const TemplateObject* object = value.AsObject()) return object->Print();
  return std::nullopt;
}

class Formatter {
 public:
  explicit Formatter(std::string& out) : out_(out) {}

  void Format(const TemplateValue& value, const Spec& spec, int depth = 0) {
    if (Full() || depth > kMaxPrintDepth) return;
    if (spec.verb == 'T') return Pad(value.TypeName(), spec);
    if (value.is_nil()) {
      if (spec.verb == 'v') return Pad("<nil>", spec);
      out_ += fmt::format("%!{}(<nil>)", spec.verb);
      return;
    }
    const bool textual = spec.verb == 'v' || spec.verb == 's' || spec.verb == 'q' ||
                         spec.verb == 'x' || spec.verb == 'X';
    if (textual) {
      if (const auto text = Stringer(value)) return FormatText(*text, spec);
    }
    if (const std::string* text = value.AsText()) return FormatText(*text, spec);
    if (const bool* v = value.As<bool>()) {
      if (spec.verb != 't' && spec.verb != 'v') return BadVerb(value, spec);
      return Pad(*v ? "true" : "false", spec);
    }
    if (const auto* v = value.As<int64_t>()) return FormatInt(*v, value, spec);
    if (const auto* v = value.As<double>()) return FormatFloat(*v, value, spec);
    if (const auto* v = value.As<std::chrono::nanoseconds>()) {
      return FormatInt(v->count(), value, spec);
    }
    if (const TemplateList* list = value.AsList()) return FormatList(*list, spec, depth);
    if (const TemplateMap* map = value.AsMap()) return FormatMap(*map, spec, depth);
    if (const TemplateStringMap* map = value.AsStringMap()) return FormatMap(*map, spec, depth);
    const TemplateValue inner = value.Resolve();
    if (value.AsObject() == nullptr || inner.is_nil() || inner.AsObject() != nullptr) {
      return BadVerb(value, spec);
    }
    Format(inner, spec, depth + 1);
  }

  void BadVerb(const TemplateValue& value, const Spec& spec) {
    out_ += fmt::format("%!{}({}=", spec.verb, value.TypeName());
    Spec plain;
    if (spec.verb != 'v') Format(value, plain);
    out_ += ')';
  }

 private:
  bool Full() const { return out_.size() > kMaxTemplateOutput; }

  void Pad(std::string_view text, const Spec& spec) {
    const auto length = static_cast<int>(Utf8Length(text));
    const size_t fill = spec.width > length ? static_cast<size_t>(spec.width - length) : 0;
    if (!spec.minus) out_.append(fill, ' ');
    out_ += text;
    if (spec.minus) out_.append(fill, ' ');
  }
  // Zeros go between the sign and the digits.
  void PadNumber(std::string_view text, const Spec& spec) {
    const auto length = static_cast<int>(text.size());
    if (!spec.zero || spec.minus || spec.width <= length) return Pad(text, spec);
    const size_t sign = text[0] == '+' || text[0] == '-' || text[0] == ' ' ? 1 : 0;
    out_ += text.substr(0, sign);
    out_.append(static_cast<size_t>(spec.width - length), '0');
    out_ += text.substr(sign);
  }

  void FormatText(std::string_view text, const Spec& spec) {
    std::string cut;
    if (spec.precision >= 0 && spec.verb != 'x' && spec.verb != 'X') {
      size_t end = 0;
      for (int i = 0; i < spec.precision && end < text.size(); ++i) DecodeUtf8(text, &end);
      text = text.substr(0, end);
    }
    switch (spec.verb) {
      case 'v':
        if (!spec.sharp) return Pad(text, spec);
        [[fallthrough]];
      case 'q':
        AppendGoQuoted(cut, text);
        return Pad(cut, spec);
      case 's':
        return Pad(text, spec);
      case 'x':
      case 'X':
        for (char c : text) {
          const auto byte = static_cast<unsigned char>(c);
          cut += spec.verb == 'x' ? fmt::format("{:02x}", byte) : fmt::format("{:02X}", byte);
        }
        return Pad(cut, spec);
      default:
        return BadVerb(TemplateValue(text), spec);
    }
  }

  void FormatInt(int64_t v, const TemplateValue& value, const Spec& spec) {
    const uint64_t magnitude = v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v);
    std::string digits;
    switch (spec.verb) {
      case 'v':
      case 'd':
        digits = fmt::format("{}", magnitude);
        break;
      case 'b':
        digits = spec.sharp ? fmt::format("{:#b}", magnitude) : fmt::format("{:b}", magnitude);
        break;
      case 'o':
        digits = spec.sharp ? fmt::format("0{:o}", magnitude) : fmt::format("{:o}", magnitude);
        break;
      case 'O':
        digits = fmt::format("0o{:o}", magnitude);
        break;
      case 'x':
        digits = spec.sharp ? fmt::format("{:#x}", magnitude) : fmt::format("{:x}", magnitude);
        break;
      case 'X':
        digits = spec.sharp ? fmt::format("{:#X}", magnitude) : fmt::format("{:X}", magnitude);
        break;
      case 'U':
        return Pad(fmt::format("U+{:04X}", magnitude), spec);
      case 'c':
      case 'q': {
        std::string text;
        AppendUtf8(text, v < 0 || v > 0x10ffff ? 0xfffd : static_cast<uint32_t>(v));
        return Pad(spec.verb == 'c' ? text : "'" + text + "'", spec);
      }
      default:
        return BadVerb(value, spec);
    }
    if (spec.precision > static_cast<int>(digits.size())) {
      digits.insert(0, static_cast<size_t>(std::min(spec.precision, kMaxWidth)) - digits.size(),
                    '0');
    }
    const char* sign = v < 0 ? "-" : spec.plus && spec.verb != 'v' ? "+" : spec.space ? " " : "";
    PadNumber(sign + digits, spec);
  }

  void FormatFloat(double v, const TemplateValue& value, const Spec& spec) {
    std::string digits;
    const double magnitude = std::fabs(v);
    const int precision = std::min(spec.precision, 1000);
    if (std::string_view("vgGeEfF").find(spec.verb) == std::string_view::npos) {
      return BadVerb(value, spec);
    }
    if (!std::isfinite(v)) {
      digits = std::isnan(v) ? "NaN" : "Inf";
    } else if (spec.verb == 'v' || spec.verb == 'g' || spec.verb == 'G') {
      if (precision < 0) {
        AppendGoFloat(digits, magnitude);
      } else {
        digits = fmt::format("{:.{}g}", magnitude, std::max(precision, 1));
      }
    } else if (spec.verb == 'e' || spec.verb == 'E') {
      digits = fmt::format("{:.{}e}", magnitude, precision < 0 ? 6 : precision);
    } else {
      digits = fmt::format("{:.{}f}", magnitude, precision < 0 ? 6 : precision);
    }
    if (spec.verb == 'E' || spec.verb == 'G') std::replace(digits.begin(), digits.end(), 'e', 'E');
    // Infinity has its sign always.
    const bool negative = std::signbit(v) && !std::isnan(v);
    const bool plus = (spec.plus && spec.verb != 'v') || (std::isinf(v) && v > 0);
    Spec padded = spec;
    if (!std::isfinite(v)) padded.zero = false;
    const char* sign = negative ? "-" : plus ? "+" : spec.space ? " " : "";
    PadNumber(sign + digits, padded);
  }

  void FormatList(const TemplateList& list, const Spec& spec, int depth) {
    out_ += '[';
    for (size_t i = 0; i < list.size() && !Full(); ++i) {
      if (i > 0) out_ += ' ';
      Format(list[i], spec, depth + 1);
    }
    out_ += ']';
  }
  template <typename Map>
  void FormatMap(const Map& map, const Spec& spec, int depth) {
    out_ += "map[";
    bool first = true;
    for (const auto& [key, value] : map) {
      if (Full()) break;
      if (!first) out_ += ' ';
      first = false;
      FormatText(key, spec);
      out_ += ':';
      Format(TemplateValue(value), spec, depth + 1);
    }
    out_ += ']';
  }

  std::string& out_;
};

// Reads a format string and feeds its directives.
class PrintfRun {
 public:
  PrintfRun(std::string_view format, const std::vector<TemplateValue>& args)
      : format_(format), args_(args) {}

  std::string Run() {
    while (pos_ < format_.size() && out_.size() <= kMaxTemplateOutput) {
      const size_t percent = std::min(format_.find('%', pos_), format_.size());
      out_ += format_.substr(pos_, percent - pos_);
      pos_ = percent + 1;
      if (percent < format_.size()) Directive();
    }
    if (!reordered_ && arg_ < args_.size()) Extra();
    return std::move(out_);
  }

 private:
  char Peek() const { return pos_ < format_.size() ? format_[pos_] : '\0'; }

  void Flags(Spec& spec) {
    for (;; ++pos_) {
      switch (Peek()) {
        case '+':
          spec.plus = true;
          break;
        case '-':
          spec.minus = true;
          spec.zero = false;
          break;
        case '#':
          spec.sharp = true;
          break;
        case ' ':
          spec.space = true;
          break;
        case '0':
          spec.zero = !spec.minus;
          break;
        default:
          return;
      }
    }
  }
  int Number() {
    int n = -1;
    while (Peek() >= '0' && Peek() <= '9') {
      n = std::min(std::max(n, 0) * 10 + (Peek() - '0'), kMaxWidth);
      ++pos_;
    }
    return n;
  }
  // [3]: the argument to use next, counted from one.
  void Index() {
    if (Peek() != '[') return;
    ++pos_;
    const int n = Number();
    reordered_ = true;
    bad_index_ = Peek() != ']' || n < 1 || static_cast<size_t>(n) > args_.size();
    if (Peek() == ']') ++pos_;
    if (!bad_index_) arg_ = static_cast<size_t>(n - 1);
  }
  // A number, or * for the next argument.
  int WidthOrPrecision(const char* bad) {
    Index();
    if (Peek() != '*') return Number();
    ++pos_;
    const int64_t* v = arg_ < args_.size() ? args_[arg_].As<int64_t>() : nullptr;
    if (arg_ < args_.size()) ++arg_;
    if (v == nullptr || *v < -kMaxWidth || *v > kMaxWidth) {
      out_ += bad;
      return -1;
    }
    return static_cast<int>(*v);
  }

  void Directive() {
    Spec spec;
    bad_index_ = false;
    Flags(spec);
    const bool star = Peek() == '*' || Peek() == '[';
    spec.width = WidthOrPrecision("%!(BADWIDTH)");
    if (star && spec.width < -1) {
      spec.minus = true;
      spec.width = -spec.width;
    }
    if (Peek() == '.') {
      ++pos_;
      spec.precision = std::max(WidthOrPrecision("%!(BADPREC)"), 0);
    }
    Index();
    if (pos_ >= format_.size()) {
      out_ += "%!(NOVERB)";
      return;
    }
    spec.verb = format_[pos_++];
    if (spec.verb == '%') {
      out_ += '%';
    } else if (bad_index_) {
      out_ += fmt::format("%!{}(BADINDEX)", spec.verb);
    } else if (arg_ >= args_.size()) {
      out_ += fmt::format("%!{}(MISSING)", spec.verb);
    } else {
      Formatter(out_).Format(args_[arg_++], spec);
    }
  }

  void Extra() {
    out_ += "%!(EXTRA ";
    for (size_t first = arg_; arg_ < args_.size(); ++arg_) {
      if (arg_ > first) out_ += ", ";
      out_ += args_[arg_].TypeName();
      if (!args_[arg_].is_nil()) {
        out_ += '=';
        AppendValue(out_, args_[arg_]);
      }
    }
    out_ += ')';
  }

  std::string_view format_;
  const std::vector<TemplateValue>& args_;
  size_t pos_ = 0;
  size_t arg_ = 0;
  bool reordered_ = false;
  bool bad_index_ = false;
  std::string out_;
};

}  // namespace

void AppendValue(std::string& out, const TemplateValue& value) {
  if (const std::string* text = value.AsText()) {
    out += *text;
    return;
  }
  Formatter(out).Format(value, Spec{});
}

std::string PrintValue(const TemplateValue& value) {
  std::string out;
  AppendValue(out, value);
  return out;
}

std::string Sprint(const std::vector<TemplateValue>& values) {
  std::string out;
  bool previous_text = true;
  for (size_t i = 0; i < values.size() && out.size() <= kMaxTemplateOutput; ++i) {
    const bool text = values[i].AsText() != nullptr;
    if (i > 0 && !text && !previous_text) out += ' ';
    AppendValue(out, values[i]);
    previous_text = text;
  }
  return out;
}

std::string Sprintln(const std::vector<TemplateValue>& values) {
  std::string out;
  for (size_t i = 0; i < values.size() && out.size() <= kMaxTemplateOutput; ++i) {
    if (i > 0) out += ' ';
    AppendValue(out, values[i]);
  }
  return out + '\n';
}

std::string Sprintf(std::string_view format, const std::vector<TemplateValue>& args) {
  return PrintfRun(format, args).Run();
}

}  // namespace tocsin::alerting
