#include "http/server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/strand.hpp>
#include <mutex>
#include <optional>
#include <set>

#include "http/session.h"
#include "http/tls.h"

namespace tocsin::http {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

// Between two looks at the deadlines of sessions.
constexpr Duration kMinSweep{10};
constexpr Duration kMaxSweep{1000};
constexpr Duration kAcceptRetry{100};

Duration SweepInterval(const ServerOptions& options) {
  const Duration shortest = std::min({options.read_timeout, options.first_byte_timeout,
                                      options.header_timeout, options.body_timeout});
  return std::clamp(shortest / 4, kMinSweep, kMaxSweep);
}

class ServerImpl final : public Server,
                         public SessionHost,
                         public std::enable_shared_from_this<ServerImpl> {
 public:
  ServerImpl(EventLoop& loop, ServerOptions options, Handler handler, MetricRegistry& metrics)
      : loop_(loop),
        options_(std::move(options)),
        handler_(std::move(handler)),
        sweep_interval_(SweepInterval(options_)),
        connections_(metrics.GetGauge("tocsin_http_connections", "Open HTTP connections.")),
        shed_(metrics.GetCounter("tocsin_http_connections_shed_total",
                                 "Connections that waited for their clients and had to make place "
                                 "for new ones.")),
        accept_errors_(metrics.GetCounter("tocsin_http_accept_errors_total",
                                          "Connections that could not be accepted, for want of a "
                                          "file descriptor say; tried again after 100 ms.")) {}

  Status Listen();
  void Stop(Duration grace) override;
  std::vector<std::string> addresses() const override { return addresses_; }

  const ServerOptions& options() const override { return options_; }
  const Handler& handler() const override { return handler_; }
  void Enter(Session* session) override;
  void Leave(Session* session) override;
  uint64_t NextTurn() override { return turns_.fetch_add(1, std::memory_order_relaxed) + 1; }
  bool crowded() const override { return crowded_.load(); }
  bool TakeBody(uint64_t bytes) override {
    if (bodies_.fetch_add(bytes) + bytes <= options_.all_bodies_bytes) return true;
    bodies_ -= bytes;
    return false;
  }
  void GiveBody(uint64_t bytes) override { bodies_ -= bytes; }
  int64_t SweepAfter(Duration duration) const override {
    // The next one may come at once.
    return sweeps_.load() + 1 + (duration + sweep_interval_ - Duration{1}) / sweep_interval_;
  }

 private:
  struct Listener {
    explicit Listener(asio::io_context& context) : acceptor(context) {}
    tcp::acceptor acceptor;
    tcp::endpoint peer;                 // of the connection accepted last
    std::optional<tcp::socket> parked;  // accepted when there was no place
    Timer again;                        // after an accept that failed
  };

  void Accept(const std::shared_ptr<Listener>& listener);
  void AcceptLater(const std::shared_ptr<Listener>& listener);
  void Admit(const std::shared_ptr<Listener>& listener, tcp::socket socket);
  bool MakePlace();      // REQUIRES: mutex_ held
  void ScheduleSweep();  // REQUIRES: mutex_ held
  void Sweep();

  EventLoop& loop_;
  const ServerOptions options_;
  const Handler handler_;
  const Duration sweep_interval_;
  const Gauge connections_;
  const Counter shed_, accept_errors_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<std::string> addresses_;
  std::mutex mutex_;
  std::set<Session*> sessions_;
  std::atomic<uint64_t> turns_{0};
  std::atomic<uint64_t> bodies_{0};
  std::atomic<bool> crowded_{false};
  bool stopped_ = false;
  std::atomic<int64_t> sweeps_{0};
  bool sweeping_ = false;  // guarded by mutex_
  Timer sweeper_;          // guarded by mutex_
};

// Nothing stands for every address, as in Go; a name is looked up (once, before anything is
// served).
asio::ip::address AddressOf(asio::io_context& context, const std::string& host, error_code& error) {
  if (host.empty()) return asio::ip::address_v6::any();
  const auto ip = asio::ip::make_address(host, error);
  if (!error) return ip;
  const auto found = tcp::resolver(context).resolve(host, "", error);
  if (error || found.empty()) return {};
  for (const auto& entry : found)
    if (entry.endpoint().address().is_v4()) return entry.endpoint().address();
  return found.begin()->endpoint().address();
}

void Bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, error_code& error) {
  error_code ignored;
  acceptor.close(ignored);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint.address() == asio::ip::address_v6::any())
    acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
}

Status ServerImpl::Listen() {
  for (const std::string& address : options_.listen_addresses) {
    const size_t colon = address.rfind(':');
    auto fail = [&](const std::string& why) {
      return Error(ErrorCode::kIo, "cannot listen on " + address + ": " + why);
    };
    if (colon == std::string::npos) return fail("no port; write host:port");
    std::string host = address.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    error_code error;
    const auto ip = AddressOf(loop_.context(), host, error);
    if (error) return fail(error.message());
    int port = -1;
    try {
      port = std::stoi(address.substr(colon + 1));
    } catch (const std::exception&) {
    }
    if (port < 0 || port > 65535) return fail("not a port number");

    const tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
    auto listener = std::make_shared<Listener>(loop_.context());
    tcp::acceptor& acceptor = listener->acceptor;
    Bind(acceptor, endpoint, error);
    // Every address of the machine: a kernel without IPv6 has those of IPv4.
    if (error && host.empty()) Bind(acceptor, {tcp::v4(), endpoint.port()}, error);
    if (error) return fail(error.message());
    const auto bound = acceptor.local_endpoint(error);
    addresses_.push_back(address.substr(0, colon + 1) + std::to_string(bound.port()));
    listeners_.push_back(std::move(listener));
  }
  for (const auto& listener : listeners_) Accept(listener);
  return OkStatus();
}

