// tocsin check healthy|ready (promtool check healthy|ready)
#include <fmt/format.h>

#include <iostream>

#include "tools/tocsin/commands/api_client.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

int Check(const Arguments& arguments, const std::string& path) {
  const auto client = ApiClient::Create(arguments.value("url"), std::chrono::seconds(30),
                                        arguments.value("http.config.file"));
  if (!client.ok()) return arguments.FailUsage(client.error().message());
  const auto answer = client->Send("GET", path);
  if (!answer.ok()) {
    std::cerr << "  FAILED: " << answer.error().message() << "\n";
    return kFailure;
  }
  if (answer->status != 200) {
    std::cerr << fmt::format("  FAILED: check failed: URL={}{}, status={}\n", client->base_url(),
                             path, answer->status);
    return kFailure;
  }
  std::string text = answer->body;
  while (text.ends_with('\n')) text.pop_back();
  std::cout << "  SUCCESS: " << text << "\n" << std::flush;
  return kSuccess;
}

}  // namespace

int CheckHealthy(const Arguments& arguments) { return Check(arguments, "/-/healthy"); }
int CheckReady(const Arguments& arguments) { return Check(arguments, "/-/ready"); }

}  // namespace tocsin::commands
