#include "tools/tocsin/lifecycle.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tocsin {
namespace {

TEST(Lifecycle, ServesReloadsInOrderThenStops) {
  Lifecycle lifecycle;
  std::vector<int> order;
  lifecycle.RequestReload([&](const Status& status) {
    EXPECT_TRUE(status.ok());
    order.push_back(1);
  });
  lifecycle.RequestReload([&](const Status&) {
    order.push_back(2);
    lifecycle.RequestStop();
  });
  int reloads = 0;
  lifecycle.Run([&] {
    ++reloads;
    return OkStatus();
  });
  EXPECT_EQ(reloads, 2);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(Lifecycle, EveryRequestIsAnswered) {
  Lifecycle lifecycle;
  lifecycle.RequestStop();
  ErrorCode code = ErrorCode::kInternal;
  lifecycle.RequestReload([&](const Status& status) { code = status.error().code(); });
  lifecycle.Run([] { return OkStatus(); });
  EXPECT_EQ(code, ErrorCode::kUnavailable);
}

TEST(Lifecycle, RequestsFromOtherThreads) {
  Lifecycle lifecycle;
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) lifecycle.RequestReload([&](const Status&) { ++answered; });
    });
  std::thread stopper([&] {
    for (std::thread& thread : threads) thread.join();
    lifecycle.RequestStop();
  });
  lifecycle.Run([] { return OkStatus(); });
  stopper.join();
  EXPECT_EQ(answered, 200);
}

}  // namespace
}  // namespace tocsin
