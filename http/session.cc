#include "http/session.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <utility>

namespace tocsin::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Socket = Session::Socket;

constexpr Duration kWriteTimeout{60'000};
// A client that sends or takes as much gets its time again.
constexpr size_t kProgress = 1u << 20;
// A client that is refused may still be sending; closing at once would reset the connection before
// it has read why.
constexpr Duration kDrainTimeout{2'000};
constexpr size_t kMaxDrain = 16u << 20;
constexpr size_t kReadBytes = 8u << 10;
constexpr size_t kReadBodyBytes = 64u << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void AddParams(std::string_view text, Request& request) {
  auto params = ParseForm(text);
  if (!params.ok()) {
    if (request.form.ok()) request.form = params.error();
    return;
  }
  for (auto& pair : *params) request.params.push_back(std::move(pair));
}

// A line of a header is one line, whatever a handler puts into it.
void PutField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out += c == '\r' || c == '\n' ? ' ' : c;
  out += "\r\n";
}

// Of an answer with `length` bytes of body.
std::string HeadOf(const Response& response, unsigned version, bool keep_alive, size_t length) {
  const auto status = static_cast<beast::http::status>(response.status);
  const auto reason = beast::http::obsolete_reason(status);
  std::string out;
  out.reserve(256);
  out.append(version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ").append(std::to_string(response.status));
  out.append(" ").append(reason.data(), reason.size()).append("\r\n");
  if (!response.content_type.empty()) PutField(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) PutField(out, name, value);
  if (!keep_alive && version >= 11) PutField(out, "Connection", "close");
  if (keep_alive && version < 11) PutField(out, "Connection", "keep-alive");
  const bool empty = response.status == 204 || response.status == 304;
  if (!empty) PutField(out, "Content-Length", std::to_string(length));
  out += "\r\n";
  return out;
}

}  // namespace

// What is written, and how far that has come.
struct Session::Answer {
  std::string head, body;
  bool keep_alive = false;
  bool refusal = false;
  size_t sent = 0;

  std::array<asio::const_buffer, 2> rest() const {
    const size_t of_head = std::min(sent, head.size());
    return {asio::buffer(head) + of_head, asio::buffer(body) + (sent - of_head)};
  }
};

Session::Session(Socket socket, std::string peer, std::shared_ptr<TlsContext> tls,
                 std::shared_ptr<SessionHost> host)
    : socket_(std::move(socket)),
      tls_(std::move(tls)),
      host_(std::move(host)),
      remote_(std::move(peer)) {
  if (tls_ != nullptr) tls_stream_.emplace(socket_, tls_->context);
  host_->Enter(this);
}

Session::~Session() {
  ReturnBody();
  host_->Leave(this);
}

bool Session::LeaseBody() {
  const uint64_t size = parser_->get().body().size();
  if (size <= host_->options().small_body_bytes) return true;
  if (!host_->TakeBody(size - body_lease_)) return false;
  body_lease_ = size;
  return true;
}

void Session::ReturnBody() { host_->GiveBody(std::exchange(body_lease_, 0)); }

void Session::Start() {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
    if (self->tls_stream_) {
      self->Handshake();
    } else {
      self->Read();
    }
  });
}

void Session::Handshake() {
  waiting_since_ = host_->NextTurn();
  Within(host_->options().header_timeout);
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
  asio::post(socket_.get_executor(), [self = std::move(locked)] {
    if (!self->Busy()) self->Close();
  });
}

void Session::Stop(bool force) {
  auto locked = weak_from_this().lock();
  if (!locked) return;  // on its way out
  asio::dispatch(socket_.get_executor(), [self = std::move(locked), force] {
    self->stopping_ = true;
    if (force || !self->Busy()) self->Close();
  });
}

void Session::CheckDeadline(int64_t sweep) {
  const int64_t deadline = deadline_.load();
  if (sweep < deadline) return;
  auto locked = weak_from_this().lock();
  if (!locked) return;  // on its way out
  asio::post(socket_.get_executor(), [self = std::move(locked), deadline] {
    if (self->deadline_.load() == deadline) self->Close();
  });
}

// Waits for the first byte of a request. Until it comes nobody would miss this connection.
void Session::Read() {
  if (stopping_ || (!fresh_ && host_->crowded())) return Close();
  parser_.emplace();
  parser_->header_limit(host_->options().max_header_bytes);
  parser_->body_limit(host_->options().max_body_bytes);
  parser_->eager(true);
  begun_ = false;
  waiting_since_ = host_->NextTurn();
  if (buffer_.size() > 0) return OnBytes();  // the client did not wait for the answer before
  Within(fresh_ ? host_->options().first_byte_timeout : host_->options().read_timeout);
  ReadSome();
}

