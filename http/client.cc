#include "http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <unordered_map>

#include "http/client_options.h"

namespace tocsin::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Idle connections kept for reuse; must exceed the number of targets, or each scrape reconnects.
constexpr long kMaxConnections = 4096;

class ClientImpl;

// One transfer under way. Lives on the loop's strand; `finished` tells a late cancellation.
struct Transfer {
  CURL* easy = nullptr;
  CurlRequest options;  // keeps the strings and lists that curl points into
  std::shared_ptr<ResponseHandler> handler;
  std::function<void(Status)> mail_done;
  HttpHeaders headers;
  int status = 0;
  bool headers_given = false;
  bool refused = false;  // the handler or the body limit ended it
  bool too_large = false;
  uint64_t received = 0, limit = 0;
  std::string upload;  // mail text
  size_t uploaded = 0;
  std::atomic<bool> finished{false};
};

// The multi handle and its sockets. Everything below Start runs on one strand of the loop.
class ClientImpl final : public Client, public std::enable_shared_from_this<ClientImpl> {
 public:
  ClientImpl(EventLoop& loop, const FileSystem& files)
      : files_(files), strand_(asio::make_strand(loop.context())), timer_(strand_) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxConnections);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &ClientImpl::OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &ClientImpl::OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }

  ~ClientImpl() override {
    for (auto& [easy, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, easy);
      curl_easy_cleanup(easy);
    }
    curl_multi_cleanup(multi_);
    for (auto& [fd, socket] : sockets_) socket->descriptor.release();
  }

  std::unique_ptr<Exchange> Start(HttpRequest request,
                                  std::shared_ptr<ResponseHandler> handler) override;
  std::unique_ptr<Exchange> Send(const SmtpServer& server, MailMessage message,
                                 std::function<void(Status)> done) override;

 private:
  // A socket that curl owns and Asio watches: release(), never close().
  struct Socket {
    Socket(const asio::strand<asio::io_context::executor_type>& strand, curl_socket_t fd)
        : descriptor(strand, fd) {}
    asio::posix::stream_descriptor descriptor;
    int want = 0;  // CURL_POLL_*
    bool reading = false, writing = false;
    uint64_t generation = 0;
  };

  struct Cancel final : Exchange {
    Cancel(std::shared_ptr<ClientImpl> c, std::shared_ptr<Transfer> t)
        : client(std::move(c)), transfer(std::move(t)) {}
    ~Cancel() override {
      if (transfer->finished.exchange(true)) return;
      asio::post(client->strand_, [c = client, t = transfer] { c->Drop(*t); });
    }
    std::shared_ptr<ClientImpl> client;
    std::shared_ptr<Transfer> transfer;
  };

  std::unique_ptr<Exchange> Launch(std::shared_ptr<Transfer> transfer, Status prepared);
  void Add(const std::shared_ptr<Transfer>& transfer);
  void Drop(Transfer& transfer);
  void Finish(const std::shared_ptr<Transfer>& transfer, CURLcode code);
  static void Report(Transfer& transfer, const TransportResult& result);
  void CheckDone();
  void Watch(const std::shared_ptr<Socket>& socket, curl_socket_t fd);
  void Ready(curl_socket_t fd, const std::shared_ptr<Socket>& socket, int events, bool failed);

  static int OnSocket(CURL*, curl_socket_t fd, int what, void* user, void*);
  static int OnTimer(CURLM*, long timeout_ms, void* user);
  static size_t OnHeader(char* data, size_t, size_t size, void* user);
  static size_t OnBody(char* data, size_t, size_t size, void* user);
  static size_t OnUpload(char* data, size_t size, size_t count, void* user);

  static void GiveHeaders(Transfer& transfer) {
    if (std::exchange(transfer.headers_given, true) || !transfer.handler) return;
    transfer.handler->OnHeaders(transfer.status, transfer.headers);
  }

  const FileSystem& files_;
  asio::strand<asio::io_context::executor_type> strand_;
  asio::steady_timer timer_;
  CURLM* multi_ = nullptr;
  std::unordered_map<CURL*, std::shared_ptr<Transfer>> transfers_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
};

