// One connection of the server: reads a request, hands it out, writes the answer, again.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "http/server.h"
#include "http/tls.h"

namespace tocsin::http {

class Session;

// What sessions need of their server. Thread-safe.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual const ServerOptions& options() const = 0;
  virtual const Handler& handler() const = 0;
  virtual void Enter(Session* session) = 0;
  virtual void Leave(Session* session) = 0;
  // Ascending from 1.
  virtual uint64_t NextTurn() = 0;
  // Whether a client waits for a place.
  virtual bool crowded() const = 0;
  // Room for more of large bodies; false: there is none.
  virtual bool TakeBody(uint64_t bytes) = 0;
  virtual void GiveBody(uint64_t bytes) = 0;
  // The sweep (Session::CheckDeadline) by which this much time has passed for sure.
  virtual int64_t SweepAfter(Duration duration) const = 0;
};

// A short answer leaves from the thread that made it, so that the loop need not be woken; all else
// runs on the connection's strand.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // `tls`: null for plain HTTP. `peer`: host:port.
  Session(Socket socket, std::string peer, std::shared_ptr<TlsContext> tls,
          std::shared_ptr<SessionHost> host);
  ~Session();

  void Start();
  // When this session began to wait for its client, in turns of the server; 0: it works, or is to
  // end. From any thread.
  uint64_t waiting_since() const { return waiting_since_.load(); }
  // Ends it unless a request has come meanwhile. From any thread.
  void Shed();
  // From any thread. Closes now when nothing is being answered (or `force`), else after the answer.
  void Stop(bool force);
  // Ends it when its client has not done in time what it had to. From any thread.
  void CheckDeadline(int64_t sweep);

 private:
  // Who may touch what while a request is answered.
  enum class Phase {
    kNone,     // no request is out, or the strand deals with its answer
    kAsked,    // the handler has a request; nobody watches the connection
    kWatched,  // the same, and the strand hears when there is something to read
    kSent,     // the answer has left; what the strand hears next is the next request
  };
  // How the answer to a request is to look.
  struct Form {
    unsigned version = 11;
    bool keep_alive = false;
    bool head = false;
  };
  struct Answer;
  using AnswerPtr = std::shared_ptr<Answer>;

  // Calls f with what HTTP is read from and written to.
  template <typename F>
  void OnStream(F f) {
    if (tls_stream_) {
      f(*tls_stream_);
    } else {
      f(socket_);
    }
  }
  void Handshake();
  void Read();
  void ReadSome();
  void OnBytes();
  void OnHeader();
  void Admit();
  void ReadBody();
  std::shared_ptr<Request> HeaderAsRequest() const;
  // Counts what has come of a body that is not small; false: there is no room.
  bool LeaseBody();
  void ReturnBody();
  void OnRequest(boost::system::error_code error);
  std::shared_ptr<Request> TakeRequest();
  void WatchForClient();
  void Respond(Response response, Form form);
  // Writes what it can without waiting; whether all has gone.
  bool SendNow(Answer& answer);
  void SendRest(AnswerPtr answer);
  void WriteSome(AnswerPtr answer);
  void Answered(const Answer& answer);
  void NextRequest();
  void Refuse(boost::beast::http::status status, std::string text);
  void Refuse(Response response);
  void Drain();
  void Close();
  void Finish();
  bool Busy() const { return busy_ && phase_.load() != Phase::kSent; }

  void Within(Duration duration) { deadline_.store(host_->SweepAfter(duration)); }
  void Unhurried() { deadline_.store(kNoDeadline); }

  static constexpr int64_t kNoDeadline = std::numeric_limits<int64_t>::max();

  Socket socket_;
  const std::shared_ptr<TlsContext> tls_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_stream_;
  const std::shared_ptr<SessionHost> host_;
  const std::string remote_;
  std::atomic<uint64_t> waiting_since_{0};
  std::atomic<int64_t> deadline_{kNoDeadline};
  std::atomic<Phase> phase_{Phase::kNone};
  std::atomic<bool> stopping_{false};
  // Held to close the socket, and by other threads than the strand to use it.
  std::mutex socket_mutex_;
  bool closed_ = false;  // guarded by socket_mutex_

  // Of the strand.
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  std::shared_ptr<std::atomic<bool>> canceled_;
  uint64_t body_lease_ = 0;  // of the server's share for large bodies
  size_t progress_ = 0;      // since the time limit was set
  size_t drained_ = 0;
  bool fresh_ = true;   // nothing has come yet
  bool begun_ = false;  // something of the request has come
  bool busy_ = false;   // from a request's end until its answer has gone
};

}  // namespace tocsin::http
