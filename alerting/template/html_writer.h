// Writes HTML and escapes values by where they land, as html/template does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alerting/template/value.h"

namespace tocsin::alerting {

// "html" of text/template: < > & ' " as entities.
void AppendHtmlEscaped(std::string& out, std::string_view text);
// url.QueryEscape: form encoding, space as +.
void AppendQueryEscaped(std::string& out, std::string_view text);

// Follows the markup that the template's own text makes. Values cannot leave their place: they are
// escaped for element text, attributes (quoted or not), URL attributes and scripts; in style
// sheets and in tag or attribute names only harmless ones pass. Comments are dropped.
class HtmlWriter {
 public:
  explicit HtmlWriter(std::string& out) : out_(out) {}

  // The template's own text.
  void Text(std::string_view text);
  // A value. `escaped`: it went through html already; entities in it stay in text.
  void Value(const TemplateValue& value, bool escaped);

 private:
  enum class Place : uint8_t {
    kText,
    kTagName,
    kTag,
    kAttributeName,
    kAfterName,
    kBeforeValue,
    kValue,
    kComment,
    kRawElement,  // script, style, title, textarea
  };
  enum class AttributeKind : uint8_t { kPlain, kUrl, kScript, kStyle };

  void Step(std::string_view rest);
  void StepText(std::string_view rest);
  void StepRawElement(std::string_view rest);
  void StepTag(char c);
  void StepValue(char c);
  void EndTag();
  void BeginValue(char quote);
  void WriteAttributeValue(const TemplateValue& value, std::string_view text);
  void WriteUrl(const TemplateValue& value, std::string_view text);
  void WriteScript(const TemplateValue& value, bool in_attribute);

  std::string& out_;
  Place place_ = Place::kText;
  AttributeKind kind_ = AttributeKind::kPlain;
  char quote_ = 0;            // around the attribute value, 0: none
  bool url_started_ = false;  // something of the URL is written
  bool url_query_ = false;    // after ? or #
  char script_quote_ = 0;     // inside a string of a script
  bool end_tag_ = false;
  std::string tag_;        // lower case
  std::string attribute_;  // lower case
};

}  // namespace tocsin::alerting
