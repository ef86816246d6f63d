// global and scrape_configs: defaults, inheritance, and the text of every refusal.
#include "ingest/scrape_config.h"

#include <gtest/gtest.h>

namespace tocsin::ingest {
namespace {

struct Parsed {
  std::string error;  // "" when it loaded
  GlobalConfig global;
  std::vector<ScrapeConfig> jobs;
  ConfigWarnings warnings;
};

Parsed Parse(std::string_view text) {
  Parsed out;
  auto root = ParseYaml(text, "/etc/p.yml");
  if (!root.ok()) {
    out.error = root.error().message();
    return out;
  }
  const YamlNode none;
  const YamlNode* node = root->Find("global");
  auto global = ParseGlobalConfig(node != nullptr ? *node : none, out.warnings);
  if (!global.ok()) {
    out.error = global.error().message();
    return out;
  }
  out.global = *global;
  node = root->Find("scrape_configs");
  auto jobs = ParseScrapeConfigs(node != nullptr ? *node : none, out.global, out.warnings);
  if (!jobs.ok()) {
    out.error = jobs.error().message();
  } else {
    out.jobs = *std::move(jobs);
  }
  return out;
}

std::string ErrorOf(std::string_view text) { return Parse(text).error; }
std::string JobError(const std::string& keys) {
  return ErrorOf("scrape_configs:\n- job_name: j\n  " + keys + "\n");
}

TEST(ScrapeConfig, DefaultsAreThoseOfPrometheus) {
  const Parsed parsed = Parse("scrape_configs: [{job_name: j}]");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.global.scrape_interval, Duration{60'000});
  EXPECT_EQ(parsed.global.scrape_timeout, Duration{10'000});
  const ScrapeConfig& job = parsed.jobs.at(0);
  EXPECT_EQ(job.scrape_interval, Duration{60'000});
  EXPECT_EQ(job.scrape_timeout, Duration{10'000});
  EXPECT_EQ(job.metrics_path, "/metrics");
  EXPECT_EQ(job.scheme, "http");
  EXPECT_TRUE(job.honor_timestamps);
  EXPECT_FALSE(job.honor_labels);
  EXPECT_TRUE(job.enable_compression);
  EXPECT_EQ(job.escaping_scheme, "allow-utf-8");
  EXPECT_TRUE(parsed.warnings.empty());
}

TEST(ScrapeConfig, AnEmptyFileIsFine) { EXPECT_EQ(ErrorOf(""), ""); }

TEST(ScrapeConfig, TimeoutsAreClippedToTheInterval) {
  const Parsed parsed = Parse(
      "global: {scrape_interval: 5s}\n"
      "scrape_configs:\n"
      "- {job_name: a}\n"
      "- {job_name: b, scrape_interval: 1s}\n"
      "- {job_name: c, scrape_interval: 1m, scrape_timeout: 30s}\n");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.global.scrape_timeout, Duration{5'000});
  EXPECT_EQ(parsed.jobs[0].scrape_timeout, Duration{5'000});
  EXPECT_EQ(parsed.jobs[1].scrape_timeout, Duration{1'000});
  EXPECT_EQ(parsed.jobs[2].scrape_timeout, Duration{30'000});
}

TEST(ScrapeConfig, JobsInheritLimits) {
  const Parsed parsed = Parse(
      "global: {sample_limit: 5, body_size_limit: 1KB, metric_name_validation_scheme: legacy,\n"
      "         scrape_protocols: [PrometheusText0.0.4], extra_scrape_metrics: true}\n"
      "scrape_configs: [{job_name: a}, {job_name: b, sample_limit: 7}]\n");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.jobs[0].sample_limit, 5u);
  EXPECT_EQ(parsed.jobs[1].sample_limit, 7u);
  EXPECT_EQ(parsed.jobs[1].body_size_limit, 1024u);
  EXPECT_TRUE(parsed.jobs[1].legacy_names);
  EXPECT_EQ(parsed.jobs[1].escaping_scheme, "underscores");
  EXPECT_EQ(parsed.jobs[1].scrape_protocols, std::vector<std::string>{"PrometheusText0.0.4"});
  EXPECT_TRUE(parsed.jobs[1].extra_scrape_metrics);
}

TEST(ScrapeConfig, RefusesWithPlaceAndReason) {
  EXPECT_EQ(ErrorOf("global: {scrape_interval: 1s, scrape_timeout: 2s}"),
            "/etc/p.yml:1:47: global scrape timeout greater than scrape interval");
  EXPECT_EQ(ErrorOf("global: {scrape_protocols: []}"),
            "/etc/p.yml:1:28: scrape_protocols cannot be empty");
  EXPECT_EQ(ErrorOf("global: {scrape_protocols: [x]}"),
            "/etc/p.yml:1:28: unknown scrape protocol x, supported: [OpenMetricsText0.0.1 "
            "OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]");
  EXPECT_EQ(ErrorOf("scrape_configs: [{metrics_path: /x}]"), "/etc/p.yml:1:18: job_name is empty");
  EXPECT_EQ(ErrorOf("scrape_configs: [{job_name: a}, {job_name: a}]"),
            "/etc/p.yml:1:33: found multiple scrape configs with job name \"a\"");
  EXPECT_EQ(JobError("scrape_timeout: 2m"),
            "/etc/p.yml:3:19: scrape timeout greater than scrape interval for scrape config with "
            "job name \"j\"");
  EXPECT_EQ(JobError("relabel_configs: [null]"),
            "/etc/p.yml:3:20: empty or null target relabeling rule in scrape config");
  EXPECT_EQ(JobError("scheme: ftp"),
            "/etc/p.yml:3:11: unsupported scheme \"ftp\", expected http or https");
  EXPECT_EQ(JobError("static_configs: [{targets: ['http://x']}]"),
            "/etc/p.yml:2:3: \"http://x\" is not a valid hostname: write host:port, the scheme "
            "goes into `scheme`");
  EXPECT_EQ(JobError("static_configs: [{targets: [a], labels: {'': x}}]"),
            "/etc/p.yml:3:43: \"\" is not a valid label name");
  EXPECT_EQ(JobError("file_sd_configs: [{files: []}]"),
            "/etc/p.yml:3:29: file service discovery config must contain at least one path name");
  EXPECT_EQ(JobError("file_sd_configs: [{files: ['a/*/b.json']}]"),
            "/etc/p.yml:3:29: path name \"a/*/b.json\" is not valid for file discovery");
  EXPECT_EQ(JobError("http_sd_configs: [{}]"), "/etc/p.yml:3:21: URL is missing");
  EXPECT_EQ(JobError("http_sd_configs: [{url: 'ftp://x'}]"),
            "/etc/p.yml:3:27: URL scheme must be 'http' or 'https'");
  EXPECT_EQ(JobError("http_sd_configs: [{url: 'http:///x'}]"),
            "/etc/p.yml:3:27: host is missing in URL");
  EXPECT_NE(JobError("scrape_intervall: 1s").find("scrape_interval"), std::string::npos);
  EXPECT_NE(JobError("static_configs: [{target: [a]}]").find("targets"), std::string::npos);
}

TEST(ScrapeConfig, WhatIsNotAvailableIsNamed) {
  const Parsed parsed = Parse(
      "scrape_configs:\n"
      "- job_name: k\n"
      "  kubernetes_sd_configs: [{role: pod}]\n"
      "  scrape_native_histograms: true\n"
      "  scrape_protocols: [PrometheusProto, PrometheusText0.0.4]\n");
  ASSERT_EQ(parsed.error, "");
  ASSERT_EQ(parsed.warnings.size(), 3u);
  EXPECT_NE(parsed.warnings[0].find("PrometheusProto"), std::string::npos);
  EXPECT_NE(parsed.warnings[1].find("scrape_native_histograms"), std::string::npos);
  EXPECT_NE(parsed.warnings[2].find("kubernetes_sd_configs is not available yet"),
            std::string::npos);
  EXPECT_TRUE(parsed.jobs[0].discovery.static_configs.empty());
  EXPECT_EQ(parsed.jobs[0].scrape_protocols, std::vector<std::string>{"PrometheusText0.0.4"});
}

TEST(ScrapeConfig, PathsAreSeenFromTheFile) {
  const Parsed parsed =
      Parse("scrape_configs: [{job_name: j, file_sd_configs: [{files: ['t/*.json']}]}]");
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.jobs[0].discovery.file_sd_configs[0].files,
            std::vector<std::string>{"/etc/t/*.json"});
}

TEST(ScrapeConfig, AStaticTargetMayHoldAUrlWhenRulesRewriteIt) {
  EXPECT_EQ(JobError("static_configs: [{targets: ['http://x']}]\n"
                     "  relabel_configs: [{target_label: __address__, replacement: b}]"),
            "");
}

}  // namespace
}  // namespace tocsin::ingest
