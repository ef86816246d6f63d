#include "http/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <optional>
#include <set>

#include "http/tls.h"

namespace tocsin::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kWriteTimeout{60};
// A client that sends or takes as much gets its time again.
constexpr size_t kProgress = 1u << 20;
// A client that is refused may still be sending; closing at once would reset the connection before
// it has read why.
constexpr std::chrono::seconds kDrainTimeout{2};
constexpr size_t kMaxDrain = 16u << 20;
constexpr size_t kReadBytes = 8u << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr Duration kAcceptRetry{100};

class ServerImpl;

// An answer on its way.
struct OutgoingMessage {
  beast::http::response<beast::http::string_body> message;
  beast::http::response_serializer<beast::http::string_body> serializer{message};
};

void AddParams(std::string_view text, Request& request) {
  auto params = ParseForm(text);
  if (!params.ok()) {
    if (request.form.ok()) request.form = params.error();
    return;
  }
  for (auto& pair : *params) request.params.push_back(std::move(pair));
}

// One connection: read a request, hand it out, write the answer, again. Everything but the
// responder runs on the connection's strand.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // `tls`: null for plain HTTP.
  Session(tcp::socket socket, std::shared_ptr<TlsContext> tls, std::shared_ptr<ServerImpl> server);
  ~Session();

  void Start();
  // When this session began to wait for its client, in turns of the server; 0: it works, or is to
  // end. From any thread.
  uint64_t waiting_since() const { return waiting_since_.load(std::memory_order_relaxed); }
  // Ends it unless a request has come meanwhile. From any thread.
  void Shed();
  // From any thread. Closes now when nothing is being answered (or `force`), else after the answer.
  void Stop(bool force);

 private:
  // What HTTP is read from and written to.
  template <typename F>
  void OnStream(F f) {
    if (tls_stream_) {
      f(*tls_stream_);
    } else {
      f(stream_);
    }
  }
  void Handshake();
  void Read();
  void ReadHeader();
  void OnHeader();
  void Admit();
  void ReadBody();
  void ReadRest();
  std::shared_ptr<Request> MakeRequest() const;
  void OnRequest(error_code error);
  void WatchForHangup();
  void Answer(Response response, bool keep_alive, bool head, unsigned version);
  void Write(std::shared_ptr<OutgoingMessage> outgoing);
  void OnAnswered(error_code error, bool keep_alive);
  void Refuse(beast::http::status status, std::string text);
  void Refuse(Response response);
  // Counts what has come of a body that is not small; false: there is no room.
  bool LeaseBody();
  void ReturnBody();
  void Drain();
  void Close();
  void Finish();

  beast::tcp_stream stream_;  // has the time limits also where TLS runs over it
  const std::shared_ptr<TlsContext> tls_;
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls_stream_;
  std::shared_ptr<ServerImpl> server_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::shared_ptr<std::atomic<bool>> canceled_;
  std::string remote_;
  std::atomic<uint64_t> waiting_since_{0};
  uint64_t body_lease_ = 0;  // of the server's share for large bodies
  size_t progress_ = 0;      // since the time limit was set
  size_t drained_ = 0;
  bool fresh_ = true;  // nothing has come yet
  bool busy_ = false;
  bool refused_ = false;
  bool stopping_ = false;
};

class ServerImpl final : public Server, public std::enable_shared_from_this<ServerImpl> {
 public:
  ServerImpl(EventLoop& loop, ServerOptions options, Handler handler, MetricRegistry& metrics)
      : loop_(loop),
        options_(std::move(options)),
        handler_(std::move(handler)),
        connections_(metrics.GetGauge("tocsin_http_connections", "Open HTTP connections.")),
        shed_(metrics.GetCounter("tocsin_http_connections_shed_total",
                                 "Connections that waited for their clients and had to make place "
                                 "for new ones.")),
        accept_errors_(metrics.GetCounter("tocsin_http_accept_errors_total",
                                          "Connections that could not be accepted, for want of a "
                                          "file descriptor say; tried again after 100 ms.")) {}

  Status Listen();
  void Stop(Duration grace) override;
  std::vector<std::string> addresses() const override { return addresses_; }

