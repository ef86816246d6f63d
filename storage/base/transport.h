// Outbound HTTP as a port. http/client.h implements it on libcurl and the event loop; tests use
// tests/support/fake_transport.h. Streaming, cancellable, bounded by deadline and body limit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"

namespace tocsin {

struct TransportConfig;  // storage/config/transport_config.h: TLS, auth, proxy

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string body;
  Duration timeout{10'000};                 // for the whole exchange
  uint64_t max_response_bytes = 64u << 20;  // decoded; more ends the exchange with kLimit
  std::string unix_socket;                  // connect here instead of to the URL's host
  bool accept_compressed = false;           // offer gzip and decode the answer
  // TLS, authentication, proxy, redirects. Null: defaults. Shared because exchanges outlive
  // reloads.
  std::shared_ptr<const TransportConfig> config;
};

// Where an exchange failed; target pages and alerts name it.
enum class TransportPhase : uint8_t { kDns, kConnect, kTls, kSend, kStatus, kBody };

struct TransportResult {
  Status status;                                 // ok: the body ended as it should
  TransportPhase phase = TransportPhase::kBody;  // where it failed
};

// All calls come on the event loop, in this order, OnDone exactly once and last.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  virtual void OnHeaders(int status, const HttpHeaders& headers) = 0;
  // Returns false to end the exchange (OnDone then gets kCanceled).
  virtual bool OnData(std::string_view data) = 0;
  virtual void OnDone(const TransportResult& result) = 0;
};

// Destroying it ends the exchange; when done on the event loop no handler call follows.
class Exchange {
 public:
  virtual ~Exchange() = default;
};

// Thread-safe. The handler is kept alive until OnDone or the end of the exchange.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual std::unique_ptr<Exchange> Start(
      HttpRequest request, std::shared_ptr<ResponseHandler> handler) = 0;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;
  std::string body;

  // First header of that name, case-insensitive; empty when absent.
  std::string_view header(std::string_view name) const;
};

// The whole body in one callback, on the event loop. A status other than 2xx is not an error here.
using FetchCallback = std::function<void(Result<HttpResponse> response, TransportPhase phase)>;
[[nodiscard]] std::unique_ptr<Exchange> Fetch(Transport& transport, HttpRequest request,
                                              FetchCallback done);

}  // namespace tocsin
