#include "ingest/scrape/scrape_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/base/log.h"

namespace tocsin::ingest {
namespace {

// What the buffer of a page starts with beyond the size of the page before.
constexpr size_t kBodySlack = 1024;

// `Get "URL": reason`; transports that say so themselves are left alone.
std::string TransportError(const std::string& url, const Error& error) {
  const std::string prefix = fmt::format("Get \"{}\": ", url);
  if (error.code() == ErrorCode::kTimeout) return prefix + "context deadline exceeded";
  return error.message().starts_with("Get \"") ? error.message() : prefix + error.message();
}

}  // namespace

// One scrape on its way from the tick to the store.
struct ScrapeLoop::Fetched {
  explicit Fetched(std::shared_ptr<BodyBudget> bodies) : lease(std::move(bodies)) {}
  void DropBody() {
    body = std::string();
    lease.Return();
  }

  TaskGate::Token token;
  Timestamp t;
  MonotonicTime started;
  std::string error;  // not empty: there is no page
  bool over_body_limit = false;
  std::string content_type;
  std::string body;
  BodyBudget::Lease lease;  // of the body
};

// What became of a page on its way into the appender.
struct ScrapeLoop::Written {
  std::unique_ptr<storage::Appender> appender;  // null: the store failed, see `error`
  std::string error;                            // of the scrape
  TargetSeries::Outcome outcome;
  double duration = 0;
};

// Collects the answer. Lives on the event loop.
class ScrapeLoop::PageHandler final : public ResponseHandler {
 public:
  PageHandler(std::weak_ptr<ScrapeLoop> loop, std::shared_ptr<Fetched> fetched, size_t expected)
      : loop_(std::move(loop)), fetched_(std::move(fetched)), expected_(expected) {}

  void OnHeaders(int status, const HttpHeaders& headers) override {
    status_ = status;
    HttpResponse head;
    head.headers = headers;
    fetched_->content_type = head.header("Content-Type");
    fetched_->DropBody();
  }
  bool OnData(std::string_view data) override {
    if (status_ != 200) return true;  // an error page: read to its end, so that the socket lives
    if (!fetched_->lease.Take(data.size())) {
      no_room_ = true;
      fetched_->DropBody();
      return false;
    }
    if (fetched_->body.empty()) fetched_->body.reserve(std::max(expected_, data.size()));
    fetched_->body.append(data);
    return true;
  }
  void OnDone(const TransportResult& result) override {
    const auto loop = loop_.lock();
    if (loop == nullptr) {
      fetched_.reset();
      return;
    }
    if (no_room_) {
      fetched_->error =
          "no memory for the page: those of all targets that are being read take "
          "more than " +
          std::to_string(loop->context_.bodies->max()) + " bytes";
      loop->context_.metrics.exceeded_body_limit.Add();
    } else if (status_ != 0 && status_ != 200) {
      fetched_->error = StatusError(status_);
    } else if (!result.status.ok()) {
      const Error& error = result.status.error();
      fetched_->over_body_limit = error.code() == ErrorCode::kLimit;
      fetched_->error = fetched_->over_body_limit ? "body size limit exceeded"
                                                  : TransportError(loop->target().url, error);
    }
    loop->OnFetched(std::move(fetched_));
  }