  const ServerOptions& options() const { return options_; }
  const Handler& handler() const { return handler_; }
  void Enter(Session* session);
  void Leave(Session* session);
  uint64_t NextTurn() { return turns_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // Room for more of large bodies; false: there is none.
  bool TakeBody(uint64_t bytes) {
    if (bodies_.fetch_add(bytes) + bytes <= options_.all_bodies_bytes) return true;
    bodies_ -= bytes;
    return false;
  }
  void GiveBody(uint64_t bytes) { bodies_ -= bytes; }
  // Whether a client waits for a place.
  bool crowded() const { return crowded_.load(std::memory_order_relaxed); }

 private:
  struct Listener {
    explicit Listener(asio::io_context& context) : acceptor(context) {}
    tcp::acceptor acceptor;
    std::optional<tcp::socket> parked;  // accepted when there was no place
    Timer again;                        // after an accept that failed
  };

  void Accept(const std::shared_ptr<Listener>& listener);
  void AcceptLater(const std::shared_ptr<Listener>& listener);
  void Admit(const std::shared_ptr<Listener>& listener, tcp::socket socket);
  bool MakePlace();  // REQUIRES: mutex_ held

  EventLoop& loop_;
  const ServerOptions options_;
  const Handler handler_;
  const Gauge connections_;
  const Counter shed_, accept_errors_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::string> addresses_;
  std::mutex mutex_;
  std::set<Session*> sessions_;
  std::atomic<uint64_t> turns_{0};
  std::atomic<uint64_t> bodies_{0};
  std::atomic<bool> crowded_{false};
  bool stopped_ = false;
};

Session::Session(tcp::socket socket, std::shared_ptr<TlsContext> tls,
                 std::shared_ptr<ServerImpl> server)
    : stream_(std::move(socket)), tls_(std::move(tls)), server_(std::move(server)) {
  if (tls_ != nullptr) tls_stream_.emplace(stream_, tls_->context);
  error_code error;
  const auto endpoint = stream_.socket().remote_endpoint(error);
  if (!error) remote_ = endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
  server_->Enter(this);
}

Session::~Session() {
  ReturnBody();
  server_->Leave(this);
}

bool Session::LeaseBody() {
  const uint64_t size = parser_->get().body().size();
  if (size <= server_->options().small_body_bytes) return true;
  if (!server_->TakeBody(size - body_lease_)) return false;
  body_lease_ = size;
  return true;
}

void Session::ReturnBody() { server_->GiveBody(std::exchange(body_lease_, 0)); }

void Session::Start() {
  asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
    if (self->tls_stream_) {
      self->Handshake();
    } else {
      self->Read();
    }
  });
}

void Session::Handshake() {
  waiting_since_ = server_->NextTurn();
  stream_.expires_after(server_->options().header_timeout);
  tls_stream_->async_handshake(asio::ssl::stream_base::server,
                               [self = shared_from_this()](error_code error) {
                                 if (error) return self->Close();
                                 self->Read();
                               });
}

void Session::Shed() {
  waiting_since_ = 0;
  auto locked = weak_from_this().lock();
  if (!locked) return;  // on its way out
  // Never inline: the caller holds the lock that the end of a session takes.
  asio::post(stream_.get_executor(), [self = std::move(locked)] {
    if (!self->busy_) self->Close();
  });
}

void Session::Stop(bool force) {
  auto locked = weak_from_this().lock();
  if (!locked) return;  // on its way out
  asio::dispatch(stream_.get_executor(), [self = std::move(locked), force] {
    self->stopping_ = true;
    if (force || !self->busy_) self->Close();
  });
}

// Waits for the first byte of a request. Until it comes nobody would miss this connection.
void Session::Read() {
  if (stopping_ || (!fresh_ && server_->crowded())) return Close();
  parser_.emplace();
  parser_->header_limit(server_->options().max_header_bytes);
  parser_->body_limit(server_->options().max_body_bytes);
  waiting_since_ = server_->NextTurn();
  if (buffer_.size() > 0) return ReadHeader();  // the client did not wait for the answer before
  stream_.expires_after(fresh_ ? server_->options().first_byte_timeout
                               : server_->options().read_timeout);
  OnStream([this](auto& stream) {
    stream.async_read_some(buffer_.prepare(kReadBytes),
                           [self = shared_from_this()](error_code error, size_t n) {
                             if (error) return self->Close();
                             self->buffer_.commit(n);
                             self->waiting_since_ = self->server_->NextTurn();
                             self->ReadHeader();
                           });
  });
}

// Once a request has begun it has to arrive.
void Session::ReadHeader() {
  fresh_ = false;
  stream_.expires_after(server_->options().header_timeout);
  OnStream([this](auto& stream) {
    beast::http::async_read_header(stream, buffer_, *parser_,
                                   [self = shared_from_this()](error_code error, size_t) {
                                     if (error) return self->OnRequest(error);
                                     self->OnHeader();
                                   });
  });
}

