#include "storage/base/number.h"

#include <fast_float/fast_float.h>

#include <bit>
#include <charconv>
#include <cmath>

namespace tocsin {
namespace {

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// NaN, +Inf and -Inf as Go prints them; false for finite values.
bool AppendSpecial(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
  } else if (std::isinf(v)) {
    out += v > 0 ? "+Inf" : "-Inf";
  } else {
    return false;
  }
  return true;
}

void AppendFixed(std::string& out, double v) {
  char buffer[400];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed).ptr;
  out.append(buffer, end);
}

void AppendScientific(std::string& out, double v) {
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  out.append(buffer, end);
}

}  // namespace

std::optional<double> ParseFloat(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::string_view digits = text;
  bool negative = false;
  if (digits.front() == '+' || digits.front() == '-') {
    negative = digits.front() == '-';
    digits.remove_prefix(1);
  }
  if (digits.empty()) return std::nullopt;
  const char c = digits.front();
  if ((c < '0' || c > '9') && c != '.') {
    if (EqualsIgnoreCase(digits, "inf") || EqualsIgnoreCase(digits, "infinity")) {
      return negative ? -INFINITY : INFINITY;
    }
    // Go takes no sign before NaN.
    if (EqualsIgnoreCase(text, "nan")) return std::bit_cast<double>(kNormalNaNBits);
    return std::nullopt;
  }
  double v = 0;
  const auto [end, error] = fast_float::from_chars(digits.data(), digits.data() + digits.size(), v);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return negative ? -v : v;
}

template <typename T>
static std::optional<T> ParseInteger(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

std::optional<int64_t> ParseInt(std::string_view text) { return ParseInteger<int64_t>(text); }
std::optional<uint64_t> ParseUint(std::string_view text) { return ParseInteger<uint64_t>(text); }

void AppendApiFloat(std::string& out, double v) {
  if (AppendSpecial(out, v)) return;
  const double magnitude = std::fabs(v);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    AppendScientific(out, v);
  } else {
    AppendFixed(out, v);
  }
}

void AppendGoFloat(std::string& out, double v) {
  if (AppendSpecial(out, v)) return;
  if (v == 0) {
    out += std::signbit(v) ? "-0" : "0";
    return;
  }
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t e = text.find('e');
  int exponent = 0;
  const char* first = text.data() + e + 1 + (text[e + 1] == '+' ? 1 : 0);
  std::from_chars(first, end, exponent);
  if (exponent < -4 || exponent >= 6) {
    out.append(text);
  } else {
    AppendFixed(out, v);
  }
}

void AppendPlainFloat(std::string& out, double v) {
  if (!AppendSpecial(out, v)) AppendFixed(out, v);
}

void AppendExpFloat(std::string& out, double v) {
  if (!AppendSpecial(out, v)) AppendScientific(out, v);
}

void AppendOpenMetricsFloat(std::string& out, double v) {
  const size_t start = out.size();
  AppendGoFloat(out, v);
  if (std::isfinite(v) && out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

void AppendApiTimestamp(std::string& out, int64_t ms) {
  uint64_t magnitude = static_cast<uint64_t>(ms);
  if (ms < 0) {
    out.push_back('-');
    magnitude = ~magnitude + 1;
  }
  out += std::to_string(magnitude / 1000);
  const auto rest = static_cast<unsigned>(magnitude % 1000);
  if (rest == 0) return;
  out.push_back('.');
  out.push_back(static_cast<char>('0' + rest / 100));
  out.push_back(static_cast<char>('0' + rest / 10 % 10));
  out.push_back(static_cast<char>('0' + rest % 10));
}

std::string FormatGoFloat(double v) {
  std::string out;
  AppendGoFloat(out, v);
  return out;
}

}  // namespace tocsin