 private:
  const std::weak_ptr<ScrapeLoop> loop_;
  std::shared_ptr<Fetched> fetched_;
  const size_t expected_;
  int status_ = 0;
  bool no_room_ = false;
};

std::shared_ptr<ScrapeLoop> ScrapeLoop::Create(ScrapeContext& context,
                                               std::shared_ptr<const ScrapeConfig> config,
                                               std::shared_ptr<const TransportConfig> transport,
                                               ScrapeTarget target) {
  return std::shared_ptr<ScrapeLoop>(
      new ScrapeLoop(context, std::move(config), std::move(transport), std::move(target)));
}

ScrapeLoop::ScrapeLoop(ScrapeContext& context, std::shared_ptr<const ScrapeConfig> config,
                       std::shared_ptr<const TransportConfig> transport, ScrapeTarget target)
    : context_(context),
      config_(std::move(config)),
      transport_(std::move(transport)),
      target_(std::move(target)),
      hash_(target_.Hash()),
      tolerance_(std::min(Duration{2}, target_.interval / 100)),
      strand_(context.ports.workers),
      sample_labels_(*config_, target_.labels),
      series_(target_.labels,
              config_->extra_scrape_metrics ? kReportSeries.size() : kBasicReportSeries,
              config_->track_timestamps_staleness),
      families_(context.families) {}

ScrapeLoop::~ScrapeLoop() = default;

void ScrapeLoop::Start() {
  if (auto before = context_.retiring.Take(target_.labels)) before->HandOver(shared_from_this());
  std::lock_guard lock(mutex_);
  scheduled_ = FirstScrape(hash_, context_.seed, target_.interval, context_.ports.clock.Now());
  Arm();
}

void ScrapeLoop::Stop() { End(Life::kStopped); }

bool ScrapeLoop::End(Life life) {
  std::unique_ptr<Exchange> exchange;  // ended outside the lock
  std::lock_guard lock(mutex_);
  const bool running = life_ == Life::kRunning;
  if (life_ == Life::kStopped || (!running && life == Life::kRetiring)) return false;
  life_ = life;
  timer_.Cancel();
  exchange = std::move(exchange_);
  return true;
}

void ScrapeLoop::Retire() {
  if (!End(Life::kRetiring)) return;
  context_.retiring.Add(target_.labels, shared_from_this());
  std::lock_guard lock(mutex_);
  const Timestamp marker = scheduled_;
  const Duration wait =
      (marker - context_.ports.clock.Now()) + target_.interval + target_.interval / 10;
  timer_ = context_.ports.scheduler.After(wait, [weak = weak_from_this(), marker] {
    if (const auto self = weak.lock()) self->EndRetirement(marker);
  });
}

void ScrapeLoop::EndRetirement(Timestamp marker) {
  TaskGate::Token token;
  {
    std::lock_guard lock(mutex_);
    if (life_ != Life::kRetiring) return;
    life_ = Life::kStopped;
    token = context_.gate.Enter();
  }
  context_.retiring.Remove(target_.labels, this);
  strand_.Post([self = shared_from_this(), marker, token] { self->WriteEnd(marker); });
}

void ScrapeLoop::ForceError(std::string error) {
  std::lock_guard lock(mutex_);
  forced_error_ = std::move(error);
}

TargetStatus ScrapeLoop::GetTargetStatus() const {
  TargetStatus out;
  out.scrape_pool = config_->job_name;
  out.discovered_labels = target_.discovered;
  out.labels = target_.labels;
  out.url = target_.url;
  out.interval = target_.interval;
  out.timeout = target_.timeout;
  std::lock_guard lock(mutex_);
  out.health = health_;
  out.last_error = last_error_;
  out.last_scrape = last_scrape_;
  out.scraped = health_ != TargetHealth::kUnknown;
  out.last_duration_seconds = last_duration_;
  return out;
}

std::vector<SharedFamily> ScrapeLoop::Families(const std::string& metric) const {
  std::vector<SharedFamily> out;
  std::lock_guard lock(families_mutex_);
  if (metric.empty()) {
    families_.ForEach([&](const SharedFamily& family) { out.push_back(family); });
  } else if (auto family = families_.Find(metric)) {
    out.push_back(std::move(family));
  }
  return out;
}

size_t ScrapeLoop::family_count() const {
  std::lock_guard lock(families_mutex_);
  return families_.size();
}

void ScrapeLoop::Arm() {
  const Timestamp now = context_.ports.clock.Now();
  timer_ = context_.ports.scheduler.After(scheduled_ - now, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Tick();
  });
}

Timestamp ScrapeLoop::TakeTick() {
  const Timestamp now = context_.ports.clock.Now();
  const Duration late = now - scheduled_;
  const Timestamp t = std::chrono::abs(late) <= tolerance_ ? scheduled_ : now;
  scheduled_ = scheduled_ + target_.interval;
  // Missed ticks, or the wall clock has jumped: back into the target's phase.
  if (scheduled_ <= now || scheduled_ > now + target_.interval + tolerance_) {
    scheduled_ =
        FirstScrape(hash_, context_.seed, target_.interval, now + tolerance_ + Duration{1});
  }
  return t;
}

