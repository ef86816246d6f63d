// The one listener: HTTP/1.1 on the event loop. Reads and limits requests, hands them to a handler,
// writes what it answers. Never evaluates anything itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "storage/base/event_loop.h"
#include "storage/base/metrics.h"
#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin::http {

struct TlsContext;  // http/tls.h

// Called on the event loop: must hand anything slow to an executor. `respond` may be called from
// any thread, once; never calling it keeps the client waiting until its timeout.
using Handler = std::function<void(std::shared_ptr<const Request> request, Responder respond)>;

struct ServerOptions {
  std::vector<std::string> listen_addresses = {"127.0.0.1:9090"};
  uint64_t max_body_bytes = 64u << 20;
  // What anybody may send before it is asked who it is and what for.
  uint64_t small_body_bytes = 64u << 10;
  // What has come of all larger bodies under way together; then 503.
  uint64_t all_bodies_bytes = 256u << 20;
  // Asked before a body that is not small is read, with the request as far as its header tells it:
  // status 100 lets the body come, anything else is the answer. Null: all may come.
  Handler admit;
  uint32_t max_header_bytes = 64u << 10;
  // When they are taken, a new connection costs the oldest one that only waits for its client.
  int max_connections = 512;
  Duration read_timeout{300'000};       // between two requests of a connection
  Duration first_byte_timeout{30'000};  // of a new connection
  Duration header_timeout{10'000};      // from the first byte of a request to the end of its header
  Duration body_timeout{30'000};
  // Asked for each connection; null, or giving null: plain HTTP.
  std::function<std::shared_ptr<TlsContext>()> tls;
};

// Thread-safe.
class Server {
 public:
  // kIo when an address cannot be bound; the message names it. Port 0 picks one.
  static Result<std::unique_ptr<Server>> Start(EventLoop& loop, ServerOptions options,
                                               Handler handler, MetricRegistry& metrics);
  // Closes the listeners and idle connections; answers under way get `grace` to finish.
  virtual void Stop(Duration grace) = 0;
  virtual ~Server() = default;

  // host:port as bound.
  virtual std::vector<std::string> addresses() const = 0;
};

}  // namespace tocsin::http
