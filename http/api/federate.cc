// The newest sample of selected series as exposition text, for another Prometheus to scrape.
#include <algorithm>
#include <bit>
#include <map>

#include "http/api/response.h"
#include "http/api/routes.h"
#include "query/language.h"
#include "storage/base/number.h"

namespace tocsin::http {

namespace {

struct Newest {
  Timestamp t;
  double v = 0;
};
using NewestBySeries = std::map<Labels, Newest>;

// The last sample of the reader's series; false when there is none to show: no sample, stale, or
// a native histogram, which the text format cannot hold.
Result<bool> ReadNewest(storage::SampleReader& reader, Newest* newest) {
  bool found = false;
  storage::SampleBlock block;
  for (;;) {
    TOCSIN_ASSIGN(const bool more, reader.Next(&block));
    if (!more) break;
    if (block.size() == 0) continue;
    *newest = {block.times.back(), block.values.back()};
    found = block.histograms.empty();
  }
  return found && std::bit_cast<uint64_t>(newest->v) != kStaleNaNBits;
}

Status Collect(const ApiContext& context, const std::vector<Matcher>& matchers,
               NewestBySeries* all) {
  const Timestamp now = context.clock->Now();
  const Timestamp from = now - context.engine->options().lookback_delta + Duration{1};
  TOCSIN_ASSIGN(const auto set, context.db->Select(matchers, from, now, {}));
  const auto reader = set->NewReader();
  for (size_t i = 0; i < set->size(); ++i) {
    TOCSIN_RETURN_IF_ERROR(reader->Seek(i));
    Newest newest;
    TOCSIN_ASSIGN(const bool found, ReadNewest(*reader, &newest));
    if (found) all->insert_or_assign(set->labels(i), newest);
  }
  return OkStatus();
}

void AppendEscaped(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

class Line {
 public:
  Line(std::string& out, std::string_view name) : out_(out) {
    if (IsLegacyMetricName(name)) {
      out_ += name;
      return;
    }
    out_ += '{';
    AppendEscaped(out_, name);
    separator_ = ',';
  }
  void Label(std::string_view name, std::string_view value) {
    out_ += separator_;
    separator_ = ',';
    if (IsLegacyLabelName(name)) {
      out_ += name;
    } else {
      AppendEscaped(out_, name);
    }
    out_ += '=';
    AppendEscaped(out_, value);
  }
  void End(const Newest& newest) {
    out_ += separator_ == ',' ? "} " : " ";
    AppendGoFloat(out_, newest.v);
    out_ += ' ';
    out_ += std::to_string(newest.t.ms);
    out_ += '\n';
  }

 private:
  std::string& out_;
  char separator_ = '{';
};

void AppendSample(std::string& out, const Labels& labels, const Newest& newest,
                  const Labels& external) {
  Line line(out, labels.name());
  for (const Label& label : labels) {
    if (label.name != kMetricName) line.Label(label.name, label.value);
  }
  for (const Label& label : external) {
    if (!labels.Has(label.name)) line.Label(label.name, label.value);
  }
  // Without it the scraping side would put its own there.
  if (!labels.Has(kInstanceLabel) && !external.Has(kInstanceLabel)) line.Label(kInstanceLabel, "");
  line.End(newest);
}

void AppendType(std::string& out, std::string_view name) {
  out += "# TYPE ";
  if (IsLegacyMetricName(name)) {
    out += name;
  } else {
    AppendEscaped(out, name);
  }
  out += " untyped\n";
}

Result<Response> Federate(const ApiContext& context, const Request& request, const PathArgs&) {
  if (context.db == nullptr || context.engine == nullptr) {
    return TextResponse(503, "federation is not running in this process\n");
  }
  NewestBySeries all;
  for (const std::string& text : request.param_list("match[]")) {
    const auto matchers = query::ParseSelector(text);
    if (!matchers.ok()) return TextResponse(400, matchers.error().message() + "\n");
    const Status status = Collect(context, *matchers, &all);
    if (!status.ok()) return TextResponse(500, status.error().message() + "\n");
  }
  // Families together: by name first, whatever other labels sort before it.
  std::vector<const NewestBySeries::value_type*> samples;
  for (const auto& sample : all) {
    if (!sample.first.name().empty()) samples.push_back(&sample);
  }
  std::stable_sort(samples.begin(), samples.end(),
                   [](const auto* a, const auto* b) { return a->first.name() < b->first.name(); });
  const Labels external =
      context.state.external_labels ? context.state.external_labels() : Labels();
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  std::string_view family;
  for (const auto* sample : samples) {
    if (sample->first.name() != family) {
      family = sample->first.name();
      AppendType(response.body, family);
    }
    AppendSample(response.body, sample->first, sample->second, external);
  }
  return response;
}

}  // namespace

std::vector<Route> FederateRoutes(const ContextPtr& context) {
  static constexpr ApiRow kRows[] = {
      {"GET", "/federate", Pool::kQuery, &Federate},
  };
  return MakeRoutes(context, kRows);
}

}  // namespace tocsin::http
