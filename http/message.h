// A request and its response, as handlers see them. Values.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/base/transport.h"

namespace tocsin::http {

// Decoded parameters, repeated ones kept, in order.
using Params = std::vector<std::pair<std::string, std::string>>;
// Form encoding: '+' is a space, %XX decoded. kInvalidArgument: a '%' without two hex digits.
Result<Params> ParseForm(std::string_view text);
// Malformed escapes stay as they are.
std::string PercentDecode(std::string_view text);
std::string PercentEncode(std::string_view text);  // query component, space as +

struct Request {
  std::string method;
  std::string path;   // decoded; "%2F" in a segment stays encoded
  std::string query;  // raw
  HttpHeaders headers;
  std::string body;
  std::string remote_address;
  // Filled by the server from the URL and, for POST with a form body, from the body first.
  Params params;
  Status form;  // the error of a parameter that cannot be decoded; then `params` is incomplete
  // Set when the client has gone; long work checks it.
  std::shared_ptr<std::atomic<bool>> canceled = std::make_shared<std::atomic<bool>>(false);

  std::string_view header(std::string_view name) const;   // case-insensitive; empty when absent
  const std::string* param(std::string_view name) const;  // first; null when absent
  std::vector<std::string> param_list(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  HttpHeaders headers;  // besides content type and length
};

// Copyable; the first call counts. Every copy has to be gone before the event loop goes.
using Responder = std::function<void(Response)>;

}  // namespace tocsin::http
