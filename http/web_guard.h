// What --web.config.file asks for, before the router: TLS, passwords, headers.
#pragma once

#include <memory>
#include <string>

#include "http/server.h"
#include "http/web_config.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"

namespace tocsin::http {

// Reads the file and what it names again when they have changed, at most once a second, as
// connections and requests come: a renewed certificate and a new password count at once. A changed
// file that is broken leaves what was before, with an error in the log. Whether TLS is spoken at
// all is settled at the start.
//
// Thread-safe. REQUIRES: what it is made of outlives it.
class WebGuard {
 public:
  // Passwords are checked on `passwords`, one at a time; a right one is remembered.
  static Result<std::shared_ptr<WebGuard>> Load(const std::string& file, const FileSystem& files,
                                                const Clock& clock, Executor& passwords);
  virtual ~WebGuard() = default;

  // Of a new connection; null: plain HTTP.
  virtual std::shared_ptr<TlsContext> Tls() = 0;
  // `next` for those who may, on any thread; 401 for the others; the headers for all. With more
  // than 64 passwords waiting to be checked: 503.
  virtual Handler Protect(Handler next) = 0;
};

}  // namespace tocsin::http
