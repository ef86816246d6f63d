#include "storage/base/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tocsin {

namespace asio = boost::asio;

struct EventLoop::Impl {
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::unique_ptr<asio::signal_set> signals;

  void WaitForSignal(const std::shared_ptr<std::function<void(int)>>& fn) {
    signals->async_wait([this, fn](const boost::system::error_code& error, int number) {
      if (error) return;
      (*fn)(number);
      WaitForSignal(fn);
    });
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

Timer EventLoop::After(Duration delay, std::function<void()> fn) {
  // The flag, not the timer, decides: a timer that has already expired can no longer be cancelled
  // although its callback has not begun.
  struct State {
    State(asio::io_context& context, Duration d) : timer(context, d) {}
    asio::steady_timer timer;
    std::atomic<bool> done{false};
  };
  auto state = std::make_shared<State>(impl_->context, std::max(delay, Duration{0}));
  state->timer.async_wait([state, fn = std::move(fn)](const boost::system::error_code&) {
    if (!state->done.exchange(true)) fn();
  });
  std::weak_ptr<State> weak = state;
  return Timer([weak, context = &impl_->context] {
    auto locked = weak.lock();
    if (!locked || locked->done.exchange(true)) return;
    // Asio timers are not thread-safe: the cancellation itself runs on the loop.
    asio::post(*context, [locked] { locked->timer.cancel(); });
  });
}

void EventLoop::Post(std::function<void()> fn) { asio::post(impl_->context, std::move(fn)); }

void EventLoop::Run() { impl_->context.run(); }

void EventLoop::Stop() { impl_->context.stop(); }

void EventLoop::OnSignals(std::initializer_list<int> signals, std::function<void(int)> fn) {
  impl_->signals = std::make_unique<asio::signal_set>(impl_->context);
  for (int number : signals) impl_->signals->add(number);
  impl_->WaitForSignal(std::make_shared<std::function<void(int)>>(std::move(fn)));
}

boost::asio::io_context& EventLoop::context() { return impl_->context; }

}  // namespace tocsin