void ScrapeLoop::Tick() {
  auto fetched = std::make_shared<Fetched>(context_.bodies);
  {
    std::lock_guard lock(mutex_);
    if (life_ != Life::kRunning) return;
    fetched->t = TakeTick();
    Arm();
    if (std::exchange(busy_, true)) {
      context_.metrics.skipped.Add();
      return;
    }
    fetched->token = context_.gate.Enter();
    fetched->error = forced_error_;
    fetched->started = context_.ports.clock.Monotonic();
    const auto before = std::exchange(last_start_, fetched->started);
    if (before) context_.intervals.Observe(target_.interval, ToSeconds(fetched->started - *before));
  }
  if (fetched->error.empty()) {
    Fetch(std::move(fetched));
  } else {
    OnFetched(std::move(fetched));
  }
}

void ScrapeLoop::Fetch(std::shared_ptr<Fetched> fetched) {
  size_t expected = 0;
  {
    std::lock_guard lock(mutex_);
    expected = last_body_bytes_ + kBodySlack;
  }
  // Keeps the manager waiting for the start, not for the answer: Stop() ends the exchange.
  const TaskGate::Token token = std::exchange(fetched->token, nullptr);
  auto handler = std::make_shared<PageHandler>(weak_from_this(), std::move(fetched), expected);
  auto exchange = context_.ports.transport.Start(
      MakeScrapeRequest(*config_, target_, context_.user_agent, transport_), std::move(handler));
  std::lock_guard lock(mutex_);
  if (life_ == Life::kRunning) exchange_ = std::move(exchange);
}

void ScrapeLoop::OnFetched(std::shared_ptr<Fetched> fetched) {
  {
    std::lock_guard lock(mutex_);
    if (life_ != Life::kRunning) return;
    if (fetched->token == nullptr) fetched->token = context_.gate.Enter();
    last_body_bytes_ = fetched->body.size();
  }
  strand_.Post(
      [self = shared_from_this(), fetched = std::move(fetched)] { self->Process(fetched); });
}

void ScrapeLoop::Process(const std::shared_ptr<Fetched>& fetched) {
  {
    std::unique_ptr<Exchange> done;
    std::lock_guard lock(mutex_);
    if (life_ != Life::kRunning) return;
    done = std::move(exchange_);
  }
  Written written = WriteScrape(*fetched);
  fetched->DropBody();
  if (written.appender == nullptr) {
    context_.metrics.store_failures.Add();
    Finish(*fetched, written.error, written.duration);
    return;
  }
  auto done = [self = shared_from_this(), fetched, error = std::move(written.error),
               duration = written.duration](const storage::CommitResult& result) {
    self->CountRefused(result.rows);
    if (result.status.ok()) {
      self->Finish(*fetched, error, duration);
      return;
    }
    self->context_.metrics.store_failures.Add();
    const std::string text = "cannot store samples: " + result.status.error().message();
    self->Finish(*fetched, text, duration);
    self->strand_.Post([self, fetched] {
      std::lock_guard lock(self->families_mutex_);
      self->families_.MarkAllChanged();
    });
  };
  written.appender->Commit(std::move(done));
}

ScrapeLoop::Written ScrapeLoop::WriteScrape(const Fetched& fetched) {
  Written out;
  // A second time when the store has forgotten the refs of the layout.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto appender = context_.ports.storage.NewAppender();
    out = WriteOnce(fetched, *appender);
    if (out.outcome.rows.stale_refs != 0) {
      series_.Forget();
      continue;
    }
    if (!out.outcome.status.ok()) {
      out.error = "cannot store samples: " + out.outcome.status.error().message();
      return out;
    }
    CountRefused(out.outcome.rows);
    SetMetadata(*appender);
    out.appender = std::move(appender);
    return out;
  }
  out.error = "cannot store samples: the store keeps refusing the series of this target";
  return out;
}

ScrapeLoop::Written ScrapeLoop::WriteOnce(const Fetched& fetched, storage::Appender& appender) {
  Written out;
  out.outcome.status = series_.Prepare(appender);
  if (!out.outcome.status.ok()) return out;
  Page page = Read(fetched);
  ScrapeReport report;
  report.scraped = page.scraped;
  report.post_relabeling = page.kept;
  report.timeout_seconds = ToSeconds(target_.timeout);
  report.sample_limit = config_->sample_limit;
  report.body_bytes = fetched.over_body_limit ? -1 : static_cast<double>(fetched.body.size());
  out.duration = ToSeconds(context_.ports.clock.Monotonic() - fetched.started);
  report.duration_seconds = out.duration;
  report.up = page.status.ok();
  if (report.up) {
    out.outcome = series_.WritePage(appender, fetched.t, page, report);
    // A series that no store can hold spoils its page, as a line that cannot be read does.
    const Status& written = out.outcome.status;
    if (!written.ok() && written.error().code() == ErrorCode::kInvalidLabels)
      page.status = std::exchange(out.outcome.status, OkStatus());
  }
  if (page.status.ok()) {
    context_.metrics.duplicates.Add(static_cast<double>(page.repeats));
    context_.metrics.refused_series.Add(static_cast<double>(out.outcome.refused_series));
    context_.metrics.exemplars_refused.Add(static_cast<double>(out.outcome.refused_exemplars));
  } else {
    report.up = false;
    out.error = page.status.error().message();
    CountLimits(fetched, page);
    out.outcome = series_.WriteFailure(appender, fetched.t, report);
  }
  return out;
}

