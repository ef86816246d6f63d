// Named spans of the calendar (working hours, public holidays) in which routes are muted or
// active. Immutable after parsing; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::alerting {

struct IntegerRange {
  int begin = 0, end = 0;  // both included
};

// Holds when every given field holds; a field holds when any of its ranges does.
struct TimeBlock {
  std::vector<std::pair<int, int>> times;   // minutes of the day, end excluded
  std::vector<IntegerRange> weekdays;       // sunday = 0
  std::vector<IntegerRange> days_of_month;  // 1..31, or negative from the month's end
  std::vector<IntegerRange> months;         // 1..12
  std::vector<IntegerRange> years;
  std::string location = "UTC";  // IANA name or "Local"
  bool never = false;            // a field is given as an empty list

  bool Contains(Timestamp t) const;
};

// Holds when any of its blocks does.
struct TimeInterval {
  std::string name;
  std::vector<TimeBlock> blocks;

  bool Contains(Timestamp t) const;
};

// One element of time_intervals: `name` and its blocks.
Result<TimeInterval> ParseTimeInterval(const YamlNode& node);

}  // namespace tocsin::alerting
