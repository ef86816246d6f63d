// A delivery over HTTP: one request, and how its answer is judged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alerting/notify/notifier.h"
#include "storage/base/transport.h"

namespace tocsin::alerting {

inline constexpr std::string_view kUserAgent = "Alertmanager/0.34.0";

struct HttpDeliveryOptions {
  Duration timeout{0};           // per attempt; 0: only what is left of the flush
  std::vector<int> retry_codes;  // retried beside 5xx
  // Looks at a 2xx answer; a failure of it is final. May fill in the receiver data.
  std::function<Status(const HttpResponse&, std::map<std::string, std::string>*)> check;
};

// A POST of JSON with the headers every notifier sends.
HttpRequest JsonRequest(std::string url, std::string body,
                        std::shared_ptr<const TransportConfig> config);

std::unique_ptr<Delivery> MakeHttpDelivery(Transport& transport, HttpRequest request,
                                           HttpDeliveryOptions options);

}  // namespace tocsin::alerting