void Session::ReadSome() {
  OnStream([this](auto& stream) {
    stream.async_read_some(buffer_.prepare(parser_->is_header_done() ? kReadBodyBytes : kReadBytes),
                           [self = shared_from_this()](error_code error, size_t n) {
                             if (error) return self->Close();
                             self->buffer_.commit(n);
                             self->OnBytes();
                           });
  });
}

// Once a request has begun it has to arrive: its header in time, then its body.
void Session::OnBytes() {
  fresh_ = false;
  if (!std::exchange(begun_, true)) {
    waiting_since_ = host_->NextTurn();
    Within(host_->options().header_timeout);
  }
  const bool had_header = parser_->is_header_done();
  error_code error;
  const size_t taken = parser_->put(buffer_.data(), error);
  buffer_.consume(taken);
  if (error == beast::http::error::need_more) error = {};
  if (error || parser_->is_done()) return OnRequest(error);
  if (!had_header && parser_->is_header_done()) return OnHeader();
  if (had_header) {
    // What has come counts, not what was announced, and who goes on sending gets its time again.
    if (!LeaseBody()) {
      Response response{.status = 503, .body = "too many large requests; try again\n"};
      response.headers.emplace_back("Retry-After", "1");
      return Refuse(std::move(response));
    }
    if ((progress_ += taken) >= kProgress) {
      progress_ = 0;
      Within(host_->options().body_timeout);
    }
  }
  ReadSome();
}

// A small body just comes; for a larger one somebody has to ask who may send it.
void Session::OnHeader() {
  const ServerOptions& options = host_->options();
  const auto length = parser_->content_length();
  const uint64_t bytes = length ? *length : parser_->chunked() ? options.max_body_bytes : 0;
  if (bytes <= options.small_body_bytes || !options.admit) return ReadBody();
  Admit();
}

void Session::Admit() {
  busy_ = true;
  waiting_since_ = 0;
  Unhurried();
  auto answered = std::make_shared<std::atomic<bool>>(false);
  host_->options().admit(HeaderAsRequest(), [self = shared_from_this(),
                                             answered](Response response) {
    if (answered->exchange(true)) return;
    asio::dispatch(self->socket_.get_executor(), [self, response = std::move(response)]() mutable {
      self->busy_ = false;
      if (response.status != 100) return self->Refuse(std::move(response));
      self->waiting_since_ = self->host_->NextTurn();
      self->ReadBody();
    });
  });
}

void Session::ReadBody() {
  Within(host_->options().body_timeout);
  progress_ = 0;
  if (parser_->get()[beast::http::field::expect] != "100-continue") return ReadSome();
  OnStream([this](auto& stream) {
    asio::async_write(stream, asio::buffer(kContinue),
                      [self = shared_from_this()](error_code error, size_t) {
                        if (error) return self->Close();
                        self->ReadSome();
                      });
  });
}

// Without its body and what that tells.
std::shared_ptr<Request> Session::HeaderAsRequest() const {
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

std::shared_ptr<Request> Session::TakeRequest() {
  auto request = HeaderAsRequest();
  request->body = std::move(parser_->get().body());
  if (request->header("content-type").starts_with("application/x-www-form-urlencoded")) {
    AddParams(request->body, *request);
  }
  AddParams(request->query, *request);
  return request;
}

void Session::OnRequest(error_code error) {
  using beast::http::status;
  if (error == beast::http::error::body_limit) {
    return Refuse(
        status::payload_too_large,
        "request body larger than " + std::to_string(host_->options().max_body_bytes) + " bytes\n");
  }
  if (error == beast::http::error::header_limit) {
    return Refuse(status::request_header_fields_too_large, "request header too large\n");
  }
  if (error) return Refuse(status::bad_request, "malformed request: " + error.message() + "\n");

  const Form form{parser_->get().version(), parser_->keep_alive(),
                  parser_->get().method() == beast::http::verb::head};
  std::shared_ptr<Request> request = TakeRequest();
  canceled_ = request->canceled;
  busy_ = true;
  phase_ = Phase::kAsked;
  waiting_since_ = 0;
  Unhurried();
  auto answered = std::make_shared<std::atomic<bool>>(false);
  // Whoever answers has had the body.
  const std::shared_ptr<void> lease(nullptr, [host = host_, bytes = std::exchange(body_lease_, 0)](
                                                 void*) { host->GiveBody(bytes); });
  host_->handler()(std::move(request),
                   [self = shared_from_this(), answered, lease, form](Response response) {
                     if (!answered->exchange(true)) self->Respond(std::move(response), form);
                   });
  WatchForClient();
}

// While the answer is computed nothing is read. This notices that the client has closed, so that
// long work can stop; or, once the answer has left, that the next request comes.
void Session::WatchForClient() {
  Phase asked = Phase::kAsked;
  if (!phase_.compare_exchange_strong(asked, Phase::kWatched)) return;  // answered meanwhile
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error) return;
    Phase watched = Phase::kWatched;
    if (!self->phase_.compare_exchange_strong(watched, Phase::kAsked)) {
      if (watched == Phase::kSent) self->NextRequest();
      return;
    }
    char byte;
    const ssize_t n = ::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) self->canceled_->store(true);
  });
}

