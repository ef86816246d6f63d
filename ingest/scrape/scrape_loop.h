// Scrapes one target: keeps the rhythm, fetches, appends, and remembers how it went.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ingest/scrape/scrape_context.h"
#include "ingest/scrape/scrape_request.h"
#include "ingest/scrape/target.h"
#include "ingest/scrape/target_series.h"

namespace tocsin::ingest {

// Life: Create, Start, then either Stop (no markers) or Retire. Public methods: any thread.
//
// The timer ticks on the scheduler and starts the exchange there; the page is parsed and appended
// on the workers, one page of a target at a time; the scrape ends when the store has answered. A
// tick that finds the last scrape still under way is left out.
class ScrapeLoop : public std::enable_shared_from_this<ScrapeLoop> {
 public:
  // REQUIRES: `context` outlives the loop's last task (see TaskGate).
  static std::shared_ptr<ScrapeLoop> Create(ScrapeContext& context,
                                            std::shared_ptr<const ScrapeConfig> config,
                                            std::shared_ptr<const TransportConfig> transport,
                                            ScrapeTarget target);
  ~ScrapeLoop();

  // Arms the first scrape. Takes over the series of a loop with the same labels that is retiring.
  void Start();
  // Ends it without markers. Idempotent.
  void Stop();
  // Ends scraping; markers follow after two ticks and a tenth of the interval, unless a loop with
  // the same labels takes over.
  void Retire();

  // Every scrape fails with this text until it is empty again.
  void ForceError(std::string error);

  const ScrapeTarget& target() const { return target_; }
  const std::shared_ptr<const ScrapeConfig>& config() const { return config_; }
  TargetStatus GetTargetStatus() const;
  // Families of the target, all or the named one.
  std::vector<SharedFamily> Families(const std::string& metric) const;
  size_t family_count() const;

 private:
  enum class Life : uint8_t { kRunning, kRetiring, kStopped };
  struct Fetched;
  class PageHandler;
  struct Written;

  ScrapeLoop(ScrapeContext& context, std::shared_ptr<const ScrapeConfig> config,
             std::shared_ptr<const TransportConfig> transport, ScrapeTarget target);

  // On the scheduler.
  void Arm();  // REQUIRES: mutex_ held
  void Tick();
  Timestamp TakeTick();  // REQUIRES: mutex_ held
  void Fetch(std::shared_ptr<Fetched> fetched);
  void OnFetched(std::shared_ptr<Fetched> fetched);

  // On strand_.
  void Process(const std::shared_ptr<Fetched>& fetched);
  Written WriteScrape(const Fetched& fetched);
  Written WriteOnce(const Fetched& fetched, storage::Appender& appender);
  Page Read(const Fetched& fetched);
  void CountRefused(const storage::RowResult& rows);
  void CountLimits(const Fetched& fetched, const Page& page);
  void SetMetadata(storage::Appender& appender);
  void EndRetirement(Timestamp marker);
  void WriteEnd(Timestamp t);
  // Ends scraping and whatever is under way. False when it was ended before.
  bool End(Life life);

  void Finish(const Fetched& fetched, const std::string& error, double duration);
  void HandOver(const std::shared_ptr<ScrapeLoop>& successor);

  ScrapeContext& context_;
  const std::shared_ptr<const ScrapeConfig> config_;
  const std::shared_ptr<const TransportConfig> transport_;
  const ScrapeTarget target_;
  const uint64_t hash_;
  const Duration tolerance_;
  Strand strand_;

  // Touched on strand_ only.
  SampleLabels sample_labels_;
  TargetSeries series_;

  mutable std::mutex families_mutex_;  // taken on strand_ to write
  MetadataCache families_;

  mutable std::mutex mutex_;  // guards what follows
  Life life_ = Life::kRunning;
  bool busy_ = false;
  Timestamp scheduled_;
  std::optional<MonotonicTime> last_start_;
  Timer timer_;
  std::unique_ptr<Exchange> exchange_;
  std::string forced_error_;
  size_t last_body_bytes_ = 0;
  TargetHealth health_ = TargetHealth::kUnknown;
  std::string last_error_;
  Timestamp last_scrape_;
  double last_duration_ = 0;
};

}  // namespace tocsin::ingest
