// tocsin route show|test (amtool config routes show|test)
#include <fmt/format.h>

#include <iostream>

#include "alerting/config.h"
#include "alerting/route_text.h"
#include "storage/base/file_system.h"
#include "tools/tocsin/commands/alertmanager_session.h"

namespace tocsin::commands {
namespace {

Result<alerting::ConfigPtr> LoadConfig(const Arguments& arguments) {
  std::string file = arguments.value("config.file"), text;
  if (!file.empty()) {
    if (arguments.given("alertmanager.url")) {
      std::cerr << "Warning: --config.file flag overrides the --alertmanager.url.\n";
    }
    TOCSIN_ASSIGN(text, RealFileSystem().ReadFile(file));
  } else {
    TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
    TOCSIN_ASSIGN(const JsonValue status, session.Get("/status"));
    const JsonValue* config = status.Find("config");
    text = config == nullptr ? "" : TextOf(*config, "original");
    file = session.value("alertmanager.url");
  }
  ConfigWarnings warnings;
  return alerting::ParseAlertmanagerConfig(text, file, RealFileSystem(), warnings);
}

Status Test(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto config, LoadConfig(arguments));
  const auto pairs = ParsePairs(arguments.operands(), false);
  if (!pairs.ok()) return InvalidArgument("Failed to parse labels: " + pairs.error().message());
  LabelsBuilder builder;
  for (const auto& [name, value] : *pairs) builder.Set(name, value);
  const Labels labels = builder.Build();
  if (arguments.on("tree")) {
    std::cout << "Matching routes:\n" << alerting::ShowMatchingRoutes(*config, labels) << "\n\n";
  }
  const std::string found =
      fmt::format("{}", fmt::join(alerting::FindReceivers(*config, labels), ","));
  std::cout << found << std::endl;
  const std::string wanted = arguments.value("verify.receivers");
  if (wanted.empty() || wanted == found) return OkStatus();
  std::cout << "WARNING: Expected receivers did not match resolved receivers." << std::endl;
  return Error(ErrorCode::kExecution, "");
}

}  // namespace

int RouteShow(const Arguments& arguments) {
  const auto config = LoadConfig(arguments);
  if (!config.ok()) return arguments.Fail(config.error().message());
  std::cout << "Routing tree:\n" << alerting::ShowRoutes(**config) << "\n" << std::flush;
  return kSuccess;
}

int RouteTest(const Arguments& arguments) {
  const Status tested = Test(arguments);
  if (tested.ok()) return kSuccess;
  return tested.error().message().empty() ? kFailure : arguments.Fail(tested.error().message());
}

}  // namespace tocsin::commands
