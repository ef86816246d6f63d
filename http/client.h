// Transport and mailer on libcurl's multi interface, driven by the event loop.
#pragma once

#include <memory>
#include <string>

#include "storage/base/event_loop.h"
#include "storage/base/file_system.h"
#include "storage/base/mailer.h"
#include "storage/base/transport.h"

namespace tocsin::http {

class Client : public Transport, public Mailer {
 public:
  // REQUIRES: `loop` and `files` outlive the client. `files` reads *_file secrets.
  static std::unique_ptr<Client> Create(EventLoop& loop, const FileSystem& files);
};

}  // namespace tocsin::http
