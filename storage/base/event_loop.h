// The one event loop of the process: timers, sockets of the HTTP server, sockets of the client.
// Whoever needs its Asio context includes Asio itself (storage/base/*.cc and http/ only).
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "storage/base/scheduler.h"

namespace boost::asio {
class io_context;
}

namespace tocsin {

// Thread-safe. Run() may be called by several threads, which then share the callbacks.
class EventLoop final : public Scheduler {
 public:
  EventLoop();
  ~EventLoop() override;

  Timer After(Duration delay, std::function<void()> fn) override;
  void Post(std::function<void()> fn) override;

  // Runs callbacks until Stop(). The root calls it from the I/O threads.
  void Run();
  void Stop();

  // Calls `fn` with the signal number, on the loop, each time one of `signals` arrives.
  void OnSignals(std::initializer_list<int> signals, std::function<void(int)> fn);

  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tocsin
