// tocsin push metrics URL [FILE...] (promtool push metrics): a page of metrics by remote write.
#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <map>

#include "ingest/exposition/text_parser.h"
#include "ingest/forward/encoder.h"
#include "storage/base/file_system.h"
#include "storage/model/duration.h"
#include "tools/tocsin/commands/alertmanager_session.h"
#include "tools/tocsin/commands/api_client.h"
#include "tools/tocsin/commands/command.h"

namespace tocsin::commands {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The page as a request: samples without a time are of `now`; `labels` are set over those of the
// page.
Result<std::string> Encode(std::string_view page, const Pairs& labels, Timestamp now) {
  ingest::WriteRequestEncoder encoder;
  ingest::TextParser parser(page);
  ingest::ParsedLabels parsed;
  std::map<std::string, Metadata> metadata;
  bool any = false;
  while (true) {
    switch (parser.Next()) {
      case ingest::ExpositionEntry::kSample: {
        parsed.clear();
        const auto& sample = parser.sample();
        if (const Status split = ingest::ParseSeriesText(sample.series, &parsed); !split.ok()) {
          return parser.LineError(split.error().message());
        }
        LabelsBuilder builder;
        for (const auto& [name, value] : parsed) builder.Set(name, value);
        for (const auto& [name, value] : labels) builder.Set(name, value);
        storage::TailSeries series;
        series.labels = builder.Build();
        series.times.push_back(sample.has_timestamp ? Timestamp{sample.timestamp_ms} : now);
        series.values.push_back(sample.value);
        encoder.AddSeries(series);
        any = true;
        break;
      }
      case ingest::ExpositionEntry::kType:
        metadata[std::string(parser.meta().family)].type = parser.meta().type;
        break;
      case ingest::ExpositionEntry::kHelp: {
        TOCSIN_ASSIGN(metadata[std::string(parser.meta().family)].help,
                      ingest::UnescapeHelp(parser.meta().text));
        break;
      }
      case ingest::ExpositionEntry::kUnit:
        break;
      case ingest::ExpositionEntry::kEnd:
        if (!any) return InvalidArgument("no samples");
        for (const auto& [family, about] : metadata) encoder.AddMetadata(family, about);
        return encoder.Take();
      case ingest::ExpositionEntry::kError:
        return parser.status().error();
    }
  }
}

Status PushOne(const ApiClient& client, const Arguments& arguments, const Pairs& labels,
               const std::string& page) {
  TOCSIN_ASSIGN(std::string body, Encode(page, labels, CurrentTime()));
  HttpHeaders headers = {{"Content-Encoding", "snappy"},
                         {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  for (const std::string& header : arguments.values("header")) {
    const size_t end = header.find_first_of("=:");
    if (end == std::string::npos) return InvalidArgument("bad header: " + header);
    headers.emplace_back(header.substr(0, end), header.substr(end + 1));
  }
  TOCSIN_ASSIGN(const HttpResponse answer,
                client.Send("POST", arguments.value("remote-write.path"), "application/x-protobuf",
                            std::move(body), std::move(headers)));
  if (answer.status / 100 == 2) return OkStatus();
  return Error(ErrorCode::kExecution, fmt::format("status {}: {}", answer.status, answer.body));
}

}  // namespace

int PushMetrics(const Arguments& arguments) {
  if (arguments.operands().empty()) {
    return arguments.FailUsage("required argument 'remote-write-url' not provided");
  }
  if (const std::string message = arguments.value("protobuf_message");
      message != "prometheus.WriteRequest") {
    return arguments.FailUsage(
        fmt::format("--protobuf_message={}: want prometheus.WriteRequest", message));
  }
  const auto timeout = ParseGoDuration(arguments.value("timeout"));
  if (!timeout.ok()) return arguments.FailUsage(timeout.error().message());
  const auto client = ApiClient::Create(arguments.operands().front(),
                                        std::chrono::duration_cast<Duration>(*timeout),
                                        arguments.value("http.config.file"));
  if (!client.ok()) return arguments.FailUsage(client.error().message());
  auto labels = ParsePairs(arguments.values("label"), false);
  if (!labels.ok()) return arguments.FailUsage(labels.error().message());
  if (!arguments.given("label")) labels->emplace_back("job", "promtool");
  std::vector<std::string> files(arguments.operands().begin() + 1, arguments.operands().end());
  if (files.empty()) {
    std::cout << "Parsing standard input" << std::endl;
    files.emplace_back();
  }
  int code = kSuccess;
  for (const std::string& file : files) {
    if (!file.empty()) std::cout << "Parsing input from metric file " << file << std::endl;
    Result<std::string> page = file.empty()
                                   ? std::string((std::istreambuf_iterator<char>(std::cin)), {})
                                   : RealFileSystem().ReadFile(file);
    const Status pushed =
        page.ok() ? PushOne(*client, arguments, *labels, *page) : Status(page.error());
    if (pushed.ok()) {
      std::cout << "  SUCCESS: metrics pushed to remote write." << std::endl;
    } else {
      std::cerr << "  FAILED: " << pushed.error().message() << std::endl;
      code = kFailure;
    }
  }
  return code;
}

}  // namespace tocsin::commands
