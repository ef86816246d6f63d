#include "http/tls.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/verify_context.hpp>

namespace tocsin::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

int VersionOf(const std::string& name) {
  if (name == "TLS10") return TLS1_VERSION;
  if (name == "TLS11") return TLS1_1_VERSION;
  return name == "TLS12" ? TLS1_2_VERSION : TLS1_3_VERSION;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> MakeTlsContext(const TlsServerConfig& config) {
  auto out = std::make_shared<TlsContext>();
  ssl::context& context = out->context;
  const auto failed = [](const error_code& error, std::string_view what) {
    return InvalidArgument(std::string(what) + ": " + error.message());
  };
  error_code error;
  context.use_certificate_chain(boost::asio::buffer(config.cert), error);
  if (error) return failed(error, "certificate");
  context.use_private_key(boost::asio::buffer(config.key), ssl::context::pem, error);
  if (error) return failed(error, "private key");
  if (!config.client_ca.empty())
    context.add_certificate_authority(boost::asio::buffer(config.client_ca), error);
  if (error) return failed(error, "client CA");
  SSL_CTX_set_min_proto_version(context.native_handle(), VersionOf(config.min_version));
  SSL_CTX_set_max_proto_version(context.native_handle(), VersionOf(config.max_version));
  // Sessions of another configuration must not be resumed into this one.
  SSL_CTX_set_session_cache_mode(context.native_handle(), SSL_SESS_CACHE_OFF);

  const std::string& type = config.client_auth_type;
  if (type.empty() || type == "NoClientCert") return out;
  ssl::verify_mode mode = ssl::verify_peer;
  if (type.starts_with("Require")) mode |= ssl::verify_fail_if_no_peer_cert;
  context.set_verify_mode(mode, error);
  if (error) return failed(error, "client_auth_type");
  if (type.find("Verify") == std::string::npos)
    context.set_verify_callback([](bool, ssl::verify_context&) { return true; }, error);
  if (error) return failed(error, "client_auth_type");
  return out;
}

}  // namespace tocsin::http
