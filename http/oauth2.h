// OAuth 2.0 client credentials (RFC 6749, 4.4) in front of a transport.
#pragma once

#include <memory>

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/scheduler.h"
#include "storage/base/transport.h"

namespace tocsin::http {

// Passes exchanges on; one whose configuration has `oauth2` first gets a token, which all exchanges
// of an equal configuration share until shortly before it expires. A 401 from the other side makes
// the next exchange ask for a new one. The exchange's timeout covers both requests. A token that
// cannot be had fails the exchange with "oauth2: cannot fetch token: ..."; neither the secret nor
// the answer of the token's server shows.
//
// Thread-safe. REQUIRES: what it is made of outlives it and its exchanges; handlers are called on
// `scheduler`.
class Oauth2Transport final : public Transport {
 public:
  Oauth2Transport(Transport& inner, const Clock& clock, Scheduler& scheduler,
                  const FileSystem& files);
  ~Oauth2Transport() override;

  std::unique_ptr<Exchange> Start(HttpRequest request,
                                  std::shared_ptr<ResponseHandler> handler) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tocsin::http
