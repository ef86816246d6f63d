#include "alerting/notify/mime.h"

#include <array>
#include <chrono>

#include "fmt/format.h"

namespace tocsin::alerting {
namespace {

constexpr size_t kMaxLine = 76;
constexpr size_t kMaxEncodedWord = 75;
constexpr std::string_view kWordStart = "=?UTF-8?q?";
constexpr std::string_view kWordEnd = "?=";

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool IsAddress(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  for (unsigned char c : text) {
    if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == ',') return false;
  }
  return true;
}

// The bare address of `Name <address>` or `address`.
Result<std::string> ParseAddress(std::string_view text) {
  std::string_view bare = Trim(text);
  if (bare.find_first_of("\r\n") != std::string_view::npos) {
    return InvalidArgument("line break in a mail address");
  }
  if (bare.ends_with('>')) {
    const size_t open = bare.rfind('<');
    if (open == std::string_view::npos)
      return InvalidArgument("no angle-addr in " + std::string(text));
    bare = bare.substr(open + 1, bare.size() - open - 2);
  }
  if (!IsAddress(bare)) return InvalidArgument("not a mail address: " + std::string(Trim(text)));
  return std::string(bare);
}

// Number of bytes of the UTF-8 rune that starts with `c`.
size_t RuneSize(unsigned char c) {
  if (c < 0x80) return 1;
  if (c >= 0xf0) return 4;
  return c >= 0xe0 ? 3 : 2;
}

std::string EncodeRune(std::string_view rune) {
  if (rune.size() == 1) {
    const char c = rune[0];
    if (c == ' ') return "_";
    if (c > ' ' && c < 0x7f && c != '=' && c != '?' && c != '_') return std::string(rune);
  }
  std::string out;
  for (unsigned char c : rune) out += fmt::format("={:02X}", c);
  return out;
}

void AppendQuotedPrintable(std::string& out, std::string_view text) {
  size_t column = 0;
  const auto put = [&](std::string_view piece) {
    if (column + piece.size() > kMaxLine - 1) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
    const bool blank = c == ' ' || c == '\t';
    if ((c > ' ' && c < 0x7f && c != '=') || (blank && !ends_line)) {
      put(text.substr(i, 1));
    } else {
      put(fmt::format("={:02X}", c));
    }
  }
}

}  // namespace

Result<std::vector<std::string>> ParseAddressList(std::string_view text) {
  std::vector<std::string> out;
  bool quoted = false;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ',')) continue;
    if (const std::string_view one = Trim(text.substr(start, i - start)); !one.empty()) {
      TOCSIN_ASSIGN(std::string address, ParseAddress(one));
      out.push_back(std::move(address));
    }
    start = i + 1;
  }
  if (out.empty()) return InvalidArgument("no address");
  return out;
}

std::string CanonicalHeaderName(std::string_view name) {
  std::string out(name);
  bool upper = true;
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    upper = c == '-';
  }
  return out;
}

std::string EncodeHeader(std::string_view value) {
  bool plain = true;
  for (unsigned char c : value) plain = plain && (c == '\t' || (c >= ' ' && c < 0x7f));
  if (plain) return std::string(value);
  std::string out(kWordStart);
  size_t word = kWordStart.size();
  for (size_t i = 0; i < value.size();) {
    const size_t size = std::min(RuneSize(static_cast<unsigned char>(value[i])), value.size() - i);
    const std::string piece = EncodeRune(value.substr(i, size));
    if (word + piece.size() + kWordEnd.size() > kMaxEncodedWord) {
      out.append(kWordEnd).append(" ").append(kWordStart);
      word = kWordStart.size();
    }
    out += piece;
    word += piece.size();
    i += size;
  }
  return out.append(kWordEnd);
}

std::string FormatMailDate(Timestamp t) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(t.ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format(
      "{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

std::string BuildMail(const std::vector<std::pair<std::string, std::string>>& headers,
                      const std::vector<MimePart>& parts, const std::string& boundary) {
  std::string out;
  for (const auto& [name, value] : headers) {
    out.append(name).append(": ").append(EncodeHeader(value)).append("\r\n");
  }
  out += "Content-Type: multipart/alternative;  boundary=" + boundary + "\r\n";
  out += "MIME-Version: 1.0\r\n\r\n";
  for (const MimePart& part : parts) {
    out += "--" + boundary + "\r\n";
    out += "Content-Transfer-Encoding: quoted-printable\r\n";
    out += "Content-Type: " + part.content_type + "; charset=UTF-8\r\n\r\n";
    AppendQuotedPrintable(out, part.text);
    out += "\r\n";
  }
  out += "--" + boundary + "--\r\n";
  return out;
}

}  // namespace tocsin::alerting
