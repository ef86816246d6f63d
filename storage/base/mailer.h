// Outbound mail as a port, beside Transport and with libcurl behind both.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/time.h"
#include "storage/base/transport.h"

namespace tocsin {

struct SmtpServer {
  std::string host;
  uint16_t port = 25;
  std::string hello = "localhost";
  std::string username, password, secret, identity;  // secret: for CRAM-MD5
  bool require_tls = true;
  bool implicit_tls = false;
  std::shared_ptr<const TransportConfig> tls;  // null: defaults
};

struct MailMessage {
  std::string from;             // bare address
  std::vector<std::string> to;  // bare addresses
  std::string data;             // headers and body, CRLF lines, no dot stuffing
  Duration timeout{30'000};
};

// Thread-safe.
class Mailer {
 public:
  virtual ~Mailer() = default;
  // One message over one connection; `done` comes on the event loop.
  [[nodiscard]] virtual std::unique_ptr<Exchange> Send(const SmtpServer& server,
                                                       MailMessage message,
                                                       std::function<void(Status)> done) = 0;
};

}  // namespace tocsin
