// What a kind of receiver is: a section of the configuration (IntegrationConfig), and from it a
// Notifier that turns one notification into one Delivery. Dedup, retries, deadlines, the
// notification log and metrics are the pipeline's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alerting/alert.h"
#include "alerting/template/template.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/mailer.h"
#include "storage/base/random.h"
#include "storage/base/result.h"
#include "storage/base/transport.h"
#include "storage/model/labels.h"

namespace tocsin::alerting {

// An alert as of one flush: `resolved` does not change while the notification is under way.
struct NotifiedAlert {
  AlertPtr alert;
  bool resolved = false;
};

// One message to one integration: the whole current list of the group.
struct Notification {
  std::string group_key;
  std::string receiver;
  std::string reason;  // why it is sent, e.g. "new alerts added"
  Labels group_labels;
  std::vector<std::pair<std::string, std::string>> route_labels;
  std::vector<NotifiedAlert> alerts;  // in the order of sending
  Timestamp now;
  // What the integration kept with its last message (Slack's ts and channel).
  std::map<std::string, std::string> receiver_data;
};

// The words of alertmanager_notifications_failed_total{reason}.
enum class FailureReason {
  kOther,
  kClientError,
  kAuthError,
  kRateLimited,
  kServerError,
  kContextCanceled,
  kContextDeadlineExceeded,
};
std::string_view FailureReasonName(FailureReason reason);

struct DeliveryResult {
  Status status;
  bool retry = false;  // of a failure: worth another try
  FailureReason reason = FailureReason::kOther;
  std::map<std::string, std::string> receiver_data;  // of a success: kept in the log entry
};

// A rendered message. One attempt at a time; every attempt sends the same bytes.
class Delivery {
 public:
  virtual ~Delivery() = default;
  // `done` comes once, on the event loop, unless the exchange is destroyed before.
  [[nodiscard]] virtual std::unique_ptr<Exchange> Start(
      Duration timeout, std::function<void(DeliveryResult)> done) = 0;
};

// Everything a notifier may touch. REQUIRES: all outlive the notifier.
struct NotifierPorts {
  Transport& transport;
  Mailer& mailer;
  const FileSystem& files;
  const Clock& clock;
  Random& random;
  const TemplateSet& templates;
  const FunctionTable& functions;
  const std::string& external_url;
};

// Immutable: any thread.
class Notifier {
 public:
  virtual ~Notifier() = default;
  // Renders the templates. An error is final: the pipeline does not retry before the next flush.
  virtual Result<std::unique_ptr<Delivery>> Prepare(const Notification& notification) const = 0;
};

// A parsed element of `<kind>_configs`. Immutable.
class IntegrationConfig {
 public:
  virtual ~IntegrationConfig() = default;

  virtual std::unique_ptr<Notifier> Build(const NotifierPorts& ports) const = 0;

  // Whether it is told about resolved alerts.
  bool send_resolved() const { return send_resolved_; }
  // "webhook": the name in metrics and in the notification log.
  std::string_view kind() const { return kind_; }

 protected:
  IntegrationConfig(std::string_view kind, bool send_resolved)
      : kind_(kind), send_resolved_(send_resolved) {}

  std::string_view kind_;
  bool send_resolved_;
};

}  // namespace tocsin::alerting
