#include "tools/tocsin/flag_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "storage/config/yaml_reader.h"
#include "tools/tocsin/flag_tables.h"

namespace tocsin {
namespace {

constexpr std::string_view kUsage =
    "usage: tocsin [<flags>]\n"
    "       tocsin check config|rules|alertmanager FILE...\n"
    "       tocsin test rules FILE...\n"
    "       tocsin query|alert|silence|route|... (as promtool and amtool do)\n\n"
    "A monitor for one site: scrapes, keeps, answers PromQL, evaluates rules and sends alerts.\n"
    "`tocsin help` lists the commands.\n\nFlags:\n";

struct FlagShape {
  bool is_switch = false;
  bool repeats = false;
};

std::map<std::string_view, FlagShape> AllFlags() {
  std::map<std::string_view, FlagShape> all;
  for (const FlagSpec& flag : HonouredFlags()) all[flag.name] = {flag.is_switch, flag.repeats};
  // What has no effect may as well be said twice.
  for (const auto& table : {IgnoredFlags(), RefusedFlags()})
    for (const IgnoredFlag& flag : table) all[flag.name] = {flag.is_switch, true};
  all["help"] = all["version"] = {true, true};
  return all;
}

// How much of both words is one common subsequence, 0 to 1: unlike an edit distance it does not
// prefer short words when nothing is near.
double Likeness(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (const char c : a) {
    size_t diagonal = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = c == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return 2.0 * static_cast<double>(row.back()) / static_cast<double>(a.size() + b.size());
}

Error UnknownFlag(std::string_view name, const std::map<std::string_view, FlagShape>& all) {
  constexpr size_t kMaxShown = 200;
  name = name.substr(0, kMaxShown);
  std::vector<std::string> known;
  for (const auto& [flag, shape] : all) known.emplace_back(flag);
  const std::string near = Nearest(name, known);
  if (!near.empty())
    return InvalidArgument(fmt::format("unknown long flag '--{}', did you mean --{}?", name, near));
  const auto nearest =
      std::max_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
        return Likeness(name, a) < Likeness(name, b);
      });
  return InvalidArgument(
      fmt::format("unknown long flag '--{}' (the nearest is --{})", name, *nearest));
}

class Scanner {
 public:
  explicit Scanner(const std::vector<std::string>& args) : args_(args) {}

  Result<GivenFlags> Run() {
    while (at_ < args_.size()) TOCSIN_RETURN_IF_ERROR(Next(args_[at_++]));
    return std::move(given_);
  }

 private:
  Status Next(const std::string& arg) {
    if (arg == "-h") return given_["help"].emplace_back("true"), OkStatus();
    if (arg == "--" && at_ == args_.size()) return OkStatus();
    if (!arg.starts_with("-") || arg == "-" || arg == "--")
      return InvalidArgument("unexpected " + (arg == "--" ? args_[at_] : arg));
    if (!arg.starts_with("--"))
      return InvalidArgument(fmt::format("unknown short flag '{}'", arg.substr(0, 2)));
    const size_t equals = arg.find('=');
    const bool has_value = equals != std::string::npos;
    std::string_view name = std::string_view(arg).substr(2, has_value ? equals - 2 : equals);
    std::string value = has_value ? arg.substr(equals + 1) : "true";

    auto flag = all_.find(name);
    if (flag == all_.end() && name.starts_with("no-") && !has_value) {
      flag = all_.find(name.substr(3));
      if (flag != all_.end() && !flag->second.is_switch) flag = all_.end();
      value = "false";
    }
    if (flag == all_.end()) return UnknownFlag(name, all_);
    if (flag->second.is_switch) {
      if (value != "true" && value != "false")
        return InvalidArgument(
            fmt::format("flag --{}: \"{}\": want true or false", flag->first, value));
    } else if (!has_value) {
      // As in kingpin what looks like a flag is one, never a value.
      if (at_ == args_.size() || (args_[at_].starts_with("-") && args_[at_].size() > 1))
        return InvalidArgument(fmt::format("expected argument for flag '--{}'", flag->first));
      value = args_[at_++];
    }
    std::vector<std::string>& values = given_[std::string(flag->first)];
    if (!values.empty() && !flag->second.repeats && !flag->second.is_switch)
      return InvalidArgument(fmt::format("flag '{}' cannot be repeated", flag->first));
    values.push_back(std::move(value));
    return OkStatus();
  }

  const std::map<std::string_view, FlagShape> all_ = AllFlags();
  const std::vector<std::string>& args_;
  size_t at_ = 0;
  GivenFlags given_;
};

}  // namespace

Result<GivenFlags> ScanFlags(const std::vector<std::string>& args) { return Scanner(args).Run(); }

std::string FlagHelp() {
  std::string text(kUsage);
  const auto add = [&](const std::string& flag, std::string_view help) {
    constexpr size_t kWidth = 38;
    text += "  " + flag;
    text += flag.size() < kWidth ? std::string(kWidth - flag.size(), ' ')
                                 : "\n" + std::string(kWidth + 2, ' ');
    text += std::string(help) + "\n";
  };
  add("-h, --help", "Print this text and stop.");
  add("    --version", "Print the version and stop.");
  for (const FlagSpec& flag : HonouredFlags()) {
    if (flag.is_switch) {
      add(fmt::format("    --[no-]{}", flag.name), flag.help);
    } else {
      add(fmt::format("    --{}={}{}", flag.name, flag.fallback, flag.repeats ? " ..." : ""),
          flag.help);
    }
  }
  return text;
}

}  // namespace tocsin
