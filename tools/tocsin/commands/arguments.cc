#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {

Arguments::Arguments(std::string program, const Command& command)
    : program_(std::move(program)), command_(command) {}

const FlagDef* Arguments::Find(std::string_view name) const {
  for (const auto& flags : {command_.flags, command_.common}) {
    const auto it =
        std::find_if(flags.begin(), flags.end(), [&](const auto& f) { return f.name == name; });
    if (it != flags.end()) return &*it;
  }
  return nullptr;
}

Status Arguments::ParseLong(const std::vector<std::string>& args, size_t* i) {
  const std::string_view arg = std::string_view(args[*i]).substr(2);
  const size_t equals = arg.find('=');
  const std::string name(arg.substr(0, equals));
  const FlagDef* flag = Find(name);
  if (flag == nullptr && name.starts_with("no-") && equals == std::string_view::npos) {
    flag = Find(std::string_view(name).substr(3));
    if (flag != nullptr && flag->value.empty()) {
      given_.emplace_back(flag->name, "false");
      return OkStatus();
    }
    flag = nullptr;
  }
  if (flag == nullptr) return InvalidArgument(fmt::format("unknown long flag '--{}'", name));
  if (equals != std::string_view::npos) {
    given_.emplace_back(name, arg.substr(equals + 1));
  } else if (flag->value.empty()) {
    given_.emplace_back(name, "true");
  } else if (*i + 1 == args.size()) {
    return InvalidArgument(fmt::format("expected argument for flag '--{}'", name));
  } else {
    given_.emplace_back(name, args[++*i]);
  }
  return OkStatus();
}

// "-q", "-o json", "-ojson", "-qs".
Status Arguments::ParseShort(const std::vector<std::string>& args, size_t* i) {
  const std::string& arg = args[*i];
  for (size_t at = 1; at < arg.size(); ++at) {
    const FlagDef* flag = nullptr;
    for (const auto& flags : {command_.flags, command_.common}) {
      for (const FlagDef& f : flags) {
        if (f.letter == arg[at] && flag == nullptr) flag = &f;
      }
    }
    if (flag == nullptr) return InvalidArgument(fmt::format("unknown short flag '-{}'", arg[at]));
    if (flag->value.empty()) {
      given_.emplace_back(flag->name, "true");
      continue;
    }
    std::string value = arg.substr(at + 1);
    if (value.starts_with('=')) value.erase(0, 1);
    if (value.empty()) {
      if (*i + 1 == args.size()) {
        return InvalidArgument(fmt::format("expected argument for flag '-{}'", arg[at]));
      }
      value = args[++*i];
    }
    given_.emplace_back(flag->name, std::move(value));
    return OkStatus();
  }
  return OkStatus();
}

Status Arguments::Parse(const std::vector<std::string>& args) {
  bool flags_end = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (flags_end || !arg.starts_with('-') || arg == "-") {
      operands_.push_back(arg);
    } else if (arg == "--") {
      flags_end = true;
    } else if (arg.starts_with("--")) {
      TOCSIN_RETURN_IF_ERROR(ParseLong(args, &i));
    } else {
      TOCSIN_RETURN_IF_ERROR(ParseShort(args, &i));
    }
  }
  for (const FlagDef& flag : command_.flags) {
    if (flag.required && !given(flag.name)) {
      return InvalidArgument(fmt::format("required flag --{} not provided", flag.name));
    }
  }
  return OkStatus();
}

bool Arguments::given(std::string_view name) const {
  return std::any_of(given_.begin(), given_.end(), [&](const auto& g) { return g.first == name; });
}

std::string Arguments::value(std::string_view name) const {
  for (auto it = given_.rbegin(); it != given_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  if (const auto it = fallbacks_.find(std::string(name)); it != fallbacks_.end()) return it->second;
  const FlagDef* flag = Find(name);
  return flag == nullptr ? std::string() : std::string(flag->fallback);
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [given_name, value] : given_) {
    if (given_name == name) out.push_back(value);
  }
  return out;
}

void Arguments::SetFallback(const std::string& name, const std::string& value) {
  fallbacks_[name] = value;
}

int Arguments::Fail(std::string_view text) const {
  std::cerr << fmt::format("{}: error: {}\n", program_, text) << std::flush;
  return kFailure;
}

int Arguments::Finish(const Result<std::string>& text) const {
  if (!text.ok()) return Fail(text.error().message());
  std::cout << *text << std::flush;
  return kSuccess;
}

int Arguments::FailUsage(std::string_view text) const {
  return Fail(fmt::format("{}, try --help", text));
}

Result<Timestamp> ParseTimeArgument(std::string_view text) {
  if (const auto seconds = ParseFloat(text); seconds && std::abs(*seconds) < 1e13) {
    return Timestamp{static_cast<int64_t>(*seconds * 1000)};
  }
  auto time = ParseRfc3339(text);
  if (!time.ok()) {
    return InvalidArgument(fmt::format("cannot parse \"{}\" to a valid timestamp", text));
  }
  return time;
}

}  // namespace tocsin::commands