std::unique_ptr<Exchange> ClientImpl::Start(HttpRequest request,
                                            std::shared_ptr<ResponseHandler> handler) {
  auto transfer = std::make_shared<Transfer>();
  transfer->handler = std::move(handler);
  transfer->limit = request.max_response_bytes;
  transfer->easy = curl_easy_init();
  Status prepared = PrepareHttp(transfer->easy, std::move(request), files_, &transfer->options);
  curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, &ClientImpl::OnHeader);
  curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, &ClientImpl::OnBody);
  curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer.get());
  return Launch(std::move(transfer), std::move(prepared));
}

std::unique_ptr<Exchange> ClientImpl::Send(const SmtpServer& server, MailMessage message,
                                           std::function<void(Status)> done) {
  auto transfer = std::make_shared<Transfer>();
  transfer->mail_done = std::move(done);
  transfer->upload = std::move(message.data);
  transfer->easy = curl_easy_init();
  Status prepared = PrepareMail(transfer->easy, server, message, files_, &transfer->options);
  curl_easy_setopt(transfer->easy, CURLOPT_READFUNCTION, &ClientImpl::OnUpload);
  curl_easy_setopt(transfer->easy, CURLOPT_READDATA, transfer.get());
  curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD, 1L);
  return Launch(std::move(transfer), std::move(prepared));
}

std::unique_ptr<Exchange> ClientImpl::Launch(std::shared_ptr<Transfer> transfer, Status prepared) {
  asio::post(strand_, [self = shared_from_this(), transfer, prepared] {
    if (!prepared.ok()) {
      curl_easy_cleanup(transfer->easy);
      if (!transfer->finished.exchange(true)) {
        Report(*transfer, {prepared, TransportPhase::kConnect});
      }
      return;
    }
    if (transfer->finished) {
      curl_easy_cleanup(transfer->easy);
      transfer->easy = nullptr;
      return;
    }
    self->Add(transfer);
  });
  return std::make_unique<Cancel>(shared_from_this(), std::move(transfer));
}

void ClientImpl::Add(const std::shared_ptr<Transfer>& transfer) {
  transfers_.emplace(transfer->easy, transfer);
  curl_multi_add_handle(multi_, transfer->easy);
}

void ClientImpl::Drop(Transfer& transfer) {
  if (!transfer.easy || !transfers_.contains(transfer.easy)) return;
  curl_multi_remove_handle(multi_, transfer.easy);
  curl_easy_cleanup(transfer.easy);
  transfers_.erase(std::exchange(transfer.easy, nullptr));
}

void ClientImpl::Report(Transfer& transfer, const TransportResult& result) {
  if (transfer.handler) {
    transfer.handler->OnDone(result);
  } else {
    transfer.mail_done(result.status);
  }
}

void ClientImpl::CheckDone() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;
    auto it = transfers_.find(easy);
    if (it == transfers_.end()) continue;
    auto transfer = it->second;
    Finish(transfer, code);
  }
}

void ClientImpl::Finish(const std::shared_ptr<Transfer>& transfer, CURLcode code) {
  TransportResult result = DescribeResult(transfer->easy, code, transfer->options);
  if (transfer->too_large) {
    result = {Error(ErrorCode::kLimit, "body size limit exceeded"), TransportPhase::kBody};
  } else if (transfer->refused) {
    result = {Error(ErrorCode::kCanceled, "canceled"), TransportPhase::kBody};
  }
  Drop(*transfer);
  if (transfer->finished.exchange(true)) return;
  if (result.status.ok()) GiveHeaders(*transfer);
  Report(*transfer, result);
}

int ClientImpl::OnTimer(CURLM*, long timeout_ms, void* user) {
  auto* self = static_cast<ClientImpl*>(user);
  if (timeout_ms < 0) {
    self->timer_.cancel();
    return 0;
  }
  self->timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  self->timer_.async_wait([weak = self->weak_from_this()](error_code error) {
    auto client = weak.lock();
    if (error || !client) return;
    int running = 0;
    curl_multi_socket_action(client->multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    client->CheckDone();
  });
  return 0;
}

int ClientImpl::OnSocket(CURL*, curl_socket_t fd, int what, void* user, void*) {
  auto* self = static_cast<ClientImpl*>(user);
  auto it = self->sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (it != self->sockets_.end()) {
      it->second->want = 0;
      ++it->second->generation;
      it->second->descriptor.release();
      self->sockets_.erase(it);
    }
    return 0;
  }
  if (it == self->sockets_.end()) {
    it = self->sockets_.emplace(fd, std::make_shared<Socket>(self->strand_, fd)).first;
  }
  it->second->want = what;
  self->Watch(it->second, fd);
  return 0;
}

