// The real server and the real client over loopback sockets.
#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "http/client.h"
#include "http/router.h"
#include "storage/base/compression.h"
#include "storage/base/thread_pool.h"
#include "tests/support/manual_scheduler.h"

namespace tocsin::http {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  void Serve(Handler handler, ServerOptions options = {}) {
    options.listen_addresses = {"127.0.0.1:0"};
    auto server = Server::Start(loop_, options, std::move(handler), metrics_);
    ASSERT_TRUE(server.ok()) << server.error().message();
    server_ = *std::move(server);
    address_ = server_->addresses().front();
    thread_ = std::thread([this] { loop_.Run(); });
  }

  ~ServerTest() override {
    server_.reset();
    client_.reset();
    loop_.Stop();
    if (thread_.joinable()) thread_.join();
  }

  struct Outcome {
    Result<HttpResponse> response = Internal("no answer");
    TransportPhase phase = TransportPhase::kDns;
  };
  Outcome Get(HttpRequest request) {
    if (request.url.starts_with("/")) request.url = "http://" + address_ + request.url;
    // Shared: set_value may still be at work when the future is already there.
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto exchange = Fetch(*client_, std::move(request),
                          [promise](Result<HttpResponse> response, TransportPhase phase) {
                            promise->set_value({std::move(response), phase});
                          });
    return promise->get_future().get();
  }

  // Sends raw bytes and returns all that comes until the server closes.
  std::string Raw(const std::string& bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address_.substr(address_.find(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, n);
    close(fd);
    return answer;
  }

  EventLoop loop_;
  MetricRegistry metrics_;
  std::unique_ptr<Client> client_ = Client::Create(loop_, RealFileSystem());
  std::unique_ptr<Server> server_;
  std::string address_;
  std::thread thread_;
};

void Echo(const std::shared_ptr<const Request>& request, const Responder& respond) {
  Response response;
  response.body = request->method + " " + request->path + " " + request->body;
  for (const auto& [name, value] : request->params) response.body += " " + name + "=" + value;
  respond(std::move(response));
}

TEST_F(ServerTest, AnswersAndDecodes) {
  Serve(Echo);
  auto got = Get({.url = "/a%20b/c%2Fd?x=1+2&x=%26"});
  ASSERT_TRUE(got.response.ok()) << got.response.error().message();
  EXPECT_EQ(got.response->status, 200);
  EXPECT_EQ(got.response->body, "GET /a b/c%2Fd  x=1 2 x=&");

  HttpRequest post{.method = "POST", .url = "/q?b=2"};
  post.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  post.body = "a=1";
  EXPECT_EQ(Get(post).response->body, "POST /q a=1 a=1 b=2");
}

TEST_F(ServerTest, ManyRequestsOverKeptConnections) {
  Serve(Echo);
  for (int i = 0; i < 200; ++i) {
    auto got = Get({.url = "/n" + std::to_string(i)});
    ASSERT_TRUE(got.response.ok());
    EXPECT_EQ(got.response->body, "GET /n" + std::to_string(i) + " ");
  }
  EXPECT_NE(metrics_.Serialize().find("tocsin_http_connections 1\n"), std::string::npos);
}

TEST_F(ServerTest, AnswersFromAnotherThreadLater) {
  ThreadPool pool("test", 1);
  Serve([&](std::shared_ptr<const Request> request, Responder respond) {
    pool.Post([request, respond] { Echo(request, respond); });
  });
  EXPECT_EQ(Get({.url = "/x"}).response->body, "GET /x ");
}

TEST_F(ServerTest, RefusesWhatIsTooLargeOrMalformed) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  options.max_header_bytes = 2000;
  Serve(Echo, options);
  HttpRequest big{.method = "POST", .url = "/"};
  big.body = std::string(1001, 'x');
  EXPECT_EQ(Get(big).response->status, 413);
  EXPECT_NE(Raw("GET / HTTP/1.1\r\nA: " + std::string(3000, 'x') + "\r\n\r\n").find(" 431 "),
            std::string::npos);
  EXPECT_NE(Raw("nonsense\r\n\r\n").find(" 400 "), std::string::npos);
}

