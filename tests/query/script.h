// The load / eval language of PromQL tests: scripts to commands. See testdata/README.md.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "query/language.h"
#include "storage/base/number.h"
#include "storage/model/duration.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

namespace tocsin::query::testing {

// One sample of a series notation; nothing for `_`.
struct ScriptValue {
  double v = 0;
  std::optional<Histogram> h;
  bool hint_written = false;
};
using ScriptValues = std::vector<std::optional<ScriptValue>>;

struct ScriptSeries {
  Labels labels;
  ScriptValues values;
};

struct Expectation {
  std::string kind;  // fail warn no_warn info no_info ordered
  bool regex = false;
  std::string text;  // empty: any
};

struct ScriptCommand {
  enum class Kind { kLoad, kClear, kEval } kind = Kind::kClear;
  int line = 0;
  int64_t step_ms = 0;
  bool with_nhcb = false;
  std::vector<ScriptSeries> series;  // to load, or expected
  // eval
  std::string expr;
  bool range = false;
  int64_t start_ms = 0, end_ms = 0;
  std::vector<Expectation> expectations;
  std::optional<double> scalar;
  std::optional<std::string> string;
  bool has_matrix_grid = false;  // expect range vector from .. to .. step ..
  int64_t matrix_start_ms = 0, matrix_step_ms = 1;

  bool Expects(std::string_view what) const {
    for (const Expectation& e : expectations) {
      if (e.kind == what) return true;
    }
    return false;
  }
};

// Parses a script; throws std::runtime_error naming file and line.
class ScriptParser {
 public:
  static std::vector<ScriptCommand> ParseFile(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot open " + path);
    std::stringstream text;
    text << in.rdbuf();
    try {
      return ScriptParser(text.str()).Run();
    } catch (const std::runtime_error& e) {
      throw std::runtime_error(path + ": " + e.what());
    }
  }
  static std::vector<ScriptCommand> ParseText(const std::string& text) {
    return ScriptParser(text).Run();
  }

 private:
  explicit ScriptParser(const std::string& text) {
    std::stringstream in(text);
    std::string line;
    while (std::getline(in, line)) {
      const std::string_view trimmed = Trim(line);
      lines_.emplace_back(trimmed.substr(0, 1) == "#" ? "" : trimmed);
    }
  }

  [[noreturn]] void Fail(const std::string& what) const {
    throw std::runtime_error("line " + std::to_string(at_ + 1) + ": " + what);
  }

  static std::string_view Trim(std::string_view s) {
    while (!s.empty() && std::string_view(" \t\r").find(s.front()) != s.npos) s.remove_prefix(1);
    while (!s.empty() && std::string_view(" \t\r").find(s.back()) != s.npos) s.remove_suffix(1);
    return s;
  }
  static std::string_view Word(std::string_view* s) {
    *s = Trim(*s);
    const std::string_view word = s->substr(0, s->find_first_of(" \t"));
    s->remove_prefix(word.size());
    *s = Trim(*s);
    return word;
  }
  int64_t Millis(std::string_view text) const {
    const bool negative = text.substr(0, 1) == "-";
    if (negative) text.remove_prefix(1);
    auto d = ParseDuration(text);
    if (!d.ok()) {
      auto number = ParseFloat(text);
      if (!number) Fail(d.error().message());
      return static_cast<int64_t>(*number * 1000) * (negative ? -1 : 1);
    }
    return negative ? -d->count() : d->count();
  }

  std::vector<ScriptCommand> Run() {
    std::vector<ScriptCommand> commands;
    for (at_ = 0; at_ < lines_.size();) {
      std::string_view rest = lines_[at_];
      if (rest.empty()) {
        ++at_;
        continue;
      }
      ScriptCommand command;
      command.line = static_cast<int>(at_) + 1;
      const std::string_view word = Word(&rest);
      if (word == "clear") {
        ++at_;
      } else if (word.substr(0, 4) == "load") {
        Load(word, rest, &command);
      } else if (word.substr(0, 4) == "eval") {
        Eval(word, rest, &command);
      } else {
        Fail("unknown command");
      }
      commands.push_back(std::move(command));
    }
    return commands;
  }

  void Load(std::string_view word, std::string_view rest, ScriptCommand* command) {
    command->kind = ScriptCommand::Kind::kLoad;
    command->with_nhcb = word == "load_with_nhcb";
    command->step_ms = Millis(rest);
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      command->series.push_back(ParseSeries(lines_[at_]));
    }
  }

