#include <charconv>
#include <cmath>
#include <cstdio>

#include "storage/base/json.h"

namespace tocsin {
namespace {

// Length of the valid UTF-8 sequence at p, or 0.
size_t Utf8Length(const unsigned char* p, size_t n) {
  const unsigned char c = p[0];
  auto cont = [&](size_t i) { return i < n && (p[i] & 0xC0) == 0x80; };
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return cont(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    if (!cont(1) || !cont(2)) return 0;
    if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F)) return 0;
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!cont(1) || !cont(2) || !cont(3)) return 0;
    if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void AppendEscape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default: {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
      out += buffer;
    }
  }
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text, bool escape_html) {
  out.push_back('"');
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  size_t done = 0;  // text[done..i) is clean and not yet copied
  size_t i = 0;
  auto flush = [&] { out.append(text.data() + done, i - done); };
  while (i < text.size()) {
    const unsigned char c = p[i];
    if (c < 0x20 || c == '"' || c == '\\' || (escape_html && (c == '<' || c == '>' || c == '&'))) {
      flush();
      AppendEscape(out, c);
      done = ++i;
      continue;
    }
    if (c < 0x80) {
      ++i;
      continue;
    }
    const size_t n = Utf8Length(p + i, text.size() - i);
    // U+2028 and U+2029 end lines in JavaScript; Go escapes them always.
    const bool separator = n == 3 && c == 0xE2 && p[i + 1] == 0x80 && (p[i + 2] & 0xFE) == 0xA8;
    if (n == 0 || separator) {
      flush();
      out += n == 0 ? "\\ufffd" : (p[i + 2] == 0xA8 ? "\\u2028" : "\\u2029");
      done = i += n == 0 ? 1 : 3;
      continue;
    }
    i += n;
  }
  flush();
  out.push_back('"');
}

void JsonWriter::Separate() {
  if (comma_) out_.push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char c) {
  Separate();
  out_.push_back(c);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char c) {
  out_.push_back(c);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(out_, key, escape_html_);
  out_.push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(out_, value, escape_html_);
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) {
  Separate();
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  Separate();
  if (!std::isfinite(value)) {  // not representable; Go fails here, null is the nearest answer
    out_ += "null";
    return *this;
  }
  // encoding/json: shortest, exponent form below 1e-6 and from 1e21 on, "e-09" as "e-9".
  const double magnitude = std::fabs(value);
  char buffer[400];
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    auto end =
        std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
    std::string_view text(buffer, static_cast<size_t>(end - buffer));
    const size_t e = text.find("e-0");
    if (e != std::string_view::npos) {
      out_.append(text.substr(0, e + 2)).append(text.substr(e + 3));
    } else {
      out_.append(text);
    }
  } else {
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
    out_.append(buffer, end);
  }
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_.append(json);
  return *this;
}

}  // namespace tocsin
