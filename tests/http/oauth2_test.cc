#include "http/oauth2.h"

#include <gtest/gtest.h>

#include <fstream>

#include "storage/base/crypto.h"
#include "storage/config/transport_config.h"
#include "tests/support/fake_transport.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin::http {
namespace {

using testing::FakeAnswer;

constexpr char kTokenUrl[] = "https://login.example/token";

std::string HeaderOf(const HttpRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return "";
}

class Oauth2Test : public ::testing::Test {
 protected:
  Oauth2Test() {
    oauth2.client_id = "id:1";
    oauth2.client_secret = Secret("s&cret");
    oauth2.token_url = kTokenUrl;
    inner.SetAnswer([this](const HttpRequest& request) { return Answer(request); });
  }

  FakeAnswer Answer(const HttpRequest& request) {
    if (request.url != kTokenUrl) return {.status = resource_status, .body = "page"};
    ++tokens;
    if (only_body && !HeaderOf(request, "Authorization").empty()) return {.status = 401};
    if (token_answer) return *token_answer;
    return {.body = R"({"access_token":"t)" + std::to_string(tokens) +
                    R"(","token_type":"bearer","expires_in":60})"};
  }

  struct Outcome {
    std::optional<Result<HttpResponse>> response;
    std::unique_ptr<Exchange> exchange;
  };
  std::shared_ptr<Outcome> Ask() {
    auto config = std::make_shared<TransportConfig>();
    config->oauth2 = oauth2;
    HttpRequest request{.url = "http://target/metrics"};
    request.config = std::move(config);
    auto outcome = std::make_shared<Outcome>();
    outcome->exchange = Fetch(transport, std::move(request),
                              [outcome](Result<HttpResponse> response, TransportPhase) {
                                outcome->response = std::move(response);
                              });
    return outcome;
  }
  std::shared_ptr<Outcome> AskAndWait() {
    auto outcome = Ask();
    clock.Advance(Duration{100});
    return outcome;
  }
  std::string LastAuthorization() { return HeaderOf(inner.requests().back(), "Authorization"); }

  testing::ManualScheduler clock;
  testing::FakeTransport inner{clock};
  TransportConfig::Oauth2 oauth2;
  Oauth2Transport transport{inner, clock, clock, RealFileSystem()};
  std::optional<FakeAnswer> token_answer;
  int resource_status = 200;
  int tokens = 0;
  bool only_body = false;
};

TEST_F(Oauth2Test, FetchesOneTokenForAllUntilItExpires) {
  oauth2.scopes = {"read", "write all"};
  oauth2.endpoint_params = {{"audience", "a/b"}};
  const auto first = Ask(), second = Ask();
  clock.Advance(Duration{100});
  ASSERT_TRUE(first->response && second->response);
  EXPECT_EQ((*first->response)->body, "page");
  EXPECT_EQ((*second->response)->body, "page");
  EXPECT_EQ(tokens, 1);
  const HttpRequest& fetch = inner.requests()[0];
  EXPECT_EQ(fetch.method, "POST");
  EXPECT_EQ(fetch.body, "grant_type=client_credentials&scope=read+write+all&audience=a%2Fb");
  EXPECT_EQ(HeaderOf(fetch, "Authorization"), "Basic " + Base64("id%3A1:s%26cret"));
  EXPECT_EQ(LastAuthorization(), "Bearer t1");
  clock.Advance(Duration{45'000});
  AskAndWait();
  EXPECT_EQ(tokens, 1);
  // Ten seconds before its end it is not used any more.
  clock.Advance(Duration{6'000});
  AskAndWait();
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(LastAuthorization(), "Bearer t2");
}

TEST_F(Oauth2Test, SendsTheSecretInTheBodyToServersThatWantItThere) {
  only_body = true;
  EXPECT_TRUE((*AskAndWait()->response).ok());
  EXPECT_EQ(tokens, 2);
  EXPECT_EQ(inner.requests()[1].body,
            "grant_type=client_credentials&client_id=id%3A1&client_secret=s%26cret");
  clock.Advance(Duration{60'000});
  AskAndWait();
  EXPECT_EQ(tokens, 3);  // it is remembered
}

TEST_F(Oauth2Test, AFailureNamesItselfAndShowsNoSecret) {
  const std::pair<FakeAnswer, const char*> cases[] = {
      {{.status = 403, .body = "s&cret"}, "the server answered with HTTP status 403"},
      {{.body = "s&cret"}, "the answer is not JSON"},
      {{.body = R"({"error":"x"})"}, "the answer has no access_token"},
      {{.body = R"({"access_token":"a\r\nX: y"})"}, "the access_token is not one line"},
      {{.error = Error(ErrorCode::kUnavailable, "connection refused")}, "connection refused"},
  };
  for (const auto& [answer, message] : cases) {
    token_answer = answer;
    const auto outcome = AskAndWait();
    ASSERT_TRUE(outcome->response) << message;
    ASSERT_FALSE(outcome->response->ok());
    EXPECT_EQ(outcome->response->error().message(),
              std::string("oauth2: cannot fetch token: ") + message);
  }
  // The next exchange tries again.
  token_answer.reset();
  EXPECT_TRUE(AskAndWait()->response->ok());
}

TEST_F(Oauth2Test, ARefusedTokenIsFetchedAnew) {
  AskAndWait();
  resource_status = 401;
  EXPECT_EQ((*AskAndWait()->response)->status, 401);
  EXPECT_EQ(tokens, 1);
  resource_status = 200;
  AskAndWait();
  EXPECT_EQ(LastAuthorization(), "Bearer t2");
}

TEST_F(Oauth2Test, ReadsTheSecretFileAtEachFetch) {
  testing::TempDir dir;
  oauth2.client_secret = Secret();
  oauth2.client_secret_file = dir.path() + "/secret";
  auto outcome = AskAndWait();
  ASSERT_TRUE(outcome->response && !outcome->response->ok());
  EXPECT_NE(outcome->response->error().message().find("unable to read client_secret_file"),
            std::string::npos);
  std::ofstream(oauth2.client_secret_file) << "new\n";
  outcome = AskAndWait();
  ASSERT_TRUE(outcome->response && outcome->response->ok());
  EXPECT_EQ(HeaderOf(inner.requests()[0], "Authorization"), "Basic " + Base64("id%3A1:new"));
}

TEST_F(Oauth2Test, ADroppedExchangeCallsNobody) {
  auto dropped = Ask();
  auto kept = Ask();
  dropped->exchange.reset();
  clock.Advance(Duration{100});
  EXPECT_FALSE(dropped->response);
  EXPECT_TRUE(kept->response);
  EXPECT_EQ(inner.requests().size(), 2u);  // the token, the other one's page
}

TEST_F(Oauth2Test, ATokenWithoutAnEndIsKept) {
  token_answer = FakeAnswer{.body = R"({"access_token":"x","token_type":"Custom"})"};
  AskAndWait();
  clock.Advance(Duration{86'400'000});
  AskAndWait();
  EXPECT_EQ(tokens, 1);
  EXPECT_EQ(LastAuthorization(), "Custom x");
}

}  // namespace
}  // namespace tocsin::http
