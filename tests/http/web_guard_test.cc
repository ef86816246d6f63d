// TLS and passwords over loopback sockets, as --web.config.file asks for them.
#include "http/web_guard.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

#include "http/client.h"
#include "storage/base/crypto.h"
#include "storage/base/thread_pool.h"
#include "storage/config/transport_config.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/temp_dir.h"

namespace tocsin::http {
namespace {

// bcrypt of "secret" and of "other".
constexpr char kSecret[] = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr char kOther[] = "$2y$04$abcdefghijklmnopqrstuu0HtfOlPbTiymk5tcV.3TsFPDd3SYZqu";
constexpr char kTls[] = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

std::string ReadAll(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class WebGuardTest : public ::testing::Test {
 protected:
  WebGuardTest() {
    for (const char* name : {"server.crt", "server.key"})
      std::ofstream(dir_.path() + "/" + name) << ReadAll(std::string("http/testdata/") + name);
  }
  ~WebGuardTest() override {
    server_.reset();
    client_.reset();
    passwords_.Stop();
    loop_.Stop();
    if (thread_.joinable()) thread_.join();
  }

  std::string Write(const std::string& text) {
    std::ofstream(dir_.path() + "/web.yml") << text;
    return dir_.path() + "/web.yml";
  }
  std::string LoadError(const std::string& text) {
    const auto guard = WebGuard::Load(Write(text), RealFileSystem(), clock_, passwords_);
    return guard.ok() ? "" : guard.error().message();
  }
  void Serve(const std::string& text) {
    auto guard = WebGuard::Load(Write(text), RealFileSystem(), clock_, passwords_);
    ASSERT_TRUE(guard.ok()) << guard.error().message();
    ServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.tls = [guard = *guard] { return guard->Tls(); };
    auto server = Server::Start(
        loop_, options, (*guard)->Protect([](const auto& request, const auto& respond) {
          respond({.body = "hello " + request->path,
                   .headers = {{"x-host", std::string(request->header("host"))}}});
        }),
        metrics_);
    ASSERT_TRUE(server.ok());
    server_ = *std::move(server);
    thread_ = std::thread([this] { loop_.Run(); });
  }

  // The status and body, or the error.
  std::string Get(const std::string& scheme, TransportConfig config = {}) {
    HttpRequest request{.url = scheme + "://" + server_->addresses().front() + "/x"};
    request.config = std::make_shared<const TransportConfig>(std::move(config));
    auto promise = std::make_shared<std::promise<std::string>>();
    const auto exchange =
        Fetch(*client_, std::move(request), [&, promise](const auto& response, TransportPhase) {
          if (response.ok()) last_ = *response;
          promise->set_value(response.ok() ? std::to_string(response->status) + " " + response->body
                                           : response.error().message());
        });
    return promise->get_future().get();
  }
  static TransportConfig As(const std::string& user, const std::string& password) {
    TransportConfig config;
    config.basic_auth = TransportConfig::BasicAuth{.username = user, .password = Secret(password)};
    return config;
  }
  TransportConfig Trusting(TransportConfig config = {}) {
    config.tls.ca_file = dir_.path() + "/server.crt";
    return config;
  }

  testing::TempDir dir_;
  testing::ManualScheduler clock_;
  ThreadPool passwords_{"passwords", 1};
  EventLoop loop_;
  MetricRegistry metrics_;
  std::unique_ptr<Client> client_ = Client::Create(loop_, RealFileSystem());
  std::unique_ptr<Server> server_;
  std::thread thread_;
  HttpResponse last_;
};

TEST_F(WebGuardTest, SpeaksTls) {
  Serve(kTls);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("https", Trusting()), "200 hello /x");
  EXPECT_NE(Get("https").find("certificate"), std::string::npos);  // nobody vouches for it
  EXPECT_EQ(Get("http").find("hello"), std::string::npos);
}

TEST_F(WebGuardTest, IsVerifiedUnderTheNameThatTheClientWasTold) {
  Serve(kTls);
  TransportConfig config = Trusting();
  config.tls.server_name = "localhost";
  EXPECT_EQ(Get("https", config), "200 hello /x");
  EXPECT_EQ(last_.header("x-host"), server_->addresses().front());  // what HTTP asks for stays
  config.tls.server_name = "elsewhere.example";
  EXPECT_NE(Get("https", config).find("SSL peer certificate"), std::string::npos)
      << Get("https", config);
  config.tls.insecure_skip_verify = true;
  EXPECT_EQ(Get("https", config), "200 hello /x");
}

TEST_F(WebGuardTest, AsksForPasswords) {
  Serve(std::string(kTls) + "basic_auth_users: {ada: " + kSecret + ", bob: " + kOther + "}\n");
  EXPECT_EQ(Get("https", Trusting()), "401 Unauthorized\n");
  EXPECT_EQ(last_.header("www-authenticate"), "Basic");
  for (int i = 0; i < 2; ++i) {  // the second time it is remembered
    EXPECT_EQ(Get("https", Trusting(As("ada", "secret"))), "200 hello /x");
    EXPECT_EQ(Get("https", Trusting(As("bob", "other"))), "200 hello /x");
    EXPECT_EQ(Get("https", Trusting(As("ada", "other"))), "401 Unauthorized\n");
    EXPECT_EQ(Get("https", Trusting(As("bob", "secret"))), "401 Unauthorized\n");
    EXPECT_EQ(Get("https", Trusting(As("ada", ""))), "401 Unauthorized\n");
  }
}

TEST_F(WebGuardTest, HeedsAChangedFileAndOutlivesABrokenOne) {
  Serve(std::string("basic_auth_users: {ada: ") + kSecret +
        "}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n");
  EXPECT_EQ(Get("http", As("ada", "secret")), "200 hello /x");
  EXPECT_EQ(last_.header("x-frame-options"), "deny");
  Write(std::string("basic_auth_users: {ada: ") + kOther + "}\n");
  clock_.Advance(Duration{1'000});
  EXPECT_EQ(Get("http", As("ada", "secret")), "401 Unauthorized\n");
  EXPECT_EQ(Get("http", As("ada", "other")), "200 hello /x");
  for (const std::string& broken : {std::string("nope: 1\n"), std::string(kTls)}) {
    Write(broken);
    clock_.Advance(Duration{1'000});
    EXPECT_EQ(Get("http", As("ada", "other")), "200 hello /x");
    EXPECT_EQ(Get("http"), "401 Unauthorized\n");
  }
}

TEST_F(WebGuardTest, WantsAClientCertificateWhenTold) {
  Serve(
      "tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: "
      "RequireAndVerifyClientCert, client_ca_file: server.crt}\n");
  EXPECT_EQ(Get("https", Trusting()).find("hello"), std::string::npos);
  TransportConfig config = Trusting();
  config.tls.cert_file = dir_.path() + "/server.crt";
  config.tls.key_file = dir_.path() + "/server.key";
  EXPECT_EQ(Get("https", config), "200 hello /x");
}

TEST_F(WebGuardTest, RefusesWhatItCannotDo) {
  const std::pair<std::string, const char*> cases[] = {
      {"nope: 1\n", "field nope not found"},
      {"basic_auth_users: {a: plain}\n", "user \"a\": not a bcrypted password"},
      {"tls_server_config: {key_file: server.key}\n", "missing one of cert or cert_file"},
      {"tls_server_config: {cert_file: server.crt, key_file: absent}\n", "absent"},
      {"tls_server_config: {cert_file: server.key, key_file: server.key}\n", "certificate"},
      {"tls_server_config: {cert_file: server.crt, key_file: server.crt}\n", "private key"},
      {"tls_server_config: {cert_file: server.crt, key_file: server.key, cipher_suites: [x]}\n",
       "cipher_suites is not available"},
      {"tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: "
       "server.crt}\n",
       "without a client_auth_type that verifies"},
      {"tls_server_config: {cert_file: server.crt, key_file: server.key, min_version: TLS14}\n",
       "unknown TLS version"},
      {"http_server_config: {headers: {Set-Cookie: x}}\n", "\"Set-Cookie\" can not be configured"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_NE(LoadError(text).find(message), std::string::npos) << text << LoadError(text);
  EXPECT_EQ(LoadError(""), "");
}

TEST(CheckPassword, ComparesBcryptHashes) {
  EXPECT_TRUE(CheckPassword(kSecret, "secret"));
  EXPECT_TRUE(CheckPassword(kOther, "other"));
  EXPECT_FALSE(CheckPassword(kSecret, "other"));
  EXPECT_FALSE(CheckPassword(kSecret, ""));
  EXPECT_FALSE(CheckPassword("$2y$99$" + std::string(53, '.'), "x"));
  EXPECT_FALSE(CheckPassword("*0", "x"));
}

}  // namespace
}  // namespace tocsin::http