// A small body just comes; for a larger one somebody has to ask who may send it.
void Session::OnHeader() {
  const ServerOptions& options = server_->options();
  const auto length = parser_->content_length();
  const uint64_t bytes = length ? *length : parser_->chunked() ? options.max_body_bytes : 0;
  if (bytes <= options.small_body_bytes || !options.admit) return ReadBody();
  Admit();
}

void Session::Admit() {
  busy_ = true;
  waiting_since_ = 0;
  stream_.expires_never();
  auto answered = std::make_shared<std::atomic<bool>>(false);
  server_->options().admit(MakeRequest(), [self = shared_from_this(), answered](Response response) {
    if (answered->exchange(true)) return;
    asio::dispatch(self->stream_.get_executor(), [self, response = std::move(response)]() mutable {
      self->busy_ = false;
      if (response.status != 100) return self->Refuse(std::move(response));
      self->waiting_since_ = self->server_->NextTurn();
      self->ReadBody();
    });
  });
}

void Session::ReadBody() {
  stream_.expires_after(server_->options().body_timeout);
  progress_ = 0;
  if (parser_->get()[beast::http::field::expect] != "100-continue") return ReadRest();
  OnStream([this](auto& stream) {
    asio::async_write(stream, asio::buffer(kContinue),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->Close();
                        self->ReadRest();
                      });
  });
}

// By pieces: what has come counts, not what was announced, and who goes on sending gets its time
// again.
void Session::ReadRest() {
  if (parser_->is_done()) return OnRequest({});
  OnStream([this](auto& stream) {
    beast::http::async_read_some(
        stream, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t n) {
          if (error) return self->OnRequest(error);
          if (!self->LeaseBody()) {
            Response response{.status = 503, .body = "too many large requests; try again\n"};
            response.headers.emplace_back("Retry-After", "1");
            return self->Refuse(std::move(response));
          }
          if ((self->progress_ += n) >= kProgress) {
            self->progress_ = 0;
            self->stream_.expires_after(self->server_->options().body_timeout);
          }
          self->ReadRest();
        });
  });
}

// As far as the header tells it.
std::shared_ptr<Request> Session::MakeRequest() const {
  const auto& message = parser_->get();
  auto request = std::make_shared<Request>();
  request->method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const size_t mark = std::min(target.find('?'), target.size());
  std::string path(target.substr(0, mark));
  // An encoded slash is part of a segment: keep it encoded through the decoding of the path.
  for (size_t at = 0; (at = path.find("%2", at)) != std::string::npos; at += 3) {
    if (at + 2 < path.size() && (path[at + 2] == 'F' || path[at + 2] == 'f')) {
      path.replace(at, 1, "%25");
    }
  }
  request->path = PercentDecode(path);
  if (mark < target.size()) request->query = std::string(target.substr(mark + 1));
  for (const auto& field : message) {
    request->headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request->remote_address = remote_;
  return request;
}

void Session::OnRequest(error_code error) {
  using beast::http::status;
  if (error == beast::http::error::body_limit) {
    return Refuse(status::payload_too_large, "request body larger than " +
                                                 std::to_string(server_->options().max_body_bytes) +
                                                 " bytes\n");
  }
  if (error == beast::http::error::header_limit) {
    return Refuse(status::request_header_fields_too_large, "request header too large\n");
  }
  if (error == beast::http::error::end_of_stream || error == beast::error::timeout ||
      error == asio::error::operation_aborted || error == asio::error::connection_reset ||
      error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
      error == beast::http::error::partial_message) {
    return Close();
  }
  if (error) return Refuse(status::bad_request, "malformed request: " + error.message() + "\n");

  auto request = MakeRequest();
  auto message = parser_->release();
  request->body = std::move(message.body());
  if (request->header("content-type").starts_with("application/x-www-form-urlencoded")) {
    AddParams(request->body, *request);
  }
  AddParams(request->query, *request);

  canceled_ = request->canceled;
  busy_ = true;
  waiting_since_ = 0;
  stream_.expires_never();
  const bool keep_alive = message.keep_alive();
  const bool head = message.method() == beast::http::verb::head;
  const unsigned version = message.version();
  auto answered = std::make_shared<std::atomic<bool>>(false);
  server_->handler()(std::move(request), [self = shared_from_this(), answered, keep_alive, head,
                                          version](Response response) {
    if (answered->exchange(true)) return;
    asio::dispatch(self->stream_.get_executor(),
                   [self, response = std::move(response), keep_alive, head, version]() mutable {
                     self->Answer(std::move(response), keep_alive, head, version);
                   });
  });
  if (busy_) WatchForHangup();
}

// While the answer is computed nothing is read; this notices that the client has closed, so that
// long work can stop.
void Session::WatchForHangup() {
  stream_.socket().async_wait(
      tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
        if (error || !self->busy_) return;
        char byte;
        const ssize_t n =
            ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) {
          self->canceled_->store(true);
        }
      });
}

