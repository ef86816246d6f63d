// Checks of what templates hand to functions; the texts are Go's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/template.h"
#include "storage/base/result.h"

namespace tocsin::alerting {

// The arguments of one call of the function `name`.
class TemplateArguments {
 public:
  TemplateArguments(std::string_view name, const std::vector<TemplateValue>& args)
      : name_(name), args_(args) {}

  Status Count(size_t want) const;
  // REQUIRES for all below: index < count.
  Result<std::string> Text(size_t index) const;
  Result<double> Number(size_t index) const;
  const TemplateValue& operator[](size_t index) const { return args_[index]; }
  size_t size() const { return args_.size(); }
  Error WrongType(size_t index, std::string_view want) const;

 private:
  std::string_view name_;
  const std::vector<TemplateValue>& args_;
};

// Functions both products have.
TemplateFunction OneTextFunction(std::string name, std::string (*f)(std::string_view));
std::string UpperCase(std::string_view text);
std::string LowerCase(std::string_view text);
// The first letter of each word in upper case; `lower_rest`: the others in lower case.
// strings.Title (Prometheus): every letter after a mark is a capital.
std::string TitleCase(std::string_view text);
// cases.Title (Alertmanager): words as of Unicode ("don't", "a.b" are one), the rest small.
std::string TitleCaseLowerRest(std::string_view text);
TemplateFunction MatchFunction();
TemplateFunction ReReplaceAllFunction();

}  // namespace tocsin::alerting
