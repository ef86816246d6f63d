// tocsin check service-discovery FILE JOB (promtool check service-discovery): what a job finds, and
// what relabelling makes of it.
#include <fmt/format.h>

#include <atomic>
#include <iostream>
#include <mutex>
#include <set>

#include "http/client.h"
#include "ingest/discovery/discoverer.h"
#include "ingest/scrape/target.h"
#include "storage/base/event_loop.h"
#include "storage/base/file_system.h"
#include "storage/base/json.h"
#include "storage/model/duration.h"
#include "tools/tocsin/commands/command.h"
#include "tools/tocsin/config_file.h"

namespace tocsin::commands {
namespace {

constexpr std::string_view kMetaPrefix = "__meta_";
constexpr std::string_view kAddress = "__address__";

// Everything runs on the loop's thread.
class OnLoop final : public Executor {
 public:
  explicit OnLoop(EventLoop& loop) : loop_(loop) {}
  void Post(std::function<void()> task) override { loop_.Post(std::move(task)); }

 private:
  EventLoop& loop_;
};

// Every source of the configuration alone, so that one can tell when each has answered.
std::vector<ingest::DiscoveryConfig> SplitSources(const ingest::DiscoveryConfig& config) {
  std::vector<ingest::DiscoveryConfig> out(1);
  out[0].static_configs = config.static_configs;
  for (const auto& file : config.file_sd_configs) out.emplace_back().file_sd_configs = {file};
  for (const auto& http : config.http_sd_configs) out.emplace_back().http_sd_configs = {http};
  return out;
}

// The groups of all sources when each has answered, or what there is after `timeout`.
std::vector<ingest::TargetGroup> FindGroups(const ingest::DiscoveryConfig& config,
                                            Duration timeout) {
  const auto sources = SplitSources(config);
  std::vector<std::vector<ingest::TargetGroup>> groups(sources.size());
  std::vector<int> emissions(sources.size());
  EventLoop loop;
  OnLoop workers(loop);
  MetricRegistry metrics;
  const auto client = http::Client::Create(loop, RealFileSystem());
  const ingest::DiscoveryPorts ports{.scheduler = loop,
                                     .workers = workers,
                                     .transport = *client,
                                     .files = RealFileSystem(),
                                     .metrics = metrics,
                                     .user_agent = "promtool"};
  std::vector<std::unique_ptr<ingest::Discoverer>> running;
  // A set of sources speaks once for its static ones before the others have found anything.
  const auto all_answered = [&] {
    for (size_t i = 1; i < sources.size(); ++i) {
      if (emissions[i] < 2) return false;
    }
    return true;
  };
  const Timer deadline = loop.After(timeout, [&] {
    std::cerr << "Timed out: not every source has answered\n";
    loop.Stop();
  });
  loop.Post([&] {
    for (size_t i = 0; i < sources.size(); ++i) {
      running.push_back(
          ingest::Discover(sources[i], ports, [&, i](std::vector<ingest::TargetGroup> found) {
            groups[i] = std::move(found);
            ++emissions[i];
            if (all_answered()) loop.Stop();
          }));
    }
  });
  loop.Run();
  running.clear();
  std::vector<ingest::TargetGroup> out;
  for (auto& found : groups) {
    out.insert(out.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  return out;
}

std::string ShowLabels(const Labels& labels) {
  if (labels.empty()) return "{}";
  std::string out = "{";
  for (const Label& label : labels) {
    if (out.size() > 1) out += ',';
    out += "\n      ";
    AppendJsonString(out, label.name, true);
    out += ": ";
    AppendJsonString(out, label.value, true);
  }
  return out + "\n    }";
}

// The labels that relabelling leaves; those of the discovery itself end there.
Labels Relabelled(const ingest::ScrapeConfig& job, const ingest::ScrapeTarget& target) {
  LabelsBuilder builder(target.discovered);
  Relabel(job.relabel_configs, builder);
  const Labels all = builder.Build();
  for (const Label& label : all) {
    if (label.name.starts_with(kMetaPrefix)) builder.Del(label.name);
  }
  if (builder.Get(kInstanceLabel).empty()) builder.Set(kInstanceLabel, all.Get(kAddress));
  return builder.Build();
}

std::string ShowTarget(const ingest::ScrapeConfig& job, const ingest::TargetGroup& group,
                       const Labels& target) {
  Labels discovered;
  const auto made = ingest::MakeTarget(job, group, target, &discovered);
  const Labels labels = made.ok() && *made ? Relabelled(job, **made) : Labels();
  std::string out = "  {\n    \"discoveredLabels\": " + ShowLabels(discovered) +
                    ",\n    \"labels\": " + ShowLabels(labels);
  if (!made.ok()) {
    out += ",\n    \"error\": ";
    AppendJsonString(out, made.error().message(), true);
  }
  return out + "\n  }";
}

Result<const ingest::ScrapeConfig*> FindJob(const MainConfig& config, const std::string& name) {
  std::string known;
  for (const ingest::ScrapeConfig& job : config.scrape_configs) {
    if (job.job_name == name) return &job;
    known += "\n\t" + job.job_name;
  }
  return NotFound(fmt::format("Job {} does not exist. Select one of:{}", name, known));
}

}  // namespace

int CheckServiceDiscovery(const Arguments& arguments) {
  const auto& given = arguments.operands();
  if (given.size() != 2) {
    return arguments.FailUsage(
        fmt::format("required argument '{}' not provided", given.empty() ? "config-file" : "job"));
  }
  const auto timeout = ParseDuration(arguments.value("timeout"));
  if (!timeout.ok()) return arguments.FailUsage(timeout.error().message());
  ConfigWarnings warnings;
  const auto config = LoadMainConfig(given[0], RealFileSystem(), warnings);
  if (!config.ok()) {
    std::cerr << "Cannot load config: " << config.error().message() << "\n";
    return kFailure;
  }
  for (const std::string& warning : warnings) std::cerr << "WARNING: " << warning << "\n";
  const auto job = FindJob(*config, given[1]);
  if (!job.ok()) {
    std::cerr << job.error().message() << "\n";
    return kFailure;
  }
  std::string out;
  std::set<std::string> shown;  // the same target may be found twice
  for (const ingest::TargetGroup& group : FindGroups((*job)->discovery, *timeout)) {
    for (const Labels& target : group.targets) {
      std::string text = ShowTarget(**job, group, target);
      if (!shown.insert(text).second) continue;
      out += (out.empty() ? "[\n" : ",\n") + text;
    }
  }
  std::cout << (out.empty() ? "[]" : out + "\n]") << "\n" << std::flush;
  return kSuccess;
}

}  // namespace tocsin::commands
