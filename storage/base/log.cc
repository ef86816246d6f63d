#include "storage/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <ctime>

#include "storage/base/json.h"

namespace tocsin::log {
namespace {

std::atomic<Level> minimum{Level::kWarn};
std::atomic<Format> format{Format::kLogfmt};
std::atomic<const Clock*> wall_clock{nullptr};

// spdlog owns the sink and its lock; the line is ours, since its patterns do not escape.
spdlog::logger& Sink() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("tocsin",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

const char* LevelText(Level level) {
  switch (level) {
    case Level::kDebug:
      return "DEBUG";
    case Level::kInfo:
      return "INFO";
    case Level::kWarn:
      return "WARN";
    case Level::kError:
      return "ERROR";
  }
  return "?";
}

std::string TimeText(Timestamp t) {
  int64_t seconds = t.ms / 1000, ms = t.ms % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  std::tm parts{};
  const std::time_t value = seconds;
  gmtime_r(&value, &parts);
  char buffer[40], text[48];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", buffer, static_cast<int>(ms));
  return text;
}

void AppendPair(std::string& line, std::string_view key, std::string_view value) {
  if (format.load(std::memory_order_relaxed) == Format::kJson) {
    line += line.empty() ? "{" : ",";
    AppendJsonString(line, key);
    line += ":";
    AppendJsonString(line, value);
    return;
  }
  if (!line.empty()) line += " ";
  line.append(key).append("=");
  const bool plain =
      !value.empty() && value.find_first_of(" \"=\\\n\r\t") == std::string_view::npos;
  if (plain) {
    line.append(value);
  } else {
    AppendJsonString(line, value);
  }
}

}  // namespace

void Configure(Level level, Format f, const Clock& clock) {
  minimum = level;
  format = f;
  wall_clock = &clock;
}

bool Enabled(Level level) { return level >= minimum.load(std::memory_order_relaxed); }

void Write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  std::string line;
  if (const Clock* clock = wall_clock.load()) AppendPair(line, "time", TimeText(clock->Now()));
  AppendPair(line, "level", LevelText(level));
  AppendPair(line, "msg", message);
  for (const Field& field : fields) AppendPair(line, field.key, field.value);
  if (format.load(std::memory_order_relaxed) == Format::kJson) line += "}";
  Sink().info("{}", line);
  Sink().flush();
}

}  // namespace tocsin::log
