// How fast pages are read: the parsers alone, along a known layout, and a page of new shape.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "ingest/exposition/openmetrics_parser.h"
#include "ingest/exposition/text_parser.h"
#include "ingest/scrape/page_reader.h"

namespace tocsin::ingest {
namespace {

// About what a node_exporter sends: 1,000 samples, 80 bytes each, a family every ten.
std::string MakePage() {
  std::string page;
  for (int family = 0; family < 100; ++family) {
    page += fmt::format(
        "# HELP node_metric_{0}_total A counter that counts the number of things of kind {0}.\n"
        "# TYPE node_metric_{0}_total counter\n",
        family);
    for (int series = 0; series < 10; ++series) {
      page +=
          fmt::format("node_metric_{}_total{{cpu=\"{}\",device=\"nvme0n1p{}\",mode=\"idle\"}} {}\n",
                      family, series, series % 3, family * 1234.5 + series);
    }
  }
  return page;
}

template <typename Parser>
void ParseOnly(benchmark::State& state, const std::string& page) {
  for (auto _ : state) {
    Parser parser(page);
    double sum = 0;
    for (;;) {
      const ExpositionEntry entry = parser.Next();
      if (entry == ExpositionEntry::kEnd || entry == ExpositionEntry::kError) break;
      if (entry == ExpositionEntry::kSample) sum += parser.sample().value;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * page.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 1000));
}

void BM_ParseText(benchmark::State& state) { ParseOnly<TextParser>(state, MakePage()); }
void BM_ParseOpenMetrics(benchmark::State& state) {
  ParseOnly<OpenMetricsParser>(state, MakePage() + "# EOF\n");
}
BENCHMARK(BM_ParseText);
BENCHMARK(BM_ParseOpenMetrics);

PageLayout LayoutOf(const Page& page) {
  PageLayout::Builder builder;
  uint64_t next = 1;
  for (const Page::Line& line : page.lines) builder.Add(line.text, line.kind, {next++});
  return builder.Build();
}

void ReadPages(benchmark::State& state, bool known_shape) {
  const std::string page = MakePage();
  const std::string other = page + "one_more 1\n";
  const ScrapeConfig config;
  const Labels target{{"instance", "host:9100"}, {"job", "node"}};
  FamilyPool pool;
  MetadataCache metadata(pool);
  SampleLabels labels(config, target);
  const PageLayout layout =
      LayoutOf(ReadPage(known_shape ? page : other, PageFormat::kText, {}, {}, labels, metadata));
  for (auto _ : state) {
    Page read = ReadPage(page, PageFormat::kText, layout, {}, labels, metadata);
    benchmark::DoNotOptimize(read);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * page.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 1000));
  state.counters["layout_bytes_per_series"] =
      static_cast<double>(layout.memory_bytes()) / static_cast<double>(layout.lines());
}

void BM_ReadKnownPage(benchmark::State& state) { ReadPages(state, true); }
void BM_ReadChangedPage(benchmark::State& state) { ReadPages(state, false); }
BENCHMARK(BM_ReadKnownPage);
BENCHMARK(BM_ReadChangedPage);

void BM_ReadNewPage(benchmark::State& state) {
  const std::string page = MakePage();
  const ScrapeConfig config;
  const Labels target{{"instance", "host:9100"}, {"job", "node"}};
  FamilyPool pool;
  SampleLabels labels(config, target);
  for (auto _ : state) {
    MetadataCache metadata(pool);
    Page read = ReadPage(page, PageFormat::kText, {}, {}, labels, metadata);
    benchmark::DoNotOptimize(read);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * page.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 1000));
}
BENCHMARK(BM_ReadNewPage);

}  // namespace
}  // namespace tocsin::ingest