  void Eval(std::string_view word, std::string_view rest, ScriptCommand* command) {
    command->kind = ScriptCommand::Kind::kEval;
    if (word.size() > 5) {
      command->expectations.push_back({std::string(word.substr(5)), false, ""});
    }
    const std::string_view kind = Word(&rest);
    command->range = kind == "range";
    if (command->range) {
      Word(&rest);  // from
      command->start_ms = Millis(Word(&rest));
      Word(&rest);  // to
      command->end_ms = Millis(Word(&rest));
      Word(&rest);  // step
      command->step_ms = Millis(Word(&rest));
    } else if (rest.substr(0, 3) == "at ") {
      Word(&rest);
      command->start_ms = command->end_ms = Millis(Word(&rest));
    }
    command->expr = rest;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      if (!ExpectLine(lines_[at_], command)) ResultLine(lines_[at_], command);
    }
  }

  bool ExpectLine(std::string_view line, ScriptCommand* command) {
    std::string_view rest = line;
    if (Word(&rest) != "expect") return false;
    const std::string_view kind = Word(&rest);
    if (kind == "range") {
      Word(&rest), Word(&rest);  // vector from
      command->has_matrix_grid = true;
      command->matrix_start_ms = Millis(Word(&rest));
      Word(&rest), Word(&rest), Word(&rest);  // to X step
      command->matrix_step_ms = Millis(rest);
      return true;
    }
    if (kind == "string") {
      command->string = std::string(rest.substr(1, rest.size() - 2));
      return true;
    }
    Expectation e{std::string(kind), false, ""};
    if (rest.substr(0, 6) == "regex:") e.regex = true;
    const size_t colon = rest.find(':');
    if (colon != rest.npos) e.text = Trim(rest.substr(colon + 1));
    command->expectations.push_back(std::move(e));
    return true;
  }

  void ResultLine(std::string_view line, ScriptCommand* command) {
    if (auto number = ParseFloat(line)) {
      command->scalar = *number;
      return;
    }
    command->series.push_back(ParseSeries(std::string(line)));
  }

  // Where the metric of a series line ends.
  static size_t MetricEnd(std::string_view line) {
    size_t i = line.find_first_of(" \t{");
    if (i == line.npos || line[i] != '{' || line.substr(i, 2) == "{{") return i;
    char quote = 0;
    for (; i < line.size(); ++i) {
      if (quote != 0) {
        if (line[i] == '\\' && quote != '`') {
          ++i;
        } else if (line[i] == quote) {
          quote = 0;
        }
      } else if (line[i] == '"' || line[i] == '\'' || line[i] == '`') {
        quote = line[i];
      } else if (line[i] == '}') {
        return i + 1;
      }
    }
    return line.npos;
  }

  ScriptSeries ParseSeries(const std::string& line) {
    const size_t end = MetricEnd(line);
    if (end == std::string::npos) Fail("bad series: " + line);
    ScriptSeries series;
    const std::string metric = line.substr(0, end);
    if (metric != "{}") {
      auto labels = ParseMetric(metric);
      if (!labels.ok()) Fail(labels.error().message());
      series.labels = *labels;
    }
    Values(std::string_view(line).substr(end), &series.values);
    return series;
  }

  void Values(std::string_view text, ScriptValues* values) {
    for (text = Trim(text); !text.empty(); text = Trim(text)) {
      if (text.substr(0, 2) == "{{") {
        HistogramItem(&text, values);
        continue;
      }
      std::string_view item = Word(&text);
      if (item[0] == '_') {
        const int n = item.size() > 2 ? Count(item.substr(2)) : 1;
        values->resize(values->size() + n);
      } else if (item == "stale") {
        values->push_back(ScriptValue{StaleMarker(), {}, false});
      } else {
        NumberItem(item, values);
      }
    }
  }

  int Count(std::string_view text) const {
    auto n = ParseInt(text);
    if (!n) Fail("bad repetition");
    return static_cast<int>(*n);
  }

  double Number(std::string_view text) const {
    if (auto number = ParseFloat(text)) return *number;
    return static_cast<double>(Millis(text)) / 1000;
  }

  // a, axN, a+bxN, a-bxN
  void NumberItem(std::string_view item, ScriptValues* values) {
    int repeat = 0;
    double step = 0;
    const size_t times = item.rfind('x');
    if (times != item.npos) {
      repeat = Count(item.substr(times + 1));
      item = item.substr(0, times);
      size_t sign = item.npos;
      for (size_t i = 1; i < item.size(); ++i) {
        if ((item[i] == '+' || item[i] == '-') && item[i - 1] != 'e' && item[i - 1] != 'E')
          sign = i;
      }
      if (sign != item.npos) {
        step = Number(item.substr(sign + 1)) * (item[sign] == '-' ? -1 : 1);
        item = item.substr(0, sign);
      }
    }
    double v = Number(item);
    for (int i = 0; i <= repeat; ++i) {
      values->push_back(ScriptValue{v, {}, false});
      v += step;
    }
  }

  void HistogramItem(std::string_view* text, ScriptValues* values);
  ScriptValue OneHistogram(std::string_view body);

  std::vector<std::string> lines_;
  size_t at_ = 0;
};

}  // namespace tocsin::query::testing

#include "tests/query/script_histogram.h"
