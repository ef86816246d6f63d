// Real threads: the event loop, pools and strands.
#include "storage/base/event_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "storage/base/thread_pool.h"

namespace tocsin {
namespace {

class EventLoopTest : public ::testing::Test {
 protected:
  EventLoop loop_;
  std::thread thread_{[this] { loop_.Run(); }};

  ~EventLoopTest() override {
    loop_.Stop();
    thread_.join();
  }
};

TEST_F(EventLoopTest, RunsPostsInOrder) {
  std::promise<std::string> done;
  std::string order;
  loop_.Post([&] { order += "a"; });
  loop_.Post([&] { order += "b"; });
  loop_.Post([&] { done.set_value(order + "c"); });
  EXPECT_EQ(done.get_future().get(), "abc");
}

TEST_F(EventLoopTest, TimersFireOnceAndCancelledOnesNever) {
  std::promise<void> done;
  std::atomic<int> fired{0};
  Timer cancelled = loop_.After(Duration{5}, [&] { fired += 100; });
  cancelled.Cancel();
  {
    Timer dropped = loop_.After(Duration{5}, [&] { fired += 100; });
  }
  Timer kept = loop_.After(Duration{1}, [&] { ++fired; });
  Timer last = loop_.After(Duration{40}, [&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(fired, 1);
}

TEST(ThreadPool, RunsEverythingBeforeItStops) {
  std::atomic<int> count{0};
  {
    ThreadPool pool("test", 3);
    for (int i = 0; i < 1000; ++i) pool.Post([&] { ++count; });
  }
  EXPECT_EQ(count, 1000);
}

TEST(Strand, RunsOneAtATimeInOrder) {
  ThreadPool pool("test", 4);
  Strand strand(pool);
  std::vector<int> seen;  // no lock: that is the point
  std::promise<void> done;
  for (int i = 0; i < 1000; ++i) strand.Post([&seen, i] { seen.push_back(i); });
  strand.Post([&] { done.set_value(); });
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[i], i);
}

}  // namespace
}  // namespace tocsin
