// Layouts of Go's time package: writing a time along one, and reading it back.
#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "alerting/template/go_civil.h"
#include "alerting/template/go_time.h"

namespace tocsin::alerting {
namespace {

// One element of a layout.
enum class Part {
  kText,
  kLongMonth,
  kMonth,
  kNumMonth,
  kZeroMonth,
  kLongWeekday,
  kWeekday,
  kDay,
  kUnderDay,
  kZeroDay,
  kUnderYearDay,
  kZeroYearDay,
  kHour,
  kHour12,
  kZeroHour12,
  kMinute,
  kZeroMinute,
  kSecond,
  kZeroSecond,
  kLongYear,
  kYear,
  kUpperPm,
  kLowerPm,
  kZoneName,
  kZone,           // offsets; the element's text tells colons, seconds and Z
  kFractionZeros,  // .000
  kFractionNines,  // .999
};
struct Element {
  Part part = Part::kText;
  std::string_view text;
};

struct Word {
  std::string_view text;
  Part part;
};
// Longer ones before their prefixes.
constexpr Word kWords[] = {
    {"January", Part::kLongMonth},
    {"Jan", Part::kMonth},
    {"Monday", Part::kLongWeekday},
    {"Mon", Part::kWeekday},
    {"MST", Part::kZoneName},
    {"002", Part::kZeroYearDay},
    {"01", Part::kZeroMonth},
    {"02", Part::kZeroDay},
    {"03", Part::kZeroHour12},
    {"04", Part::kZeroMinute},
    {"05", Part::kZeroSecond},
    {"06", Part::kYear},
    {"15", Part::kHour},
    {"1", Part::kNumMonth},
    {"2006", Part::kLongYear},
    {"2", Part::kDay},
    {"__2", Part::kUnderYearDay},
    {"_2", Part::kUnderDay},
    {"3", Part::kHour12},
    {"4", Part::kMinute},
    {"5", Part::kSecond},
    {"PM", Part::kUpperPm},
    {"pm", Part::kLowerPm},
    {"-07:00:00", Part::kZone},
    {"-070000", Part::kZone},
    {"-07:00", Part::kZone},
    {"-0700", Part::kZone},
    {"-07", Part::kZone},
    {"Z07:00:00", Part::kZone},
    {"Z070000", Part::kZone},
    {"Z07:00", Part::kZone},
    {"Z0700", Part::kZone},
    {"Z07", Part::kZone},
};

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The element that starts at `layout`'s first byte, if one does.
std::optional<Element> ElementAt(std::string_view layout) {
  const char c = layout[0];
  if ((c == '.' || c == ',') && layout.size() > 1 && (layout[1] == '0' || layout[1] == '9')) {
    size_t n = 1;
    while (n < layout.size() && layout[n] == layout[1]) ++n;
    if (n < layout.size() && IsDigit(layout[n])) return std::nullopt;
    return Element{layout[1] == '0' ? Part::kFractionZeros : Part::kFractionNines,
                   layout.substr(0, n)};
  }
  for (const Word& word : kWords) {
    if (!layout.starts_with(word.text)) continue;
    const std::string_view rest = layout.substr(word.text.size());
    if ((word.part == Part::kMonth || word.part == Part::kWeekday) && !rest.empty() &&
        IsLower(rest[0])) {
      continue;
    }
    // "_2006" is an underscore and a year.
    if (word.part == Part::kUnderDay && rest.starts_with("006")) return std::nullopt;
    return Element{word.part, layout.substr(0, word.text.size())};
  }
  return std::nullopt;
}

std::vector<Element> SplitLayout(std::string_view layout) {
  std::vector<Element> elements;
  size_t text_start = 0;
  for (size_t pos = 0; pos < layout.size();) {
    const auto element = ElementAt(layout.substr(pos));
    if (!element) {
      ++pos;
      continue;
    }
    if (pos > text_start) {
      elements.push_back({Part::kText, layout.substr(text_start, pos - text_start)});
    }
    elements.push_back(*element);
    pos += element->text.size();
    text_start = pos;
  }
  if (text_start < layout.size()) elements.push_back({Part::kText, layout.substr(text_start)});
  return elements;
}

void AppendOffset(std::string& out, std::string_view element, int offset) {
  if (element[0] == 'Z' && offset == 0) {
    out += 'Z';
    return;
  }
  const bool colon = element.find(':') != std::string_view::npos;
  const bool seconds = element.size() == 7 || element.size() == 9;
  const int v = std::abs(offset);
  out += offset < 0 ? '-' : '+';
  out += fmt::format("{:02}", v / 3600);
  if (element.size() == 3) return;
  out += fmt::format("{}{:02}", colon ? ":" : "", v / 60 % 60);
  if (seconds) out += fmt::format("{}{:02}", colon ? ":" : "", v % 60);
}

void AppendFraction(std::string& out, const Element& element, int64_t nanos) {
  std::string digits = fmt::format("{:09}", nanos).substr(0, element.text.size() - 1);
  if (digits.size() > 9) digits.resize(9);
  if (element.part == Part::kFractionNines) {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    if (digits.empty()) return;
  }
  out += element.text[0];
  out += digits;
}

void AppendElement(std::string& out, const Element& element, const Civil& civil) {
  const auto& cs = civil.info.cs;
  const int hour12 = cs.hour() % 12 == 0 ? 12 : cs.hour() % 12;
  const std::string_view month = kMonths[static_cast<size_t>(cs.month() - 1)];
  const std::string_view weekday = kDays[static_cast<size_t>(civil.weekday)];
  switch (element.part) {
    case Part::kText:
      out += element.text;
      break;
    case Part::kLongMonth:
      out += month;
      break;
    case Part::kMonth:
      out += month.substr(0, 3);
      break;
    case Part::kNumMonth:
      out += fmt::format("{}", cs.month());
      break;
    case Part::kZeroMonth:
      out += fmt::format("{:02}", cs.month());
      break;
    case Part::kLongWeekday:
      out += weekday;
      break;
    case Part::kWeekday:
      out += weekday.substr(0, 3);
      break;
    case Part::kDay:
      out += fmt::format("{}", cs.day());
      break;
    case Part::kUnderDay:
      out += fmt::format("{:2}", cs.day());
      break;
    case Part::kZeroDay:
      out += fmt::format("{:02}", cs.day());
      break;
    case Part::kUnderYearDay:
      out += fmt::format("{:3}", absl::GetYearDay(absl::CivilDay(cs)));
      break;
    case Part::kZeroYearDay:
      out += fmt::format("{:03}", absl::GetYearDay(absl::CivilDay(cs)));
      break;
    case Part::kHour:
      out += fmt::format("{:02}", cs.hour());
      break;
    case Part::kHour12:
      out += fmt::format("{}", hour12);
      break;
    case Part::kZeroHour12:
      out += fmt::format("{:02}", hour12);
      break;
    case Part::kMinute:
      out += fmt::format("{}", cs.minute());
      break;
    case Part::kZeroMinute:
      out += fmt::format("{:02}", cs.minute());
      break;
    case Part::kSecond:
      out += fmt::format("{}", cs.second());
      break;
    case Part::kZeroSecond:
      out += fmt::format("{:02}", cs.second());
      break;
    case Part::kLongYear:
      out += fmt::format("{:04}", cs.year());
      break;
    case Part::kYear:
      out += fmt::format("{:02}", cs.year() % 100);
      break;
    case Part::kUpperPm:
      out += cs.hour() >= 12 ? "PM" : "AM";
      break;
    case Part::kLowerPm:
      out += cs.hour() >= 12 ? "pm" : "am";
      break;
    case Part::kZoneName:
      out += civil.info.zone_abbr;
      break;
    case Part::kZone:
      AppendOffset(out, element.text, civil.info.offset);
      break;
    case Part::kFractionZeros:
    case Part::kFractionNines:
      AppendFraction(out, element, civil.nanos);
      break;
  }
}

// Reads a text along a layout.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  bool Read(const std::vector<Element>& elements) {
    for (const Element& element : elements) {
      if (!ReadElement(element)) return false;
      // A fraction may follow the seconds although the layout has none.
      if ((element.part == Part::kSecond || element.part == Part::kZeroSecond) &&
          text_.size() > 1 && text_[0] == '.' && IsDigit(text_[1]) && !ReadFraction()) {
        return false;
      }
    }
    return text_.empty();
  }