void Session::Answer(Response response, bool keep_alive, bool head, unsigned version) {
  ReturnBody();
  auto outgoing = std::make_shared<OutgoingMessage>();
  auto* message = &outgoing->message;
  message->version(version);
  message->result(static_cast<unsigned>(response.status));
  if (!response.content_type.empty()) {
    message->set(beast::http::field::content_type, response.content_type);
  }
  for (const auto& [name, value] : response.headers) message->insert(name, value);
  message->body() = std::move(response.body);
  message->keep_alive(keep_alive && !stopping_);
  const bool empty = response.status == 204 || response.status == 304;
  if (!empty) message->prepare_payload();
  if (head || empty) message->body().clear();  // the length of what GET would give stays

  stream_.expires_after(kWriteTimeout);
  progress_ = 0;
  Write(std::move(outgoing));
}

// A slow client gets its time again and again, as long as it takes enough of the answer.
void Session::Write(std::shared_ptr<OutgoingMessage> outgoing) {
  auto& serializer = outgoing->serializer;
  OnStream([&](auto& stream) {
    beast::http::async_write_some(
        stream, serializer,
        [self = shared_from_this(), outgoing = std::move(outgoing)](error_code error, size_t n) {
          if (!error && !outgoing->serializer.is_done()) {
            if ((self->progress_ += n) >= kProgress) {
              self->progress_ = 0;
              self->stream_.expires_after(kWriteTimeout);
            }
            return self->Write(outgoing);
          }
          self->OnAnswered(error, outgoing->message.keep_alive());
        });
  });
}

void Session::OnAnswered(error_code error, bool keep_alive) {
  busy_ = false;
  error_code ignored;
  stream_.socket().cancel(ignored);  // the hangup watch
  if (!error && refused_) return Drain();
  if (error) return Close();
  if (!keep_alive) return Finish();
  Read();
}

void Session::Refuse(beast::http::status status, std::string text) {
  Refuse({.status = static_cast<int>(status), .body = std::move(text)});
}

void Session::Refuse(Response response) {
  busy_ = true;
  refused_ = true;
  stream_.expires_never();
  Answer(std::move(response), false, false, 11);
}

// Lets the client finish what it is sending, so that it gets to read the refusal.
void Session::Drain() {
  if (drained_ == 0) {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    waiting_since_ = server_->NextTurn();
    stream_.expires_after(kDrainTimeout);
  }
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](error_code error, size_t n) {
                            self->drained_ += n;
                            if (error || self->drained_ > kMaxDrain) return self->Close();
                            self->Drain();
                          });
}

// Ends a connection on which all has been said: over TLS with a word of farewell.
void Session::Finish() {
  if (!tls_stream_) return Close();
  stream_.expires_after(kDrainTimeout);
  tls_stream_->async_shutdown([self = shared_from_this()](error_code) { self->Close(); });
}

void Session::Close() {
  if (canceled_) canceled_->store(true);
  error_code ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream_.close();
}

// Nothing stands for every address, as in Go; a name is looked up (once, before anything is
// served).
asio::ip::address AddressOf(asio::io_context& context, const std::string& host, error_code& error) {
  if (host.empty()) return asio::ip::address_v6::any();
  const auto ip = asio::ip::make_address(host, error);
  if (!error) return ip;
  const auto found = tcp::resolver(context).resolve(host, "", error);
  if (error || found.empty()) return {};
  for (const auto& entry : found)
    if (entry.endpoint().address().is_v4()) return entry.endpoint().address();
  return found.begin()->endpoint().address();
}

void Bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, error_code& error) {
  error_code ignored;
  acceptor.close(ignored);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint.address() == asio::ip::address_v6::any())
    acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

Status ServerImpl::Listen() {
  for (const std::string& address : options_.listen_addresses) {
    const size_t colon = address.rfind(':');
    auto fail = [&](const std::string& why) {
      return Error(ErrorCode::kIo, "cannot listen on " + address + ": " + why);
    };
    if (colon == std::string::npos) return fail("no port; write host:port");
    std::string host = address.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    error_code error;
    const auto ip = AddressOf(loop_.context(), host, error);
    if (error) return fail(error.message());
    int port = -1;
    try {
      port = std::stoi(address.substr(colon + 1));
    } catch (const std::exception&) {
    }
    if (port < 0 || port > 65535) return fail("not a port number");

    const tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
    auto listener = std::make_shared<Listener>(loop_.context());
    tcp::acceptor& acceptor = listener->acceptor;
    Bind(acceptor, endpoint, error);
    // Every address of the machine: a kernel without IPv6 has those of IPv4.
    if (error && host.empty()) Bind(acceptor, {tcp::v4(), endpoint.port()}, error);
    if (error) return fail(error.message());
    const auto bound = acceptor.local_endpoint(error);
    addresses_.push_back(address.substr(0, colon + 1) + std::to_string(bound.port()));
    listeners_.push_back(std::move(listener));
  }
  for (const auto& listener : listeners_) Accept(listener);
  return OkStatus();
}

