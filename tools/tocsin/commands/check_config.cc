// tocsin check config FILE...
#include <fmt/format.h>

#include <iostream>

#include "storage/base/file_system.h"
#include "storage/model/duration.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/commands/rule_lint.h"
#include "tools/tocsin/config_file.h"

namespace tocsin::commands {
namespace {

constexpr Duration kMaxSpan = Duration::max();

bool Exists(const std::string& file) { return RealFileSystem().ReadFile(file).ok(); }

// A file that the client would read at each exchange.
Status CheckFile(std::string_view what, const std::string& file) {
  if (file.empty() || Exists(file)) return OkStatus();
  return NotFound(fmt::format("error checking {} \"{}\": no such file or directory", what, file));
}

Status CheckTransportFiles(const TransportConfig& transport) {
  if (transport.authorization)
    TOCSIN_RETURN_IF_ERROR(CheckFile("authorization credentials or bearer token file",
                                     transport.authorization->credentials_file));
  if (transport.basic_auth)
    TOCSIN_RETURN_IF_ERROR(
        CheckFile("basic auth password file", transport.basic_auth->password_file));
  TOCSIN_RETURN_IF_ERROR(CheckFile("CA file", transport.tls.ca_file));
  TOCSIN_RETURN_IF_ERROR(CheckFile("client cert file", transport.tls.cert_file));
  return CheckFile("client key file", transport.tls.key_file);
}

void WarnMissingTargets(const ingest::ScrapeConfig& job) {
  for (const ingest::FileSdConfig& sd : job.discovery.file_sd_configs)
    for (const std::string& pattern : sd.files)
      if (RealFileSystem().Glob(pattern).empty())
        std::cout << fmt::format(
            "  WARNING: file \"{}\" for file_sd in scrape job \"{}\" does not exist\n", pattern,
            job.job_name);
}

// The rule files that `file` names.
// `long_intervals`: jobs whose samples would be stale before the next one comes.
Result<std::vector<std::string>> Check(const std::string& file, bool syntax_only, Duration lookback,
                                       std::string* long_intervals) {
  ConfigWarnings warnings;
  const auto config = LoadMainConfig(file, RealFileSystem(), warnings);
  if (!config.ok()) return config.error().WithContext("parsing YAML file " + file);
  for (const std::string& warning : warnings) std::cout << "  WARNING: " << warning << "\n";
  for (const ingest::ScrapeConfig& job : config->scrape_configs) {
    if (job.scrape_interval < lookback) continue;
    *long_intervals += fmt::format(
        "long scrape interval found: samples are stale before the next one. Job: {}. Interval: "
        "{}\n",
        job.job_name, FormatDuration(job.scrape_interval));
  }
  ConfigWarnings missing;
  const std::vector<std::string> rule_files =
      FindRuleFiles(config->rule_patterns, RealFileSystem(), missing);
  if (syntax_only) return rule_files;
  for (const std::string& pattern : config->rule_patterns)
    if (pattern.find_first_of("*?[") == std::string::npos && !Exists(pattern))
      return NotFound(fmt::format("\"{}\" does not point to an existing file", pattern));
  for (const ingest::ScrapeConfig& job : config->scrape_configs) {
    TOCSIN_RETURN_IF_ERROR(CheckTransportFiles(job.transport));
    WarnMissingTargets(job);
  }
  return rule_files;
}

}  // namespace

int CheckConfig(const Arguments& arguments) {
  if (arguments.on("agent")) {
    return arguments.Fail(
        "--agent: agent mode is not part of tocsin, so nothing can be said of it");
  }
  const auto options = ReadRuleChecks(arguments);
  if (!options.ok()) return arguments.FailUsage(options.error().message());
  const auto lookback = ParseDuration(arguments.value("query.lookback-delta"));
  if (!lookback.ok()) return arguments.FailUsage(lookback.error().message());
  if (arguments.operands().empty()) {
    return arguments.FailUsage("required argument 'config-files' not provided");
  }
  int worst = kSuccess;
  for (const std::string& file : arguments.operands()) {
    std::cout << "Checking " << file << std::endl;
    std::string long_intervals;
    const auto rule_files = Check(file, arguments.on("syntax-only"),
                                  options->lint_intervals ? *lookback : kMaxSpan, &long_intervals);
    if (!rule_files.ok()) {
      std::cerr << "  FAILED: " << rule_files.error().message() << "\n" << std::flush;
      std::cout << std::endl;
      worst = kFailure;
      continue;
    }
    if (!long_intervals.empty()) {
      std::cerr << "  FAILED:\nlint error " << long_intervals << std::flush;
      if (options->lint_fatal && worst == kSuccess) worst = kLintError;
    }
    if (!rule_files->empty())
      std::cout << fmt::format("  SUCCESS: {} rule files found\n", rule_files->size());
    std::cout << fmt::format(" SUCCESS: {} is valid prometheus config file syntax\n\n", file)
              << std::flush;
    const int code = CheckRuleFiles(*rule_files, *options);
    if (worst != kFailure && code != kSuccess) worst = code;
  }
  return worst;
}

}  // namespace tocsin::commands
