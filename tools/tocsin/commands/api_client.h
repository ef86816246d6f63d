// One HTTP request at a time to a running server, for the verbs that ask one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/json.h"
#include "storage/base/result.h"
#include "storage/base/transport.h"
#include "storage/config/transport_config.h"

namespace tocsin::commands {

using QueryParams = std::vector<std::pair<std::string, std::string>>;

// "a=b&c=d" with everything escaped that a URL wants escaped.
std::string EncodeParams(const QueryParams& params);
std::string EscapePathSegment(std::string_view text);

class ApiClient {
 public:
  // `config_file`: an http_config in a file of its own; empty: none. kInvalidArgument.
  static Result<ApiClient> Create(std::string base_url, Duration timeout,
                                  const std::string& config_file);

  // Blocks until the answer is there. An answer of any status is no error here.
  Result<HttpResponse> Send(const std::string& method, const std::string& path,
                            const std::string& content_type = "", std::string body = "",
                            HttpHeaders headers = {}) const;

  const std::string& base_url() const { return base_url_; }

 private:
  std::string base_url_;  // without a trailing slash
  Duration timeout_{30'000};
  std::shared_ptr<const TransportConfig> config_;
};

// Writes a parsed document again.
std::string ToJson(const JsonValue& value);
// The string member of that name; empty when there is none.
std::string TextOf(const JsonValue& json, std::string_view key);

}  // namespace tocsin::commands
