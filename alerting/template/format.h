// Go's fmt package as templates see it: print, println, printf and how values print.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "alerting/template/value.h"

namespace tocsin::alerting {

// Printing stops growing a text at about this size; the executor then refuses it.
inline constexpr size_t kMaxTemplateOutput = 4u << 20;

// %v.
void AppendValue(std::string& out, const TemplateValue& value);
std::string PrintValue(const TemplateValue& value);

// fmt.Sprint: a space between operands when neither is a string. fmt.Sprintln: always, and a
// newline.
std::string Sprint(const std::vector<TemplateValue>& values);
std::string Sprintln(const std::vector<TemplateValue>& values);
// fmt.Sprintf; mistakes show in the result as Go shows them: "%!d(string=a)", "%!s(MISSING)".
std::string Sprintf(std::string_view format, const std::vector<TemplateValue>& args);

}  // namespace tocsin::alerting
