#include "alerting/external_sender.h"

#include <gtest/gtest.h>

#include "tests/alerting/harness.h"

namespace tocsin::alerting {
namespace {

class ExternalSenderTest : public ::testing::Test {
 protected:
  ExternalAlertmanagers Read(const std::string& text) {
    const auto node = ParseYaml(text, "p.yml");
    EXPECT_TRUE(node.ok());
    StrictMap map(*node, "alertmanagers");
    auto element = ReadExternalAlertmanagers(map, "p.yml");
    EXPECT_TRUE(element.ok() && map.Finish().ok());
    return element.ok() ? *element : ExternalAlertmanagers{};
  }
  static Labels Address(const char* address) { return Labels({{"__address__", address}}); }
  static std::vector<Alert> Alerts(size_t n) {
    std::vector<Alert> out;
    for (size_t i = 0; i < n; ++i) {
      Alert a = Harness::Make({{"alertname", "A"}, {"i", std::to_string(i)}});
      a.starts_at = Timestamp{1'700'000'000'123};
      a.ends_at = Timestamp{1'700'000'240'000};
      a.generator_url = "http://g/?a&b";
      out.push_back(std::move(a));
    }
    return out;
  }
  static size_t Count(const HttpRequest& request) {
    size_t n = 0;
    for (size_t at = 0; (at = request.body.find("\"startsAt\"", at)) != std::string::npos; ++at)
      ++n;
    return n;
  }

  testing::ManualScheduler scheduler_;
  testing::InlineExecutor workers_;
  testing::FakeTransport transport_{scheduler_};
  MetricRegistry metrics_;
  ExternalSender sender_{{scheduler_, workers_, transport_, metrics_}};
};

TEST_F(ExternalSenderTest, PostsToTheUrlOfTheTarget) {
  std::vector<ExternalAlertmanagers> elements;
  elements.push_back(Read("{scheme: https, path_prefix: /am}"));
  sender_.Apply(std::move(elements));
  sender_.SetTargets(0, {Address("h:9093")});
  sender_.Send(Alerts(1));
  scheduler_.RunPending();
  ASSERT_EQ(transport_.requests().size(), 1u);
  const HttpRequest& request = transport_.requests()[0];
  EXPECT_EQ(request.url, "https://h:9093/am/api/v2/alerts");
  EXPECT_EQ(request.timeout, Duration{10'000});
  EXPECT_EQ(
      request.body,
      R"([{"labels":{"alertname":"A","i":"0"},"annotations":{},"startsAt":"2023-11-14T22:13:20.123Z","endsAt":"2023-11-14T22:17:20.000Z","generatorURL":"http://g/?a\u0026b"}])");
}

TEST_F(ExternalSenderTest, BatchesAndDropsTheOldest) {
  std::vector<ExternalAlertmanagers> elements;
  elements.push_back(Read("{}"));
  sender_.Apply(std::move(elements));
  sender_.SetTargets(0, {Address("h:1")});
  sender_.Send(Alerts(10'300));
  scheduler_.Advance(Duration{1000});
  size_t sum = 0;
  for (const HttpRequest& request : transport_.requests()) {
    EXPECT_LE(Count(request), 256u);
    sum += Count(request);
  }
  EXPECT_EQ(sum, 10'000u);
  EXPECT_NE(transport_.requests()[0].body.find("\"i\":\"300\""), std::string::npos);
}

TEST_F(ExternalSenderTest, OneThatHangsDelaysNoOther) {
  transport_.SetAnswer([](const HttpRequest& request) {
    testing::FakeAnswer answer;
    answer.never = request.url.find("hangs") != std::string::npos;
    return answer;
  });
  std::vector<ExternalAlertmanagers> elements;
  elements.push_back(Read("{timeout: 5s}"));
  sender_.Apply(std::move(elements));
  sender_.SetTargets(0, {Address("hangs:1"), Address("good:1")});
  for (int k = 0; k < 3; ++k) {
    sender_.Send(Alerts(1));
    scheduler_.Advance(Duration{100});
  }
  size_t good = 0;
  for (const HttpRequest& request : transport_.requests()) good += request.url[7] == 'g';
  EXPECT_EQ(good, 3u);
  scheduler_.Advance(Duration{5000});  // what waited goes in one batch
  EXPECT_EQ(transport_.requests().size(), 5u);
  EXPECT_EQ(Count(transport_.requests().back()), 2u);
}

TEST_F(ExternalSenderTest, Relabelling) {
  std::vector<ExternalAlertmanagers> elements;
  elements.push_back(Read(R"(
relabel_configs: [{source_labels: [__address__], regex: 'bad.*', action: drop}]
alert_relabel_configs: [{regex: i, action: labeldrop}]
)"));
  sender_.Apply(std::move(elements));
  sender_.SetTargets(0, {Address("bad:1"), Address("good:1")});
  EXPECT_EQ(sender_.targets().active, std::vector<std::string>{"http://good:1/api/v2/alerts"});
  EXPECT_EQ(sender_.targets().dropped, std::vector<std::string>{"http://bad:1/api/v2/alerts"});
  sender_.Send(Alerts(1));
  scheduler_.RunPending();
  ASSERT_EQ(transport_.requests().size(), 1u);
  EXPECT_EQ(transport_.requests()[0].body.find("\"i\""), std::string::npos);
}

TEST_F(ExternalSenderTest, OldApiVersionIsRefused) {
  const auto node = ParseYaml("api_version: v1\n", "p.yml");
  StrictMap map(*node, "alertmanagers");
  (void)ReadExternalAlertmanagers(map, "p.yml");
  const Status status = map.Finish();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(),
            "p.yml:1:14: expected Alertmanager api version to be one of [v2] but got v1");
}

}  // namespace
}  // namespace tocsin::alerting