void ClientImpl::Watch(const std::shared_ptr<Socket>& socket, curl_socket_t fd) {
  auto arm = [&](bool& armed, asio::posix::descriptor_base::wait_type type, int curl_event) {
    if (std::exchange(armed, true)) return;
    socket->descriptor.async_wait(type,
                                  [weak = weak_from_this(), socket, fd, flag = &armed, curl_event,
                                   generation = socket->generation](error_code error) {
                                    *flag = false;
                                    auto client = weak.lock();
                                    if (!client || generation != socket->generation) return;
                                    client->Ready(fd, socket, curl_event, static_cast<bool>(error));
                                  });
  };
  if (socket->want & CURL_POLL_IN)
    arm(socket->reading, asio::posix::descriptor_base::wait_read, CURL_CSELECT_IN);
  if (socket->want & CURL_POLL_OUT) {
    arm(socket->writing, asio::posix::descriptor_base::wait_write, CURL_CSELECT_OUT);
  }
}

void ClientImpl::Ready(curl_socket_t fd, const std::shared_ptr<Socket>& socket, int events,
                       bool failed) {
  const uint64_t generation = socket->generation;
  const int wanted = events == CURL_CSELECT_IN ? CURL_POLL_IN : CURL_POLL_OUT;
  if (socket->want & wanted) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, failed ? CURL_CSELECT_ERR : events, &running);
    CheckDone();
  }
  auto it = sockets_.find(fd);
  if (!failed && it != sockets_.end() && it->second == socket && generation == socket->generation) {
    Watch(socket, fd);
  }
}

size_t ClientImpl::OnHeader(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // a new block: after a redirect or 100 Continue
    transfer.headers.clear();
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    const size_t space = line.find(' ');
    if (status == 0 && space != std::string_view::npos) {
      status = std::strtol(line.substr(space).data(), nullptr, 10);
    }
    transfer.status = static_cast<int>(status);
    return size;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  transfer.headers.emplace_back(std::string(line.substr(0, colon)), std::string(value));
  return size;
}

size_t ClientImpl::OnBody(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.finished) return 0;
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.status = static_cast<int>(status);
  GiveHeaders(transfer);
  transfer.received += size;
  if (transfer.received > transfer.limit) {
    transfer.too_large = true;
    return 0;
  }
  if (!transfer.handler->OnData({data, size})) {
    transfer.refused = true;
    return 0;
  }
  return size;
}

size_t ClientImpl::OnUpload(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t n = std::min(size * count, transfer.upload.size() - transfer.uploaded);
  std::copy_n(transfer.upload.data() + transfer.uploaded, n, data);
  transfer.uploaded += n;
  return n;
}

}  // namespace

std::unique_ptr<Client> Client::Create(EventLoop& loop, const FileSystem& files) {
  // Exchanges share the client with its owner, who sees only this handle.
  class Handle final : public Client {
   public:
    explicit Handle(std::shared_ptr<ClientImpl> impl) : impl_(std::move(impl)) {}
    std::unique_ptr<Exchange> Start(HttpRequest request,
                                    std::shared_ptr<ResponseHandler> handler) override {
      return impl_->Start(std::move(request), std::move(handler));
    }
    std::unique_ptr<Exchange> Send(const SmtpServer& server, MailMessage message,
                                   std::function<void(Status)> done) override {
      return impl_->Send(server, std::move(message), std::move(done));
    }

   private:
    std::shared_ptr<ClientImpl> impl_;
  };
  return std::make_unique<Handle>(std::make_shared<ClientImpl>(loop, files));
}

}  // namespace tocsin::http
