#include "alerting/template/html_writer.h"

#include <fmt/format.h>

#include "alerting/template/format.h"
#include "alerting/template/json_value.h"

namespace tocsin::alerting {
namespace {

constexpr std::string_view kUnsafe = "ZgotmplZ";
constexpr std::string_view kUnsafeUrl = "#ZgotmplZ";

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
bool IsLetter(char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; }
bool IsAlnum(char c) { return IsLetter(c) || (c >= '0' && c <= '9'); }

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// As html/template: more than text/template's html, since + matters to old browsers' UTF-7.
void AppendEntities(std::string& out, std::string_view text, bool keep_entities, bool spaces) {
  for (char c : text) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '+':
        out += "&#43;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += keep_entities ? "&" : "&amp;";
        break;
      case '\t':
      case '\n':
      case '\v':
      case '\f':
      case '\r':
      case ' ':
      case '=':
      case '`':
        if (spaces) {
          out += fmt::format("&#{};", static_cast<int>(c));
          break;
        }
        [[fallthrough]];
      default:
        out += c;
    }
  }
}

bool IsHex(char c) { return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'f'); }

// Percent-encodes what may not stand in a URL; `normalize`: its own delimiters and well-formed
// escapes stay.
std::string PercentEncode(std::string_view text, bool normalize) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool delimiter = std::string_view("!#$&*+,/:;=?@[]").find(c) != std::string_view::npos;
    const bool escape = c == '%' && i + 2 < text.size() && IsHex(text[i + 1]) && IsHex(text[i + 2]);
    if (IsAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' ||
        (normalize && (delimiter || escape))) {
      out += c;
    } else {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool IsSafeUrl(std::string_view url) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string_view scheme = url.substr(0, colon);
  if (scheme.find('/') != std::string_view::npos) return true;
  return EqualsIgnoringCase(scheme, "http") || EqualsIgnoringCase(scheme, "https") ||
         EqualsIgnoringCase(scheme, "mailto");
}

constexpr std::string_view kUrlAttributes[] = {
    "action",     "background", "cite",   "classid",  "codebase", "data",
    "formaction", "href",       "icon",   "longdesc", "manifest", "poster",
    "profile",    "src",        "srcset", "usemap",   "xmlns"};
constexpr std::string_view kRawElements[] = {"script", "style", "title", "textarea"};

}  // namespace

void AppendHtmlEscaped(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
}