void ServerImpl::Accept(const std::shared_ptr<Listener>& listener) {
  listener->acceptor.async_accept(
      asio::make_strand(loop_.context()), listener->peer,
      [self = shared_from_this(), listener](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (error) return self->AcceptLater(listener);
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        self->Admit(listener, std::move(socket));
      });
}

// What is wrong (no descriptor left, say) will not be right at once: at once would be a busy loop.
void ServerImpl::AcceptLater(const std::shared_ptr<Listener>& listener) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  accept_errors_.Add();
  listener->again = loop_.After(kAcceptRetry, [weak = weak_from_this(), listener] {
    if (const auto self = weak.lock()) self->Accept(listener);
  });
}

// Starts the connection when there is a place or one can be made; else it waits for one, and those
// behind it wait in the kernel.
void ServerImpl::Admit(const std::shared_ptr<Listener>& listener, tcp::socket socket) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (sessions_.size() >= static_cast<size_t>(options_.max_connections)) {
      crowded_ = true;  // before looking: a session that begins to wait looks the other way round
      if (!MakePlace()) {
        listener->parked.emplace(std::move(socket));
        return;  // Leave() goes on
      }
      crowded_ = false;
    }
  }
  std::string peer =
      listener->peer.address().to_string() + ":" + std::to_string(listener->peer.port());
  auto tls = options_.tls ? options_.tls() : nullptr;
  std::make_shared<Session>(std::move(socket), std::move(peer), std::move(tls), shared_from_this())
      ->Start();
  Accept(listener);
}

// Closes the session that has been waiting for its client the longest.
bool ServerImpl::MakePlace() {
  Session* oldest = nullptr;
  for (Session* session : sessions_) {
    const uint64_t since = session->waiting_since();
    if (since != 0 && (oldest == nullptr || since < oldest->waiting_since())) oldest = session;
  }
  if (oldest == nullptr) return false;
  shed_.Add();
  oldest->Shed();
  return true;
}

void ServerImpl::Enter(Session* session) {
  std::lock_guard lock(mutex_);
  sessions_.insert(session);
  if (!sweeping_) ScheduleSweep();
  connections_.Set(static_cast<double>(sessions_.size()));
}

void ServerImpl::ScheduleSweep() {
  sweeping_ = true;
  sweeper_ = loop_.After(sweep_interval_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Sweep();
  });
}

// Only while there are sessions.
void ServerImpl::Sweep() {
  const int64_t sweep = sweeps_.fetch_add(1) + 1;
  std::lock_guard lock(mutex_);
  for (Session* session : sessions_) session->CheckDeadline(sweep);
  sweeping_ = false;
  if (!sessions_.empty()) ScheduleSweep();
}

void ServerImpl::Leave(Session* session) {
  std::lock_guard lock(mutex_);
  sessions_.erase(session);
  if (stopped_) return;  // the loop may drop its last sessions after the registry has gone
  connections_.Set(static_cast<double>(sessions_.size()));
  if (!crowded_.exchange(false)) return;
  loop_.Post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    for (const auto& listener : self->listeners_) {
      std::optional<tcp::socket> socket;
      {
        std::lock_guard again(self->mutex_);
        socket.swap(listener->parked);
      }
      if (socket) self->Admit(listener, *std::move(socket));
    }
  });
}

void ServerImpl::Stop(Duration grace) {
  auto stop_sessions = [weak = weak_from_this()](bool force) {
    auto self = weak.lock();
    if (!self) return;
    std::lock_guard lock(self->mutex_);
    for (Session* session : self->sessions_) session->Stop(force);
  };
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  loop_.Post([self = shared_from_this()] {
    for (const auto& listener : self->listeners_) {
      error_code ignored;
      listener->acceptor.close(ignored);
    }
  });
  stop_sessions(false);
  // The timer must outlive this call; it holds itself until it has fired.
  auto timer = std::make_shared<Timer>();
  *timer = loop_.After(grace, [timer, stop_sessions] { stop_sessions(true); });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(EventLoop& loop, ServerOptions options,
                                              Handler handler, MetricRegistry& metrics) {
  // Sessions share the server with its owner, who sees only this handle.
  class Handle final : public Server {
   public:
    explicit Handle(std::shared_ptr<ServerImpl> impl) : impl_(std::move(impl)) {}
    ~Handle() override { impl_->Stop(Duration{0}); }
    void Stop(Duration grace) override { impl_->Stop(grace); }
    std::vector<std::string> addresses() const override { return impl_->addresses(); }

   private:
    std::shared_ptr<ServerImpl> impl_;
  };
  auto impl = std::make_shared<ServerImpl>(loop, std::move(options), std::move(handler), metrics);
  TOCSIN_RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<Server>(std::make_unique<Handle>(std::move(impl)));
}

}  // namespace tocsin::http
