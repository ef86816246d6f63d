// The server's side of TLS, for http/server.cc alone.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "http/web_config.h"

namespace tocsin::http {

struct TlsContext {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

// kInvalidArgument: what OpenSSL says of the certificate, the key or the CA.
Result<std::shared_ptr<TlsContext>> MakeTlsContext(const TlsServerConfig& config);

}  // namespace tocsin::http
