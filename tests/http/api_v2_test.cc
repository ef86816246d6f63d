// Alertmanager's API, as amtool and senders use it.
#include <gtest/gtest.h>

#include "tests/http/api_fixture.h"

namespace tocsin::http {
namespace {

constexpr std::string_view kConfig = R"(
route: {receiver: team, labels: {owner: ops}, group_by: [alertname], group_wait: 1s}
receivers:
- name: team
  labels: {tier: gold}
- name: other
)";

struct Site : ApiServer {
  Site() : ApiServer(Database::kNone) { StartAlertmanager(std::string(kConfig)); }
  Response PostJson(const std::string& target, const std::string& body) {
    return Post(target, "application/json", body);
  }
};

constexpr const char* kAlert =
    R"([{"labels":{"alertname":"Down","job":"a"},"annotations":{"summary":"x"},)"
    R"("startsAt":"2023-11-14T22:13:00Z","generatorURL":"http://p/graph"}])";

TEST(ApiV2, AlertsComeBack) {
  Site site;
  const Response posted = site.PostJson("/api/v2/alerts", kAlert);
  EXPECT_EQ(posted.status, 200) << posted.body;
  EXPECT_EQ(posted.body, "");
  site.clock.Advance(Duration{2000});
  const std::string body = site.Body("/api/v2/alerts");
  EXPECT_EQ(body,
            R"([{"annotations":{"summary":"x"},"endsAt":"2023-11-14T22:18:20.000Z",)"
            R"("fingerprint":"2a7335904af79d6c","receivers":[{"name":"team"}],)"
            R"("startsAt":"2023-11-14T22:13:00.000Z","status":{"inhibitedBy":[],"mutedBy":[],)"
            R"("silencedBy":[],"state":"active"},"updatedAt":"2023-11-14T22:13:20.000Z",)"
            R"("generatorURL":"http://p/graph","labels":{"alertname":"Down","job":"a"}}])");
  EXPECT_EQ(site.Body("/alertmanager/api/v2/alerts"), body);
  EXPECT_EQ(site.Body("/api/v2/alerts?filter=job%3D%22b%22"), "[]");
  EXPECT_EQ(site.Body("/api/v2/alerts?filter=job%3D~%22a%7Cb%22&filter=alertname=Down"), body);
  EXPECT_EQ(site.Body("/api/v2/alerts?active=false"), "[]");
  EXPECT_EQ(site.Body("/api/v2/alerts?receiver=team"), body);
  EXPECT_EQ(site.Body("/api/v2/alerts?receiver=tea"), "[]");
  EXPECT_EQ(site.Body("/api/v2/alerts?receiver_matchers=tier=gold"), body);
  EXPECT_EQ(site.Body("/api/v2/alerts?receiver_matchers=tier=silver"), "[]");
  EXPECT_EQ(site.Body("/api/v2/alerts/groups?receiver_matchers=tier=silver"), "[]");
  const std::string groups = site.Body("/api/v2/alerts/groups");
  EXPECT_TRUE(groups.starts_with(R"([{"alerts":[{"annotations":)")) << groups;
  EXPECT_TRUE(groups.ends_with(
      R"("labels":{"alertname":"Down"},"receiver":{"name":"team"},"routeLabels":{"owner":"ops"}}])"))
      << groups;
  EXPECT_EQ(site.Get("/api/v2/alerts?filter=%3D%3D").status, 400);
  EXPECT_EQ(site.Get("/api/v2/alerts?receiver=(").status, 400);
}

TEST(ApiV2, ZeroTimesOfGoProgramsAreNone) {
  Site site;
  EXPECT_EQ(site.PostJson("/api/v2/alerts",
                          R"([{"labels":{"alertname":"a"},"startsAt":"0001-01-01T00:00:00.000Z",)"
                          R"("endsAt":"0001-01-01T00:00:00Z"}])")
                .status,
            200);
  const std::string body = site.Body("/api/v2/alerts");
  EXPECT_NE(body.find(R"("startsAt":"2023-11-14T22:13:20.000Z")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("endsAt":"2023-11-14T22:18:20.000Z")"), std::string::npos) << body;
}

TEST(ApiV2, BadAlerts) {
  Site site;
  const auto post = [&](const std::string& body) { return site.PostJson("/api/v2/alerts", body); };
  EXPECT_EQ(post("[").status, 400);
  EXPECT_EQ(post("{}").status, 400);
  EXPECT_EQ(post("[1]").status, 400);
  EXPECT_EQ(post(R"([{"labels":{"a":1}}])").status, 400);
  EXPECT_EQ(post(R"([{"labels":{"a":"b"},"startsAt":"x"}])").status, 400);
  const Response missing = post(R"([{"annotations":{}}])");
  EXPECT_EQ(missing.status, 422);
  EXPECT_EQ(missing.body, "{\"code\":602,\"message\":\"0.labels in body is required\"}\n");
  EXPECT_EQ(post("").body, "{\"code\":602,\"message\":\"alerts in body is required\"}\n");
  EXPECT_EQ(post(R"([{"labels":{"a":"b"},"generatorURL":"no url"}])").status, 422);
  EXPECT_EQ(post(R"([{"labels":{"a":"b"},"startsAt":"","endsAt":""}])").status, 200);
  // Valid ones of the batch are taken all the same.
  EXPECT_EQ(post(R"([{"labels":{}},{"labels":{"alertname":"ok"}}])").status, 400);
  EXPECT_NE(site.Body("/api/v2/alerts").find(R"("alertname":"ok")"), std::string::npos);
}

constexpr const char* kSilence =
    R"({"matchers":[{"name":"job","value":"a","isRegex":false}],"startsAt":)"
    R"("2023-11-14T22:00:00Z","endsAt":"2023-11-14T23:00:00Z","createdBy":"me","comment":"why"})";

TEST(ApiV2, SilenceLifeCycle) {
  Site site;
  const Response posted = site.PostJson("/api/v2/silences", kSilence);
  ASSERT_EQ(posted.status, 200) << posted.body;
  constexpr std::string_view kStart = "{\"silenceID\":\"";
  ASSERT_TRUE(posted.body.starts_with(kStart)) << posted.body;
  const std::string id = posted.body.substr(kStart.size(), 36);
  const std::string one = site.Body("/api/v2/silence/" + id);
  EXPECT_EQ(one, R"({"id":")" + id +
                     R"(","status":{"state":"active"},"updatedAt":"2023-11-14T22:13:20.000Z",)"
                     R"("annotations":{},"comment":"why","createdBy":"me",)"
                     R"("endsAt":"2023-11-14T23:00:00.000Z","matchers":[{"isEqual":true,)"
                     R"("isRegex":false,"name":"job","value":"a"}],)"
                     R"("startsAt":"2023-11-14T22:13:20.000Z"})");
  EXPECT_EQ(site.Body("/api/v2/silences"), "[" + one + "]");
  EXPECT_EQ(site.Body("/api/v2/silences?filter=job%3D%22a%22"), "[" + one + "]");
  EXPECT_EQ(site.Body("/api/v2/silences?filter=job%3D~%22a%22"), "[]");
  site.PostJson("/api/v2/alerts", kAlert);
  site.clock.Advance(Duration{2000});
  EXPECT_NE(
      site.Body("/api/v2/alerts").find(R"("silencedBy":[")" + id + R"("],"state":"suppressed")"),
      std::string::npos)
      << site.Body("/api/v2/alerts");
  EXPECT_EQ(site.Body("/api/v2/alerts?silenced=false"), "[]");
  EXPECT_EQ(site.Send(ApiServer::MakeRequest("DELETE", "/api/v2/silence/" + id)).status, 200);
  EXPECT_NE(site.Body("/api/v2/silence/" + id).find(R"("state":"expired")"), std::string::npos);
}

