#include "storage/config/transport_config.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

Result<TransportConfig> Read(const std::string& yaml) {
  const auto node = ParseYaml(yaml, "f.yml");
  if (!node.ok()) return node.error();
  StrictMap map(*node, "config.HTTPClientConfig");
  auto config = ReadTransportConfig(map, "/etc/tocsin/f.yml");
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return config;
}

TEST(TransportConfig, ReadsAndResolvesFiles) {
  const auto config = Read(
      "basic_auth: {username: u, password_file: secrets/p}\n"
      "tls_config: {ca_file: /abs/ca, server_name: s, min_version: TLS12}\n"
      "follow_redirects: false\nproxy_url: http://proxy:3128\nno_proxy: localhost\n"
      "http_headers: {X-Site: {values: [a], secrets: [b], files: [h]}}\n");
  ASSERT_TRUE(config.ok()) << config.error().message();
  EXPECT_EQ(config->basic_auth->username, "u");
  EXPECT_EQ(config->basic_auth->password_file, "/etc/tocsin/secrets/p");
  EXPECT_EQ(config->tls.ca_file, "/abs/ca");
  EXPECT_FALSE(config->follow_redirects);
  EXPECT_TRUE(config->enable_http2);
  EXPECT_EQ(config->http_headers.at("X-Site").secrets.at(0).Reveal(), "b");
  EXPECT_EQ(config->http_headers.at("X-Site").files.at(0), "/etc/tocsin/h");
}

TEST(TransportConfig, BearerTokenIsAuthorization) {
  const auto config = Read("bearer_token: t\n");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->authorization->type, "Bearer");
  EXPECT_EQ(config->authorization->credentials.Reveal(), "t");
}

TEST(TransportConfig, BadOnesHavePrometheusWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"basic_auth: {username: u}\nauthorization: {credentials: c}\n",
       "at most one of basic_auth, oauth2 & authorization must be configured"},
      {"basic_auth: {password: p, password_file: f}\n",
       "at most one of basic_auth password & password_file must be configured"},
      {"authorization: {type: Basic}\n", "use \"basic_auth\" instead"},
      {"bearer_token: a\nbearer_token_file: b\n",
       "at most one of bearer_token & bearer_token_file must be configured"},
      {"oauth2: {token_url: http://t}\n", "oauth2 client_id must be configured"},
      {"oauth2: {client_id: x}\n", "oauth2 token_url must be configured"},
      {"oauth2: {client_id: x, token_url: u, client_secret: a, client_secret_file: b}\n",
       "at most one of oauth2 client_secret & client_secret_file"},
      {"oauth2: {client_id: x, token_url: u, grant_type: jwt}\n",
       "oauth2 grant_type \"jwt\" is not available"},
      {"oauth2: {client_id: x, token_url: u, iss: y}\n", "field iss not found"},
      {"oauth2: {client_id: x, token_url: u}\nauthorization: {credentials: c}\n",
       "at most one of basic_auth, oauth2 & authorization must be configured"},
      {"no_proxy: x\n", "if no_proxy is configured, proxy_url must also be configured"},
      {"proxy_from_environment: true\nproxy_url: http://p\n", "proxy_url must not be configured"},
      {"http_headers: {Authorization: {values: [x]}}\n", "is not allowed"},
      {"http_headers: {X: {values: [\"a\\nb\"]}}\n", "one line"},
      {"tls_config: {cert_file: a}\n", "exactly one of key or key_file"},
      {"tls_config: {min_version: TLS9}\n", "unknown TLS version: TLS9"},
      {"tls_config: {ca_fil: a}\n", "field ca_fil not found in type config.TLSConfig"},
  };
  for (const auto& [yaml, message] : cases) {
    const auto config = Read(yaml);
    ASSERT_FALSE(config.ok()) << yaml;
    EXPECT_NE(config.error().message().find(message), std::string::npos)
        << config.error().message();
  }
}

}  // namespace
}  // namespace tocsin
