#include "storage/base/transport.h"

#include <strings.h>

namespace tocsin {
namespace {

class Collector final : public ResponseHandler {
 public:
  explicit Collector(FetchCallback done) : done_(std::move(done)) {}

  void OnHeaders(int status, const HttpHeaders& headers) override {
    response_.status = status;
    response_.headers = headers;
  }
  bool OnData(std::string_view data) override {
    response_.body.append(data);
    return true;
  }
  void OnDone(const TransportResult& result) override {
    if (result.status.ok()) {
      done_(std::move(response_), result.phase);
    } else {
      done_(result.status.error(), result.phase);
    }
  }

 private:
  FetchCallback done_;
  HttpResponse response_;
};

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), key.size()) == 0) {
      return value;
    }
  }
  return {};
}

std::unique_ptr<Exchange> Fetch(Transport& transport, HttpRequest request, FetchCallback done) {
  return transport.Start(std::move(request), std::make_shared<Collector>(std::move(done)));
}

}  // namespace tocsin