void AppendQueryEscaped(std::string& out, std::string_view text) {
  for (char c : text) {
    if (IsAlnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

void HtmlWriter::Text(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool was_comment = place_ == Place::kComment;
    Step(text.substr(i));
    if (was_comment || place_ == Place::kComment) continue;
    // A < that begins no tag cannot be left for a value to complete.
    const bool stray =
        text[i] == '<' && place_ == Place::kText && !text.substr(i).starts_with("<!");
    if (stray) {
      out_ += "&lt;";
    } else {
      out_ += text[i];
    }
  }
}

void HtmlWriter::Step(std::string_view rest) {
  switch (place_) {
    case Place::kText:
      return StepText(rest);
    case Place::kRawElement:
      return StepRawElement(rest);
    case Place::kComment:
      // tag_ gathers the end of the comment.
      tag_ += rest[0];
      if (tag_.ends_with("-->")) place_ = Place::kText;
      return;
    case Place::kValue:
      return StepValue(rest[0]);
    default:
      return StepTag(rest[0]);
  }
}

void HtmlWriter::StepText(std::string_view rest) {
  if (rest.starts_with("<!--")) {
    place_ = Place::kComment;
    tag_.clear();
    return;
  }
  if (rest[0] != '<' || rest.size() < 2) return;
  end_tag_ = rest[1] == '/';
  const char next = end_tag_ && rest.size() > 2 ? rest[2] : rest[1];
  if (!IsLetter(next)) return;
  place_ = Place::kTagName;
  tag_.clear();
}

void HtmlWriter::StepRawElement(std::string_view rest) {
  if (rest.size() > tag_.size() + 1 && rest.starts_with("</") &&
      EqualsIgnoringCase(rest.substr(2, tag_.size()), tag_)) {
    end_tag_ = true;
    place_ = Place::kTagName;
    tag_.clear();
    script_quote_ = 0;
    return;
  }
  const char c = rest[0];
  if (script_quote_ != 0) {
    if (c == script_quote_ && !out_.ends_with('\\')) script_quote_ = 0;
  } else if (c == '"' || c == '\'' || c == '`') {
    script_quote_ = c;
  }
}

void HtmlWriter::StepTag(char c) {
  switch (place_) {
    case Place::kTagName:
      if (c == '/' && tag_.empty()) return;
      if (IsSpace(c) || c == '/') {
        place_ = Place::kTag;
      } else if (c == '>') {
        EndTag();
      } else {
        tag_ += Lower(c);
      }
      return;
    case Place::kTag:
      if (c == '>') return EndTag();
      if (IsSpace(c) || c == '/') return;
      attribute_.assign(1, Lower(c));
      place_ = Place::kAttributeName;
      return;
    case Place::kAttributeName:
      if (c == '=') {
        place_ = Place::kBeforeValue;
      } else if (c == '>') {
        EndTag();
      } else if (IsSpace(c)) {
        place_ = Place::kAfterName;
      } else {
        attribute_ += Lower(c);
      }
      return;
    case Place::kAfterName:
      if (IsSpace(c)) return;
      if (c == '=') {
        place_ = Place::kBeforeValue;
      } else {
        place_ = Place::kTag;
        StepTag(c);
      }
      return;
    case Place::kBeforeValue:
      if (IsSpace(c)) return;
      if (c == '>') return EndTag();
      if (c == '"' || c == '\'') return BeginValue(c);
      BeginValue(0);
      return StepValue(c);
    default:
      return;
  }
}

void HtmlWriter::EndTag() {
  place_ = Place::kText;
  if (end_tag_) return;
  for (std::string_view raw : kRawElements) {
    if (tag_ == raw) place_ = Place::kRawElement;
  }
}

void HtmlWriter::BeginValue(char quote) {
  place_ = Place::kValue;
  quote_ = quote;
  url_started_ = url_query_ = false;
  script_quote_ = 0;
  kind_ = AttributeKind::kPlain;
  std::string_view name = attribute_;
  if (name.starts_with("data-")) name.remove_prefix(5);
  if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
    name.remove_prefix(colon + 1);
  }
  if (name == "style") kind_ = AttributeKind::kStyle;
  if (name.starts_with("on")) kind_ = AttributeKind::kScript;
  for (std::string_view url : kUrlAttributes) {
    if (name == url) kind_ = AttributeKind::kUrl;
  }
}

void HtmlWriter::StepValue(char c) {
  if (quote_ != 0 ? c == quote_ : IsSpace(c)) {
    place_ = Place::kTag;
    return;
  }
  if (quote_ == 0 && c == '>') return EndTag();
  url_started_ = true;
  url_query_ |= c == '?' || c == '#';
}

void HtmlWriter::Value(const TemplateValue& value, bool escaped) {
  if (value.is_nil()) return;
  const std::string text = PrintValue(value);
  const auto* safe = value.As<TemplateSafeText>();
  const bool safe_html = safe != nullptr && !safe->url;
  switch (place_) {
    case Place::kText:
      if (safe_html) {
        out_ += text;
      } else {
        AppendEntities(out_, text, escaped, false);
      }
      return;
    case Place::kRawElement:
      if (tag_ == "script") return WriteScript(value, false);
      if (tag_ == "style") {
        out_ += kUnsafe;
      } else {
        AppendEntities(out_, text, safe_html || escaped, false);
      }
      return;
    case Place::kBeforeValue:
      BeginValue(0);
      return WriteAttributeValue(value, text);
    case Place::kValue:
      return WriteAttributeValue(value, text);
    case Place::kComment:
      return;
    default: {
      const bool harmless =
          !text.empty() && text.find_first_not_of(
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
                               std::string::npos;
      if (place_ == Place::kTag) {
        place_ = Place::kAttributeName;
        attribute_.clear();
      }
      const std::string_view name = harmless ? std::string_view(text) : kUnsafe;
      out_ += name;
      for (char c : name) attribute_ += Lower(c);
      return;
    }
  }
}

void HtmlWriter::WriteAttributeValue(const TemplateValue& value, std::string_view text) {
  switch (kind_) {
    case AttributeKind::kUrl:
      return WriteUrl(value, text);
    case AttributeKind::kScript:
      return WriteScript(value, true);
    case AttributeKind::kStyle:
      out_ += kUnsafe;
      return;
    case AttributeKind::kPlain: {
      const auto* safe = value.As<TemplateSafeText>();
      AppendEntities(out_, text, safe != nullptr && !safe->url, quote_ == 0);
      return;
    }
  }
}

void HtmlWriter::WriteUrl(const TemplateValue& value, std::string_view text) {
  std::string encoded;
  const auto* safe = value.As<TemplateSafeText>();
  const bool trusted = safe != nullptr && safe->url;
  if (url_query_ && !trusted) {
    encoded = PercentEncode(text, false);
  } else if (!url_started_ && !trusted && !IsSafeUrl(text)) {
    encoded = kUnsafeUrl;
  } else {
    encoded = PercentEncode(text, true);
  }
  for (char c : text) {
    url_started_ = true;
    if (!url_query_) url_query_ = c == '?' || c == '#';
  }
  AppendEntities(out_, encoded, false, quote_ == 0);
}

void HtmlWriter::WriteScript(const TemplateValue& value, bool in_attribute) {
  std::string json;
  if (script_quote_ != 0) {
    AppendJson(json, TemplateValue(PrintValue(value)));
    json = json.substr(1, json.size() - 2);
    std::string inner;
    for (char c : json) {
      if (c == '\'') {
        inner += "\\u0027";
      } else if (c == '`') {
        inner += "\\u0060";
      } else {
        inner += c;
      }
    }
    json = std::move(inner);
  } else {
    AppendJson(json, value);
  }
  if (in_attribute) {
    AppendEntities(out_, json, false, quote_ == 0);
  } else {
    out_ += json;
  }
}

}  // namespace tocsin::alerting