TEST_F(ServerTest, TellsTheHandlerThatTheClientHasGone) {
  std::promise<void> gone;
  std::thread worker;
  Serve([&](std::shared_ptr<const Request> request, Responder respond) {
    worker = std::thread([request = std::move(request), respond = std::move(respond), &gone] {
      for (int i = 0; i < 2000 && !request->canceled->load(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      if (request->canceled->load()) gone.set_value();
      respond({});
    });
  });
  HttpRequest request{.url = "/"};
  request.timeout = Duration{50};
  auto got = Get(request);
  ASSERT_FALSE(got.response.ok());
  EXPECT_EQ(got.response.error().code(), ErrorCode::kTimeout);
  EXPECT_NE(got.response.error().message().find("context deadline exceeded"), std::string::npos);
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(3)), std::future_status::ready);
  worker.join();  // a responder may not outlive the loop
}

TEST_F(ServerTest, ClientBoundsTheBodyAndNamesTheFailure) {
  Serve([](std::shared_ptr<const Request>, Responder respond) {
    respond({.body = std::string(100'000, 'x')});
  });
  HttpRequest request{.url = "/"};
  request.max_response_bytes = 50'000;
  EXPECT_EQ(Get(request).response.error().code(), ErrorCode::kLimit);

  HttpRequest refused{.url = "http://127.0.0.1:1/secret?token=x"};
  auto got = Get(refused);
  ASSERT_FALSE(got.response.ok());
  EXPECT_EQ(got.phase, TransportPhase::kConnect);
  EXPECT_EQ(got.response.error().message(),
            "Get \"http://127.0.0.1:1/secret\": connect: connection refused");
}

TEST_F(ServerTest, ClientDropsAnExchange) {
  Serve([](std::shared_ptr<const Request>, Responder) {});
  std::atomic<bool> called{false};
  auto exchange = Fetch(*client_, {.url = "http://" + address_ + "/"},
                        [&](Result<HttpResponse>, TransportPhase) { called = true; });
  exchange.reset();
  std::promise<void> later;
  Timer timer = loop_.After(Duration{50}, [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(called);
}

TEST(Server, NamesTheAddressItCannotTake) {
  EventLoop loop;
  MetricRegistry metrics;
  for (const char* address : {"nohost:1x", "1.2.3.4.5:9090", "9090", "127.0.0.1:99999"}) {
    ServerOptions options;
    options.listen_addresses = {address};
    auto server = Server::Start(loop, options, Echo, metrics);
    ASSERT_FALSE(server.ok()) << address;
    EXPECT_NE(server.error().message().find(address), std::string::npos);
  }
}

TEST(Router, MatchesCountsAndRefuses) {
  MetricRegistry metrics;
  testing::ManualScheduler clock;
  testing::InlineExecutor inline_executor;
  Router router("/pre", inline_executor, metrics, clock);
  router.Add({{{"GET", "POST"},
               "/api/:name/values",
               Pool::kQuery,
               [](const auto&, const PathArgs& args, const Responder& respond) {
                 respond({.body = args[0]});
               }},
              {{"GET"},
               "/files/:rest*",
               Pool::kLoop,
               [](const auto&, const PathArgs& args, const Responder& respond) {
                 respond({.body = args[0] + std::string(2000, 'x')});
               }}});
  auto ask = [&](std::string method, std::string path, HttpHeaders headers = {}) {
    auto request = std::make_shared<Request>();
    request->method = std::move(method);
    request->path = std::move(path);
    request->headers = std::move(headers);
    Response got;
    router.Handle(request, [&](Response response) { got = std::move(response); });
    return got;
  };
  EXPECT_EQ(ask("GET", "/pre/api/a%2Fb/values").body, "a/b");
  EXPECT_EQ(ask("HEAD", "/pre/api/x/values").status, 200);
  EXPECT_EQ(ask("DELETE", "/pre/api/x/values").status, 405);
  EXPECT_EQ(ask("OPTIONS", "/pre/api/x/values").status, 204);
  EXPECT_EQ(ask("GET", "/pre/api/values").status, 404);
  EXPECT_EQ(ask("GET", "/prefix/api/x/values").status, 404);
  EXPECT_EQ(ask("GET", "/").status, 302);
  EXPECT_TRUE(ask("GET", "/pre/files/a/b.js").body.starts_with("a/b.js"));
  const Response packed = ask("GET", "/pre/files/a", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(GzipUncompress(packed.body, 1 << 20)->size(), 2001u);
  EXPECT_NE(metrics.Serialize().find(
                "prometheus_http_requests_total{code=\"405\",handler=\"/unknown\"} 1"),
            std::string::npos);
}

}  // namespace
}  // namespace tocsin::http
