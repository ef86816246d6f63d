// file_sd: lists of targets in files, read again when they change.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "ingest/discovery/registry.h"
#include "storage/base/log.h"

namespace tocsin::ingest {
namespace {

// Changes show within this time even when refresh_interval is long: reading the few small files
// is cheaper than what a watch would save.
constexpr Duration kLongestPoll{5'000};
constexpr size_t kMaxFileBytes = 16u << 20;

bool IsValidPattern(std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view folder = slash == std::string_view::npos ? "" : path.substr(0, slash);
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (folder.find('*') != std::string_view::npos) return false;
  const auto has_extension = [name](std::string_view extension) {
    return name.size() > extension.size() && name.ends_with(extension);
  };
  const size_t stars = static_cast<size_t>(std::count(name.begin(), name.end(), '*'));
  return stars <= 1 && (has_extension(".json") || has_extension(".yml") || has_extension(".yaml"));
}

class FileDiscoverer final : public Discoverer {
 public:
  FileDiscoverer(const FileSdConfig& config, const DiscoveryPorts& ports, EmitGroups emit)
      : state_(std::make_shared<State>(config, ports, std::move(emit))) {
    State::Refresh(state_);
  }
  ~FileDiscoverer() override { state_->stopped.store(true); }

 private:
  struct File {
    std::string text;
    std::vector<TargetGroup> groups;
    bool failing = false;
  };

  struct State {
    State(const FileSdConfig& c, const DiscoveryPorts& p, EmitGroups e)
        : config(c),
          scheduler(p.scheduler),
          files(p.files),
          strand(p.workers),
          emit(std::move(e)),
          read_errors(p.metrics.GetCounter("prometheus_sd_file_read_errors_total",
                                           "The number of file SD read errors.")),
          failures(p.metrics.GetCounter("prometheus_sd_refresh_failures_total",
                                        "Number of refresh failures for the given SD mechanism.",
                                        {{"mechanism", "file"}})) {}

    // Reads now and arms the next reading; everything but arming runs on the strand.
    static void Refresh(const std::shared_ptr<State>& self) {
      self->strand.Post([self] {
        if (self->stopped.load()) return;
        self->Read();
        self->timer =
            self->scheduler.After(std::min(self->config.refresh_interval, kLongestPoll),
                                  [weak = std::weak_ptr<State>(self)] {
                                    if (auto state = weak.lock(); state && !state->stopped.load())
                                      Refresh(state);
                                  });
      });
    }

    void Read() {
      std::map<std::string, File> now;
      bool changed = !emitted;
      for (const std::string& pattern : config.files) {
        for (const std::string& path : files.Glob(pattern)) {
          if (now.contains(path)) continue;
          File& file = now[path];
          const auto before = known.find(path);
          if (before != known.end()) file = before->second;
          changed |= ReadOne(path, before == known.end(), &file);
        }
      }
      changed |= now.size() != known.size();
      known = std::move(now);
      if (!changed) return;
      emitted = true;
      std::vector<TargetGroup> all;
      for (const auto& [path, file] : known)
        all.insert(all.end(), file.groups.begin(), file.groups.end());
      emit(std::move(all));
    }

    // Whether the groups of the file changed. A bad file keeps its old groups.
    bool ReadOne(const std::string& path, bool is_new, File* file) {
      auto text = files.ReadFile(path, kMaxFileBytes);
      if (text.ok() && !is_new && !file->failing && *text == file->text) return false;
      auto groups = text.ok() ? ParseTargetGroups(*text, path, path.ends_with(".json"))
                              : Result<std::vector<TargetGroup>>(text.error());
      if (!groups.ok()) {
        read_errors.Add();
        failures.Add();
        if (!file->failing)
          log::Error("Cannot read file of targets; the last good targets stay",
                     {{"file", path}, {"err", groups.error().message()}});
        file->failing = true;
        return is_new;
      }
      file->failing = false;
      file->text = *std::move(text);
      file->groups = *std::move(groups);
      for (TargetGroup& group : file->groups) {
        LabelsBuilder labels(group.labels);
        labels.Set("__meta_filepath", path);
        group.labels = labels.Build();
      }
      return true;
    }

    const FileSdConfig config;
    Scheduler& scheduler;
    const FileSystem& files;
    Strand strand;
    const EmitGroups emit;
    const Counter read_errors, failures;
    std::atomic<bool> stopped{false};
    // Touched on the strand only.
    std::map<std::string, File> known;
    bool emitted = false;
    Timer timer;
  };

  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Discoverer> MakeFileDiscoverer(const FileSdConfig& config,
                                               const DiscoveryPorts& ports, EmitGroups emit) {
  return std::make_unique<FileDiscoverer>(config, ports, std::move(emit));
}

Status ReadFileSdConfig(const YamlNode& node, DiscoveryConfig* out) {
  FileSdConfig config;
  StrictMap map(node, "file_sd_config");
  map.Read("files", &config.files);
  map.Read("refresh_interval", &config.refresh_interval);
  if (config.files.empty())
    map.FailAt("files", "file service discovery config must contain at least one path name");
  if (config.refresh_interval.count() <= 0)
    map.FailAt("refresh_interval", "refresh_interval must be greater than zero");
  for (std::string& path : config.files) {
    if (!IsValidPattern(path)) {
      map.FailAt("files", fmt::format("path name \"{}\" is not valid for file discovery", path));
    }
    path = ResolvePath(node.file, path);
  }
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  out->file_sd_configs.push_back(std::move(config));
  return OkStatus();
}

}  // namespace tocsin::ingest
