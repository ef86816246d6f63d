// The real server and the real client over loopback sockets.
#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "http/api/api.h"
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

  // A connection that has sent `bytes`.
  int Connect(const std::string& bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    SendOn(fd, bytes);
    return fd;
  }
  void SendOn(int fd, const std::string& bytes) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address_.substr(address_.find(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // All that comes until the server closes.
  static std::string ReadAll(int fd) {
    std::string answer;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, n);
    close(fd);
    return answer;
  }
  std::string Raw(const std::string& bytes) { return ReadAll(Connect(bytes)); }
  double Metric(const std::string& name) {
    const std::string text = metrics_.Serialize();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
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

TEST_F(ServerTest, ALargeHeaderIsReadToItsEndSoThatTheRefusalArrives) {
  Serve(Echo);
  for (int i = 0; i < 3; ++i) {
    const std::string answer =
        Raw("GET / HTTP/1.1\r\nA: " + std::string(3u << 20, 'x') + "\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer.substr(0, 100);
  }
}

TEST_F(ServerTest, SaysWhichEscapeIsNone) {
  Serve([](const std::shared_ptr<const Request>& request, const Responder& respond) {
    respond({.body = request->form.ok() ? "fine" : request->form.error().message()});
  });
  EXPECT_EQ(Get({.url = "/q?query=up%zz&x=1"}).response->body, "invalid URL escape \"%zz\"");
  EXPECT_EQ(Get({.url = "/q?query=up%2"}).response->body, "invalid URL escape \"%2\"");
  EXPECT_EQ(Get({.url = "/q?query=up%25zz"}).response->body, "fine");
  HttpRequest post{.method = "POST", .url = "/q"};
  post.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  post.body = "query=%";
  EXPECT_EQ(Get(post).response->body, "invalid URL escape \"%\"");
}

TEST_F(ServerTest, ConnectionsThatWaitForTheirClientGiveWay) {
  ServerOptions options;
  options.max_connections = 8;
  Serve(Echo, options);
  int kinds = 0;
  for (const char* begun :
       {"", "GET / HTTP/1.1\r\nHost: x", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"}) {
    std::vector<int> held;
    for (int i = 0; i < 20; ++i) held.push_back(Connect(begun));
    for (int i = 0; i < 3; ++i) {
      HttpRequest request{.url = "/x"};
      request.timeout = Duration{5000};
      const auto got = Get(request);
      ASSERT_TRUE(got.response.ok()) << begun << ": " << got.response.error().message();
      EXPECT_EQ(got.response->body, "GET /x ");
    }
    // A request on a kept connection is answered before the others are looked at.
    const double shed = 10.0 * ++kinds;
    for (int i = 0; i < 5000 && Metric("tocsin_http_connections_shed_total") < shed; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // The oldest went, without a word.
    EXPECT_EQ(ReadAll(held.front()), "") << begun;
    for (size_t i = 1; i < held.size(); ++i) close(held[i]);
  }
  EXPECT_GE(Metric("tocsin_http_connections_shed_total"), 3 * 10);
  for (int i = 0; i < 2000 && Metric("tocsin_http_connections") > 8; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LE(Metric("tocsin_http_connections"), 8);
}

TEST_F(ServerTest, ConnectionsAtWorkDoNotGiveWay) {
  ServerOptions options;
  options.max_connections = 2;
  std::mutex mutex;
  std::vector<Responder> waiting;
  std::promise<void> both;
  Serve(
      [&](const std::shared_ptr<const Request>& request, const Responder& respond) {
        if (request->path != "/slow") return Echo(request, respond);
        std::lock_guard lock(mutex);
        waiting.push_back(respond);
        if (waiting.size() == 2) both.set_value();
      },
      options);
  const std::string slow = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
  const int first = Connect(slow), second = Connect(slow);
  both.get_future().wait();
  auto third = std::async(std::launch::async, [this] {
    return Raw("GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  });
  EXPECT_EQ(third.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  {
    std::lock_guard lock(mutex);
    for (const Responder& respond : waiting) respond({.body = "done"});
    waiting.clear();
  }
  // Their answers are whole; the place of one of them goes to the third.
  EXPECT_NE(third.get().find("GET /third"), std::string::npos);
  char buffer[4096];
  for (const int fd : {first, second}) {
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    EXPECT_NE(std::string(buffer, std::max<ssize_t>(n, 0)).find("done"), std::string::npos);
    close(fd);
  }
}

TEST_F(ServerTest, ARequestThatHasBegunHasToArrive) {
  ServerOptions options;
  options.header_timeout = Duration{100};
  options.body_timeout = Duration{100};
  options.first_byte_timeout = Duration{100};
  Serve(Echo, options);
  for (const char* begun : {"", "G", "GET / HTTP/1.1\r\nHost: x\r\n",
                            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc"}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Raw(begun), "") << begun;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << begun;
  }
  // Between two requests there is more time.
  const int fd = Connect("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  char buffer[4096];
  EXPECT_GT(recv(fd, buffer, sizeof buffer, 0), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const std::string more = "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, more.data(), more.size(), MSG_NOSIGNAL), static_cast<ssize_t>(more.size()));
  EXPECT_NE(ReadAll(fd).find("GET /b"), std::string::npos);
}

TEST_F(ServerTest, ALargeBodyIsReadOnlyFromThoseWhoMaySendIt) {
  ServerOptions options;
  options.small_body_bytes = 100;
  options.admit = [](std::shared_ptr<const Request> head, Responder respond) {
    EXPECT_EQ(head->body, "");
    respond({.status = head->header("authorization").empty() ? 401 : 100});
  };
  Serve(Echo, options);
  // Refused by its header: none of the body was sent.
  EXPECT_NE(Raw("POST /w HTTP/1.1\r\nContent-Length: 1000\r\n\r\n").find(" 401 "),
            std::string::npos);
  EXPECT_NE(Raw("POST /w HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").find(" 401 "),
            std::string::npos);
  HttpRequest post{.method = "POST", .url = "/w"};
  post.body = std::string(100, 'x');
  EXPECT_EQ(Get(post).response->status, 200);
  post.body = std::string(100'000, 'x');
  EXPECT_EQ(Get(post).response->status, 401);
  post.headers = {{"Authorization", "me"}, {"Content-Type", "text/plain"}};
  EXPECT_EQ(Get(post).response->body.size(), 100'000 + std::string("POST /w ").size());
}

TEST_F(ServerTest, LargeBodiesUnderWayHaveABudget) {
  ServerOptions options;
  options.small_body_bytes = 1000;
  options.all_bodies_bytes = 150'000;
  Serve(Echo, options);
  const std::string head =
      "POST /w HTTP/1.1\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n";
  HttpRequest post{.method = "POST", .url = "/w"};
  post.body = std::string(100'000, 'y');
  // Again when the second was there before the first: then the first is the one too many.
  int first = -1, status = 0;
  for (int i = 0; i < 50 && status != 503; ++i) {
    if (first >= 0) close(first);
    first = Connect(head + std::string(90'000, 'x'));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    status = Get(post).response->status;
  }
  ASSERT_EQ(status, 503);
  post.body = std::string(1000, 'y');
  EXPECT_EQ(Get(post).response->status, 200);
  EXPECT_EQ(send(first, std::string(10'000, 'x').data(), 10'000, MSG_NOSIGNAL), 10'000);
  EXPECT_NE(ReadAll(first).find(" 200 "), std::string::npos);
  post.body = std::string(100'000, 'y');
  EXPECT_EQ(Get(post).response->status, 200);
}

TEST_F(ServerTest, SaysContinueToThoseWhoAsk) {
  Serve(Echo);
  const int fd = Connect(
      "POST /w HTTP/1.1\r\nConnection: close\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  char buffer[200];
  const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(buffer, static_cast<size_t>(n)), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(send(fd, "body", 4, MSG_NOSIGNAL), 4);
  EXPECT_NE(ReadAll(fd).find("POST /w body"), std::string::npos);
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
  Serve(
      [](const auto&, const Responder& respond) { respond({.body = std::string(20 << 20, 'z')}); });
  const auto got = Get({.url = "/", .max_response_bytes = 64u << 20});
  ASSERT_TRUE(got.response.ok()) << got.response.error().message();
  EXPECT_EQ(got.response->body.size(), 20u << 20);
}

TEST_F(ServerTest, AnAcceptThatFailsIsTriedAgainAfterAWhile) {
  Serve(Echo);
  EXPECT_EQ(Get({.url = "/warm"}).response->status, 200);
  const std::string get = "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n";
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // Not one descriptor more than there is.
  rlimit none = before;
  const int lowest_free = dup(fd);
  close(lowest_free);
  none.rlim_cur = static_cast<rlim_t>(lowest_free);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  SendOn(fd, get);
  std::this_thread::sleep_for(std::chrono::milliseconds(450));
  const double errors = Metric("tocsin_http_accept_errors_total");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_GE(errors, 1);
  EXPECT_LE(errors, 6);
  EXPECT_NE(ReadAll(fd).find(" 200 "), std::string::npos);
}

TEST_F(ServerTest, AnswersRequestsThatCameTogether) {
  Serve(Echo);
  const std::string answer =
      Raw("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
          "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  for (const char* part : {"GET /1", "GET /2", "GET /3"})
    EXPECT_NE(answer.find(part), std::string::npos) << answer;
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

// All query threads are busy, and yet samples, alerts and the own metrics go on.
TEST(Router, WhatIsReservedDoesNotWaitBehindQueries) {
  class Busy final : public Executor {
   public:
    void Post(std::function<void()> task) override { waiting.push_back(std::move(task)); }
    std::vector<std::function<void()>> waiting;
  };
  MetricRegistry metrics;
  testing::ManualScheduler clock;
  testing::InlineExecutor reserved;
  Busy queries;
  Router router("", *Regex::Compile(".*", Regex::Anchor::kFull), queries, reserved, metrics, clock);
  ApiContext context;
  context.metrics = &metrics;
  context.state.enable_remote_write = true;
  router.Add(ApiRoutes(context));
  const auto ask = [&](std::string method, std::string path) {
    auto request = std::make_shared<Request>();
    request->method = std::move(method);
    request->path = std::move(path);
    int status = 0;
    router.Handle(request, [&status](const Response& response) { status = response.status; });
    return status;
  };
  EXPECT_EQ(ask("GET", "/api/v1/query"), 0);
  EXPECT_EQ(queries.waiting.size(), 1u);
  EXPECT_EQ(ask("GET", "/metrics"), 200);
  EXPECT_EQ(ask("POST", "/api/v1/write"), 503);  // no database here
  EXPECT_NE(ask("POST", "/api/v2/alerts"), 0);
  EXPECT_EQ(queries.waiting.size(), 1u);
  queries.waiting.clear();
}

TEST(Router, LargeBodiesAreForRoutesThatTakeThem) {
  MetricRegistry metrics;
  testing::ManualScheduler clock;
  testing::InlineExecutor inline_executor;
  Router router("", *Regex::Compile(".*", Regex::Anchor::kFull), inline_executor, inline_executor,
                metrics, clock);
  router.Add(ApiRoutes({}));
  const auto ask = [&](std::string path, uint64_t length) {
    auto request = std::make_shared<Request>();
    request->method = "POST";
    request->path = std::move(path);
    if (length != 0) request->headers.emplace_back("Content-Length", std::to_string(length));
    int status = 0;
    router.Admit(request, [&status](const Response& response) { status = response.status; });
    return status;
  };
  EXPECT_EQ(ask("/api/v1/write", 60u << 20), 100);
  EXPECT_EQ(ask("/api/v1/write", 0), 100);
  EXPECT_EQ(ask("/api/v2/alerts", 60u << 20), 100);
  EXPECT_EQ(ask("/api/v1/query", 2u << 20), 100);
  EXPECT_EQ(ask("/api/v1/query", 60u << 20), 413);
  EXPECT_EQ(ask("/api/v1/query", 0), 413);  // of unknown size
  EXPECT_EQ(ask("/-/healthy", 60u << 20), 405);
  EXPECT_EQ(ask("/nothing", 60u << 20), 404);
}

TEST(Router, MatchesCountsAndRefuses) {
  MetricRegistry metrics;
  testing::ManualScheduler clock;
  testing::InlineExecutor inline_executor;
  Router router("/pre", *Regex::Compile(".*", Regex::Anchor::kFull), inline_executor,
                inline_executor, metrics, clock);
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
  for (const char* accept :
       {"gzip;q=0", "identity", "*;q=0", "deflate, gzip; q=0.000", "gzip;q=0, *", ""})
    EXPECT_TRUE(ask("GET", "/pre/files/a", {{"Accept-Encoding", accept}}).body.starts_with("a"))
        << accept;
  for (const char* accept : {"deflate, gzip;q=0.5", "*", "br;q=0,gzip;q=1.0", "x-gzip"})
    EXPECT_FALSE(ask("GET", "/pre/files/a", {{"Accept-Encoding", accept}}).body.starts_with("a"))
        << accept;
  EXPECT_NE(metrics.Serialize().find(
                "prometheus_http_requests_total{code=\"405\",handler=\"/unknown\"} 1"),
            std::string::npos);
}

}  // namespace
}  // namespace tocsin::http