void ServerImpl::Accept(const std::shared_ptr<Listener>& listener) {
  listener->acceptor.async_accept(
      asio::make_strand(loop_.context()),
      [self = shared_from_this(), listener](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (error) return self->AcceptLater(listener);
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        self->Admit(listener, std::move(socket));
      });
}

// What is wrong (no descriptor left, say) will not be right at once: at once would be a busy loop.
void ServerImpl::AcceptLater(const std::shared_ptr<Listener>& listener) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  accept_errors_.Add();
  listener->again = loop_.After(kAcceptRetry, [weak = weak_from_this(), listener] {
    if (const auto self = weak.lock()) self->Accept(listener);
  });
}

// Starts the connection when there is a place or one can be made; else it waits for one, and those
// behind it wait in the kernel.
void ServerImpl::Admit(const std::shared_ptr<Listener>& listener, tcp::socket socket) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (sessions_.size() >= static_cast<size_t>(options_.max_connections) && !MakePlace()) {
      listener->parked.emplace(std::move(socket));
      crowded_ = true;
      return;  // Leave() goes on
    }
  }
  auto tls = options_.tls ? options_.tls() : nullptr;
  std::make_shared<Session>(std::move(socket), std::move(tls), shared_from_this())->Start();
  Accept(listener);
}

// Closes the session that has been waiting for its client the longest.
bool ServerImpl::MakePlace() {
  Session* oldest = nullptr;
  for (Session* session : sessions_) {
    const uint64_t since = session->waiting_since();
    if (since != 0 && (oldest == nullptr || since < oldest->waiting_since())) oldest = session;
  }
  if (oldest == nullptr) return false;
  shed_.Add();
  oldest->Shed();
  return true;
}

void ServerImpl::Enter(Session* session) {
  std::lock_guard lock(mutex_);
  sessions_.insert(session);
  connections_.Set(static_cast<double>(sessions_.size()));
}

void ServerImpl::Leave(Session* session) {
  std::lock_guard lock(mutex_);
  sessions_.erase(session);
  if (stopped_) return;  // the loop may drop its last sessions after the registry has gone
  connections_.Set(static_cast<double>(sessions_.size()));
  if (!crowded_.exchange(false)) return;
  loop_.Post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    for (const auto& listener : self->listeners_) {
      std::optional<tcp::socket> socket;
      {
        std::lock_guard again(self->mutex_);
        socket.swap(listener->parked);
      }
      if (socket) self->Admit(listener, *std::move(socket));
    }
  });
}

void ServerImpl::Stop(Duration grace) {
  auto stop_sessions = [weak = weak_from_this()](bool force) {
    auto self = weak.lock();
    if (!self) return;
    std::lock_guard lock(self->mutex_);
    for (Session* session : self->sessions_) session->Stop(force);
  };
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  loop_.Post([self = shared_from_this()] {
    for (const auto& listener : self->listeners_) {
      error_code ignored;
      listener->acceptor.close(ignored);
    }
  });
  stop_sessions(false);
  // The timer must outlive this call; it holds itself until it has fired.
  auto timer = std::make_shared<Timer>();
  *timer = loop_.After(grace, [timer, stop_sessions] { stop_sessions(true); });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(EventLoop& loop, ServerOptions options,
                                              Handler handler, MetricRegistry& metrics) {
  // Sessions share the server with its owner, who sees only this handle.
  class Handle final : public Server {
   public:
    explicit Handle(std::shared_ptr<ServerImpl> impl) : impl_(std::move(impl)) {}
    ~Handle() override { impl_->Stop(Duration{0}); }
    void Stop(Duration grace) override { impl_->Stop(grace); }
    std::vector<std::string> addresses() const override { return impl_->addresses(); }

   private:
    std::shared_ptr<ServerImpl> impl_;
  };
  auto impl = std::make_shared<ServerImpl>(loop, std::move(options), std::move(handler), metrics);
  TOCSIN_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<Server>(std::make_unique<Handle>(std::move(impl)));
}

}  // namespace tocsin::http
