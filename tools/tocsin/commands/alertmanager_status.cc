// tocsin config show, cluster show (amtool config show, cluster show)
#include <fmt/format.h>

#include <iostream>

#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/text_table.h"

namespace tocsin::commands {
namespace {

const JsonValue& MemberOf(const JsonValue& json, std::string_view key) {
  static const JsonValue kNone;
  const JsonValue* value = json.Find(key);
  return value == nullptr ? kNone : *value;
}

Result<std::string> ShowConfig(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(const JsonValue status, session.Get("/status"));
  if (session.output() == "json") return ToJson(status) + "\n";
  std::string out = TextOf(MemberOf(status, "config"), "original") + "\n";
  if (session.output() == "simple") return out;
  const JsonValue& version = MemberOf(status, "versionInfo");
  for (const char* key : {"branch", "buildDate", "buildUser", "goVersion", "revision", "version"}) {
    out += fmt::format("{} {}\n", key, TextOf(version, key));
  }
  return out + "uptime " + TextOf(status, "uptime") + "\n";
}

Result<std::string> ShowCluster(const Arguments& arguments) {
  TOCSIN_ASSIGN(const auto session, AlertmanagerSession::Open(arguments));
  TOCSIN_ASSIGN(const JsonValue status, session.Get("/status"));
  const JsonValue& cluster = MemberOf(status, "cluster");
  if (session.output() == "json") return ToJson(cluster) + "\n";
  std::string out = FormatTable(
      {{"Cluster Status:", TextOf(cluster, "status")}, {"Node Name:", TextOf(cluster, "name")}},
      false);
  if (session.output() == "simple") return out;
  std::vector<std::vector<std::string>> rows = {{"Address", "Name"}};
  if (const auto* peers = MemberOf(cluster, "peers").AsArray()) {
    for (const JsonValue& peer : *peers) {
      rows.push_back({TextOf(peer, "address"), TextOf(peer, "name")});
    }
  }
  return out + "\n" + FormatTable(rows, false);
}

}  // namespace

int ConfigShow(const Arguments& arguments) { return arguments.Finish(ShowConfig(arguments)); }
int ClusterShow(const Arguments& arguments) { return arguments.Finish(ShowCluster(arguments)); }

}  // namespace tocsin::commands