// On any thread, once a request.
void Session::Respond(Response response, Form form) {
  auto answer = std::make_shared<Answer>();
  answer->keep_alive = form.keep_alive && !stopping_;
  answer->head = HeadOf(response, form.version, answer->keep_alive, response.body.size());
  const bool bodiless = form.head || response.status == 204 || response.status == 304;
  if (!bodiless) answer->body = std::move(response.body);
  if (!tls_stream_ && SendNow(*answer) && answer->keep_alive) {
    // The session waits for its client again, and says so before it looks whether somebody waits
    // for its place, or wants it to stop.
    waiting_since_ = host_->NextTurn();
    Within(host_->options().read_timeout);
    Phase watched = Phase::kWatched;
    if (!host_->crowded() && phase_.compare_exchange_strong(watched, Phase::kSent)) {
      if (stopping_) Stop(false);
      return;
    }
  }
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), answer = std::move(answer)] {
    self->SendRest(answer);
  });
}

bool Session::SendNow(Answer& answer) {
  std::lock_guard lock(socket_mutex_);
  if (closed_) return false;
  const auto rest = answer.rest();
  std::array<iovec, 2> parts;
  for (size_t i = 0; i < parts.size(); ++i)
    parts[i] = {const_cast<void*>(rest[i].data()), rest[i].size()};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n > 0) answer.sent = static_cast<size_t>(n);
  return answer.sent == answer.head.size() + answer.body.size();
}

void Session::SendRest(AnswerPtr answer) {
  phase_ = Phase::kNone;
  waiting_since_ = 0;
  if (answer->sent == answer->head.size() + answer->body.size()) return Answered(*answer);
  Within(kWriteTimeout);
  progress_ = 0;
  WriteSome(std::move(answer));
}

// A slow client gets its time again and again, as long as it takes enough of the answer.
void Session::WriteSome(AnswerPtr answer) {
  const auto rest = answer->rest();
  OnStream([&](auto& stream) {
    stream.async_write_some(
        rest, [self = shared_from_this(), answer = std::move(answer)](error_code error, size_t n) {
          if (error) return self->Close();
          answer->sent += n;
          if (answer->sent == answer->head.size() + answer->body.size())
            return self->Answered(*answer);
          if ((self->progress_ += n) >= kProgress) {
            self->progress_ = 0;
            self->Within(kWriteTimeout);
          }
          self->WriteSome(answer);
        });
  });
}

void Session::Answered(const Answer& answer) {
  error_code ignored;
  socket_.cancel(ignored);  // the watch
  if (answer.refusal) return Drain();
  if (!answer.keep_alive) return Finish();
  NextRequest();
}

void Session::NextRequest() {
  busy_ = false;
  phase_ = Phase::kNone;
  if (buffer_.size() == 0) return Read();
  // Requests that came together are not answered from within one another.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->Read(); });
}

void Session::Refuse(beast::http::status status, std::string text) {
  Refuse({.status = static_cast<int>(status), .body = std::move(text)});
}

void Session::Refuse(Response response) {
  busy_ = true;
  ReturnBody();
  auto answer = std::make_shared<Answer>();
  answer->refusal = true;
  answer->head = HeadOf(response, 11, false, response.body.size());
  answer->body = std::move(response.body);
  SendRest(std::move(answer));
}

// Lets the client finish what it is sending, so that it gets to read the refusal.
void Session::Drain() {
  if (drained_ == 0) {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    busy_ = false;
    waiting_since_ = host_->NextTurn();
    Within(kDrainTimeout);
  }
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kReadBodyBytes),
                          [self = shared_from_this()](error_code error, size_t n) {
                            self->drained_ += n;
                            if (error || self->drained_ > kMaxDrain) return self->Close();
                            self->Drain();
                          });
}

// Ends a connection on which all has been said: over TLS with a word of farewell.
void Session::Finish() {
  if (!tls_stream_) return Close();
  Within(kDrainTimeout);
  tls_stream_->async_shutdown([self = shared_from_this()](error_code) { self->Close(); });
}

void Session::Close() {
  std::lock_guard lock(socket_mutex_);
  if (std::exchange(closed_, true)) return;
  if (canceled_) canceled_->store(true);
  Unhurried();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  socket_.close(ignored);
}

}  // namespace tocsin::http
