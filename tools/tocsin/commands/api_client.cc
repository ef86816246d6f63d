#include "tools/tocsin/commands/api_client.h"

#include <fmt/format.h>

#include <optional>

#include "http/client.h"
#include "storage/base/event_loop.h"
#include "storage/base/file_system.h"
#include "storage/config/yaml_reader.h"

namespace tocsin::commands {
namespace {

Result<std::shared_ptr<const TransportConfig>> ReadHttpConfig(const std::string& file) {
  if (file.empty()) return std::shared_ptr<const TransportConfig>();
  TOCSIN_ASSIGN(const std::string text, RealFileSystem().ReadFile(file));
  TOCSIN_ASSIGN(const YamlNode root, ParseYaml(text, file));
  StrictMap map(root, "http_config");
  TOCSIN_ASSIGN(TransportConfig config, ReadTransportConfig(map, file));
  TOCSIN_RETURN_IF_ERROR(map.Finish());
  return std::shared_ptr<const TransportConfig>(
      std::make_shared<const TransportConfig>(std::move(config)));
}

void Append(JsonWriter& json, const JsonValue& value) {
  if (const bool* b = value.AsBool()) {
    json.Bool(*b);
  } else if (const double* d = value.AsNumber()) {
    json.Double(*d);
  } else if (const std::string* s = value.AsString()) {
    json.String(*s);
  } else if (const auto* array = value.AsArray()) {
    json.BeginArray();
    for (const JsonValue& item : *array) Append(json, item);
    json.EndArray();
  } else if (const auto* object = value.AsObject()) {
    json.BeginObject();
    for (const auto& [key, member] : *object) Append(json.Key(key), member);
    json.EndObject();
  } else {
    json.Null();
  }
}

}  // namespace

std::string EscapePathSegment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string EncodeParams(const QueryParams& params) {
  std::string out;
  for (const auto& [name, value] : params) {
    if (!out.empty()) out += '&';
    out += EscapePathSegment(name) + "=" + EscapePathSegment(value);
  }
  return out;
}

Result<ApiClient> ApiClient::Create(std::string base_url, Duration timeout,
                                    const std::string& config_file) {
  if (!base_url.starts_with("http://") && !base_url.starts_with("https://")) {
    return InvalidArgument(
        fmt::format("invalid URL \"{}\": it must begin with http:// or https://", base_url));
  }
  while (base_url.ends_with('/')) base_url.pop_back();
  ApiClient client;
  client.base_url_ = std::move(base_url);
  client.timeout_ = timeout;
  TOCSIN_ASSIGN(client.config_, ReadHttpConfig(config_file));
  return client;
}

Result<HttpResponse> ApiClient::Send(const std::string& method, const std::string& path,
                                     const std::string& content_type, std::string body,
                                     HttpHeaders headers) const {
  HttpRequest request;
  request.method = method;
  request.url = base_url_ + path;
  request.headers = std::move(headers);
  if (!content_type.empty()) request.headers.emplace_back("Content-Type", content_type);
  request.body = std::move(body);
  request.timeout = timeout_;
  request.config = config_;
  request.accept_compressed = true;
  EventLoop loop;
  const auto client = http::Client::Create(loop, RealFileSystem());
  std::optional<Result<HttpResponse>> answer;
  std::unique_ptr<Exchange> exchange;
  loop.Post([&] {
    exchange = Fetch(*client, std::move(request),
                     [&](Result<HttpResponse> response, TransportPhase /*phase*/) {
                       answer = std::move(response);
                       loop.Stop();
                     });
  });
  loop.Run();
  if (!answer) return Internal("the request was not answered");
  return *std::move(answer);
}

std::string ToJson(const JsonValue& value) {
  std::string out;
  JsonWriter json(out);
  Append(json, value);
  return out;
}

std::string TextOf(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : "";
}

}  // namespace tocsin::commands