Page ScrapeLoop::Read(const Fetched& fetched) {
  Page failed;
  if (!fetched.error.empty()) {
    failed.status = Error(ErrorCode::kUnavailable, fetched.error);
    return failed;
  }
  const auto format = ChooseFormat(fetched.content_type, config_->fallback_scrape_protocol);
  if (!format.ok()) {
    failed.status = format.error();
    return failed;
  }
  std::lock_guard lock(families_mutex_);
  PageOptions options;
  options.honor_timestamps = config_->honor_timestamps;
  options.sample_limit = config_->sample_limit;
  // Who lets larger bodies in wants more lines, of the length that is usual.
  constexpr uint64_t kUsualLine = 64;
  options.max_lines = std::max(options.max_lines, config_->body_size_limit / kUsualLine);
  options.max_new_series = context_.limits.new_series_per_page;
  Page page = ReadPage(fetched.body, *format, series_.layout(), options, sample_labels_, families_);
  context_.metrics.metadata_refused.Add(static_cast<double>(families_.TakeRefused()));
  return page;
}

void ScrapeLoop::CountRefused(const storage::RowResult& rows) {
  if (rows.duplicates != 0) context_.metrics.duplicates.Add(rows.duplicates);
  if (rows.out_of_bounds != 0) context_.metrics.out_of_bounds.Add(rows.out_of_bounds);
}

void ScrapeLoop::CountLimits(const Fetched& fetched, const Page& page) {
  if (fetched.over_body_limit) context_.metrics.exceeded_body_limit.Add();
  if (page.limit == PageLimit::kSamples) context_.metrics.exceeded_sample_limit.Add();
  if (page.limit == PageLimit::kLabels) context_.metrics.exceeded_label_limits.Add();
}

void ScrapeLoop::SetMetadata(storage::Appender& appender) {
  std::lock_guard lock(families_mutex_);
  for (const SharedFamily& family : families_.TakeChanged())
    appender.SetMetadata(family->name, family->metadata);
}

void ScrapeLoop::WriteEnd(Timestamp t) {
  auto appender = context_.ports.storage.NewAppender();
  series_.WriteEnd(*appender, t);
  appender->Commit([self = shared_from_this(),
                    token = context_.gate.Enter()](const storage::CommitResult& result) {
    if (!result.status.ok()) self->context_.metrics.store_failures.Add();
  });
}

void ScrapeLoop::Finish(const Fetched& fetched, const std::string& error, double duration) {
  const TargetHealth health = error.empty() ? TargetHealth::kUp : TargetHealth::kDown;
  TargetHealth before;
  {
    std::lock_guard lock(mutex_);
    busy_ = false;
    before = std::exchange(health_, health);
    last_error_ = error;
    last_scrape_ = fetched.t;
    last_duration_ = duration;
  }
  if (health == before) return;
  if (health == TargetHealth::kDown) {
    log::Warn("Scrape fails",
              {{"scrape_pool", config_->job_name}, {"target", target_.url}, {"err", error}});
  } else if (before == TargetHealth::kDown) {
    log::Info("Scrape works again", {{"scrape_pool", config_->job_name}, {"target", target_.url}});
  }
}

void ScrapeLoop::HandOver(const std::shared_ptr<ScrapeLoop>& successor) {
  Stop();
  strand_.Post([self = shared_from_this(), successor, token = context_.gate.Enter()] {
    successor->strand_.Post([successor, refs = self->series_.Release()]() mutable {
      successor->series_.Adopt(std::move(refs));
    });
  });
}

}  // namespace tocsin::ingest
