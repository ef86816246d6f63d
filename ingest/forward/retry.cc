#include "ingest/forward/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "storage/base/number.h"
#include "storage/model/duration.h"

namespace tocsin::ingest {
namespace {

constexpr size_t kShownBody = 256;
// An endpoint may ask for patience, not for silence.
constexpr Duration kLongestRetryAfter{3'600'000};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<Timestamp> ParseHttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const auto parsed =
      ParseRfc3339(fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month - kMonths.begin() + 1,
                               text.substr(5, 2), text.substr(17, 8)));
  return parsed.ok() ? std::optional<Timestamp>(*parsed) : std::nullopt;
}

std::optional<Duration> RetryAfter(const HttpResponse& response, Timestamp now) {
  const std::string_view text = response.header("Retry-After");
  if (text.empty()) return std::nullopt;
  if (const auto seconds = ParseUint(text); seconds && *seconds < 1'000'000)
    return Duration{static_cast<int64_t>(*seconds) * 1000};
  if (const auto date = ParseHttpDate(text)) return std::max(Duration{0}, *date - now);
  return std::nullopt;
}

}  // namespace

SendOutcome Judge(const ForwardConfig& config, const Result<HttpResponse>& response,
                  Timestamp now) {
  SendOutcome out;
  if (!response.ok()) {
    out.kind = SendOutcome::Kind::kRetry;
    out.reason = response.error().message();
    return out;
  }
  if (response->status / 100 == 2) return out;
  std::string_view body = std::string_view(response->body).substr(0, kShownBody);
  body = body.substr(0, body.find('\n'));
  out.reason = fmt::format("server returned HTTP status {}: {}", response->status, body);
  const bool retry =
      response->status / 100 == 5 || (response->status == 429 && config.retry_on_http_429);
  out.kind = retry ? SendOutcome::Kind::kRetry : SendOutcome::Kind::kRefused;
  if (retry) out.retry_after = RetryAfter(*response, now);
  return out;
}

Duration Backoff::Next(const SendOutcome& outcome) {
  next_ = next_.count() == 0 ? config_.min_backoff : std::min(next_ * 2, config_.max_backoff);
  if (outcome.retry_after) return std::min(*outcome.retry_after, kLongestRetryAfter);
  return next_;
}

}  // namespace tocsin::ingest