  std::optional<TemplateTime> Time() const {
    int hour = hour_;
    if (pm_ && hour < 12) hour += 12;
    if (am_ && hour == 12) hour = 0;
    const absl::CivilSecond civil(year_, month_, day_, hour, minute_, second_);
    if (civil.month() != month_ || civil.day() != day_ || civil.minute() != minute_) {
      return std::nullopt;
    }
    absl::Time time = absl::FromCivil(civil, absl::UTCTimeZone()) - absl::Seconds(offset_);
    time += absl::Milliseconds(millis_);
    return TemplateTime{{absl::ToUnixMillis(time)}, false, ""};
  }

 private:
  bool ReadInt(size_t min_digits, size_t max_digits, int* out) {
    size_t n = 0;
    int v = 0;
    while (n < max_digits && n < text_.size() && IsDigit(text_[n])) v = v * 10 + (text_[n++] - '0');
    if (n < min_digits) return false;
    text_.remove_prefix(n);
    *out = v;
    return true;
  }
  bool ReadFraction() {
    text_.remove_prefix(1);
    size_t n = 0;
    int scale = 100;
    while (n < text_.size() && IsDigit(text_[n])) {
      millis_ += (text_[n++] - '0') * scale;
      scale /= 10;
    }
    text_.remove_prefix(n);
    return n > 0;
  }
  template <typename Names>
  bool ReadName(const Names& names, size_t length, int* index) {
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string_view name = names[i].substr(0, length);
      if (text_.size() < name.size() || !EqualsIgnoringCase(text_.substr(0, name.size()), name)) {
        continue;
      }
      text_.remove_prefix(name.size());
      *index = static_cast<int>(i);
      return true;
    }
    return false;
  }
  static bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
    for (size_t i = 0; i < a.size(); ++i) {
      if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
    }
    return true;
  }
  bool ReadOffset(std::string_view element) {
    if (element[0] == 'Z' && text_.starts_with("Z")) {
      text_.remove_prefix(1);
      return true;
    }
    if (text_.empty() || (text_[0] != '+' && text_[0] != '-')) return false;
    const int sign = text_[0] == '-' ? -1 : 1;
    text_.remove_prefix(1);
    const bool colon = element.find(':') != std::string_view::npos;
    int parts[3] = {0, 0, 0};
    const int count = element.size() == 3 ? 1 : element.size() >= 7 ? 3 : 2;
    for (int i = 0; i < count; ++i) {
      if (i > 0 && colon) {
        if (!text_.starts_with(":")) return false;
        text_.remove_prefix(1);
      }
      if (!ReadInt(2, 2, &parts[i])) return false;
    }
    offset_ = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
  }

  bool ReadElement(const Element& element) {
    int n = 0;
    switch (element.part) {
      case Part::kText:
        if (!text_.starts_with(element.text)) return false;
        text_.remove_prefix(element.text.size());
        return true;
      case Part::kLongMonth:
      case Part::kMonth:
        if (!ReadName(kMonths, element.part == Part::kMonth ? 3 : 99, &n)) return false;
        month_ = n + 1;
        return true;
      case Part::kLongWeekday:
        return ReadName(kDays, 99, &n);
      case Part::kWeekday:
        return ReadName(kDays, 3, &n);
      case Part::kNumMonth:
        return ReadInt(1, 2, &month_);
      case Part::kZeroMonth:
        return ReadInt(2, 2, &month_);
      case Part::kUnderDay:
        if (text_.starts_with(" ")) text_.remove_prefix(1);
        return ReadInt(1, 2, &day_);
      case Part::kDay:
        return ReadInt(1, 2, &day_);
      case Part::kZeroDay:
        return ReadInt(2, 2, &day_);
      case Part::kHour:
        return ReadInt(2, 2, &hour_) && hour_ < 24;
      case Part::kHour12:
        return ReadInt(1, 2, &hour_) && hour_ <= 12;
      case Part::kZeroHour12:
        return ReadInt(2, 2, &hour_) && hour_ <= 12;
      case Part::kMinute:
        return ReadInt(1, 2, &minute_) && minute_ < 60;
      case Part::kZeroMinute:
        return ReadInt(2, 2, &minute_) && minute_ < 60;
      case Part::kSecond:
        return ReadInt(1, 2, &second_) && second_ < 60;
      case Part::kZeroSecond:
        return ReadInt(2, 2, &second_) && second_ < 60;
      case Part::kLongYear:
        return ReadInt(4, 4, &year_);
      case Part::kYear:
        if (!ReadInt(2, 2, &year_)) return false;
        year_ += year_ >= 69 ? 1900 : 2000;
        return true;
      case Part::kUpperPm:
      case Part::kLowerPm:
        pm_ = text_.starts_with("PM") || text_.starts_with("pm");
        am_ = text_.starts_with("AM") || text_.starts_with("am");
        if (!pm_ && !am_) return false;
        text_.remove_prefix(2);
        return true;
      case Part::kZoneName:
        if (!text_.starts_with("UTC") && !text_.starts_with("GMT")) return false;
        text_.remove_prefix(3);
        return true;
      case Part::kZone:
        return ReadOffset(element.text);
      case Part::kFractionZeros:
      case Part::kFractionNines:
        if (millis_ != 0) return true;
        if (text_.empty() || text_[0] != element.text[0])
          return element.part != Part::kFractionZeros;
        return ReadFraction();
      case Part::kUnderYearDay:
      case Part::kZeroYearDay:
        return false;
    }
    return false;
  }

  std::string_view text_;
  int year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0;
  int millis_ = 0, offset_ = 0;
  bool am_ = false, pm_ = false;
};

}  // namespace

std::string FormatGoTime(const TemplateTime& time, std::string_view layout) {
  const Civil civil = CivilOf(time);
  std::string out;
  for (const Element& element : SplitLayout(layout)) AppendElement(out, element, civil);
  return out;
}

Result<TemplateTime> ParseGoTime(std::string_view layout, std::string_view text) {
  TimeReader reader(text);
  if (reader.Read(SplitLayout(layout))) {
    if (auto time = reader.Time()) return *std::move(time);
  }
  return InvalidArgument(fmt::format("parsing time \"{}\" as \"{}\": cannot parse", text, layout));
}

}  // namespace tocsin::alerting