TEST(ApiV2, ErrorsOfTheRouterAreJson) {
  Site site;
  EXPECT_EQ(site.Get("/api/v2/nope").body,
            "{\"code\":404,\"message\":\"path /api/v2/nope was not found\"}\n");
  const Response put = site.Send(ApiServer::MakeRequest("PUT", "/api/v2/silences"));
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.body,
            "{\"code\":405,\"message\":\"method PUT is not allowed, but [GET,POST] are\"}\n");
  EXPECT_EQ(site.Get("/api/v1/nope").body, "404 page not found\n");
}

TEST(ApiV2, BadSilences) {
  Site site;
  const auto post = [&](const std::string& body) {
    return site.PostJson("/api/v2/silences", body).status;
  };
  EXPECT_EQ(post("{"), 400);
  EXPECT_EQ(post("{}"), 422);
  EXPECT_EQ(post(R"({"matchers":[{"name":"a","value":"b"}]})"), 422);
  EXPECT_EQ(post(R"({"matchers":[{"name":"a","value":"(","isRegex":true}]})"), 400);
  EXPECT_EQ(post(R"({"matchers":[],"startsAt":"2023-11-14T22:00:00Z","endsAt":)"
                 R"("2023-11-14T23:00:00Z","createdBy":"me","comment":"why"})"),
            422);
  EXPECT_EQ(site.Get("/api/v2/silence/xyz").status, 422);
  EXPECT_EQ(site.Get("/api/v2/silence/00000000-0000-4000-8000-000000000000").status, 404);
  EXPECT_EQ(site.Send(ApiServer::MakeRequest(
                          "DELETE", "/api/v2/silence/00000000-0000-4000-8000-000000000000"))
                .status,
            404);
}

TEST(ApiV2, StatusAndReceivers) {
  Site site;
  EXPECT_EQ(site.Body("/api/v2/receivers"),
            R"([{"labels":{"name":"team","tier":"gold"},"name":"team"},)"
            R"({"labels":{"name":"other"},"name":"other"}])");
  EXPECT_EQ(site.Body("/api/v2/receivers?receiver_matchers=tier!=gold"),
            R"([{"labels":{"name":"other"},"name":"other"}])");
  const std::string status = site.Body("/api/v2/status");
  EXPECT_TRUE(
      status.starts_with(R"({"cluster":{"peers":[],"status":"disabled"},"config":{"original":")"))
      << status;
  EXPECT_NE(status.find(R"("uptime":"2023-11-14T22:13:19.000Z")"), std::string::npos) << status;
}

TEST(ApiV2, WithoutAnAlertmanager) {
  ApiServer site(ApiServer::Database::kNone);
  EXPECT_EQ(site.Get("/api/v2/alerts").status, 503);
  EXPECT_EQ(site.Get("/api/v2/alerts").body, "\"alerting is not running in this process\"\n");
}

}  // namespace
}  // namespace tocsin::http
