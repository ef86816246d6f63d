// The whole program in this process: real threads, real sockets on 127.0.0.1.
#include "tools/tocsin/app.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace tocsin {
namespace {

// One request, one answer, as text.
std::string Fetch(const std::string& address, const std::string& method, const std::string& path) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) {
    const std::string request = method + " " + path +
                                " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                                "Connection: close\r\n\r\n";
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      char buffer[4096];
      for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;)
        answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

bool Contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct AppTest : ::testing::Test {
  testing::TempDir dir;
  Flags flags;
  std::unique_ptr<App> app;
  std::thread runner;

  void SetUp() override {
    Write("prometheus.yml", "global: {scrape_interval: 7s}\n");
    flags.config_file = dir / "prometheus.yml";
    flags.storage_path = dir / "data";
    flags.listen_addresses = {"127.0.0.1:0"};
    flags.enable_lifecycle = true;
  }
  void TearDown() override { Stop(); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir / name) << text;
  }
  Status Start() {
    TOCSIN_ASSIGN(const SiteConfig config, LoadSiteConfig(App::SourcesOf(flags), RealFileSystem()));
    TOCSIN_ASSIGN(app, App::Start(flags, config, /*handle_signals=*/false));
    runner = std::thread([this] { EXPECT_TRUE(app->Run().ok()); });
    return OkStatus();
  }
  void Stop() {
    if (app != nullptr) app->RequestStop();
    if (runner.joinable()) runner.join();
    app.reset();
  }
  std::string Get(const std::string& path) { return Fetch(app->addresses().at(0), "GET", path); }
  std::string Post(const std::string& path) { return Fetch(app->addresses().at(0), "POST", path); }
};

TEST_F(AppTest, ServesReloadsAndStops) {
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Contains(Get("/-/ready"), "200 OK"));
  EXPECT_TRUE(Contains(Get("/api/v1/query?query=1%2B1"), "\"2\""));
  EXPECT_TRUE(Contains(Get("/api/v1/status/config"), "scrape_interval: 7s"));
  EXPECT_TRUE(Contains(Get("/metrics"), "prometheus_ready 1"));

  Write("prometheus.yml", "global: {scrape_interval: 8s}\nnonsense: 1\n");
  EXPECT_TRUE(Contains(Post("/-/reload"), "500 "));
  EXPECT_TRUE(Contains(Get("/api/v1/status/config"), "scrape_interval: 7s"));
  EXPECT_TRUE(Contains(Get("/metrics"), "prometheus_config_last_reload_successful 0"));
  Write("prometheus.yml", "global: {scrape_interval: 8s}\n");
  EXPECT_TRUE(Contains(Post("/-/reload"), "200 OK"));
  EXPECT_TRUE(Contains(Get("/api/v1/status/config"), "scrape_interval: 8s"));

  EXPECT_TRUE(Contains(Post("/-/quit"), "200 OK"));
  runner.join();
}

TEST_F(AppTest, StartsAgainOnItsData) {
  ASSERT_TRUE(Start().ok());
  Stop();
  EXPECT_TRUE(Start().ok());
}

TEST_F(AppTest, ATakenPortIsNamedAndNothingIsLeft) {
  ASSERT_TRUE(Start().ok());
  const std::string address = app->addresses().at(0);
  Flags second = flags;
  second.listen_addresses = {address};
  second.storage_path = dir / "other";
  const auto started = App::Start(second, SiteConfig{}, false);
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(Contains(started.error().message(), address)) << started.error().message();
  EXPECT_FALSE(std::filesystem::exists(second.storage_path));
}

TEST_F(AppTest, ALockedFolderIsRefused) {
  ASSERT_TRUE(Start().ok());
  const auto started = App::Start(flags, SiteConfig{}, false);
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(Contains(started.error().message(), flags.storage_path));
  EXPECT_TRUE(Contains(Get("/-/ready"), "200 OK"));
}

TEST_F(AppTest, AMereRouterTakesAlertsAndAnswersNoQueries) {
  Write("am.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n");
  flags.config_file.clear();
  flags.alertmanager_config_file = dir / "am.yml";
  ASSERT_TRUE(Start().ok());
  EXPECT_TRUE(Contains(Get("/-/ready"), "200 OK"));
  EXPECT_TRUE(Contains(Get("/api/v2/receivers"), "none"));
  EXPECT_TRUE(Contains(Get("/api/v1/query?query=1"), "\"error\""));
}

}  // namespace
}  // namespace tocsin
