// What notification templates see as dot: the group's alerts, their common and group labels.
#pragma once

#include <string>
#include <string_view>

#include "alerting/notify/notifier.h"
#include "alerting/template/template.h"

namespace tocsin::alerting {

// Labels or annotations with Alertmanager's methods (SortedPairs, Names, Values, Remove).
TemplateValue MakeKv(TemplateStringMap pairs);

// Labels and annotations equal in all alerts of a notification.
struct CommonPairs {
  TemplateStringMap labels;
  TemplateStringMap annotations;
};
CommonPairs FindCommonPairs(const std::vector<NotifiedAlert>& alerts);

TemplateStringMap ToStringMap(const Labels& labels);

// "firing" when any alert is, else "resolved".
std::string_view StatusText(const std::vector<NotifiedAlert>& alerts);
std::string FingerprintText(const Labels& labels);
// Regex-quoted, as Go's regexp.QuoteMeta: how a receiver's name shows in templates and payloads.
std::string QuoteMeta(std::string_view text);

// An alert and the dot of notification templates, as their fields.
struct TemplateAlert {
  std::string status;
  TemplateStringMap labels, annotations;
  TemplateTime starts_at, ends_at;
  std::string generator_url, fingerprint;
};
struct TemplateData {
  std::string receiver, status;
  std::vector<TemplateAlert> alerts;
  TemplateStringMap group_labels;
  CommonPairs common;
  std::string external_url, reason;
  TemplateStringMap route_labels;
};
TemplateValue MakeTemplateData(TemplateData data);

// What a receiver is told.
TemplateValue MakeTemplateData(const Notification& notification, const std::string& external_url,
                               const TemplateStringMap& route_labels);

// Renders the fields of one notification. The first error sticks; later fields render empty.
class Renderer {
 public:
  Renderer(const NotifierPorts& ports, const Notification& notification);

  // `field` names the text in errors ("title"). An empty text renders empty.
  std::string Text(std::string_view field, std::string_view text);
  std::string Html(std::string_view field, std::string_view text);

  Status status() const { return status_; }
  const TemplateStringMap& route_labels() const { return route_labels_; }

 private:
  std::string Run(std::string_view field, std::string_view text, bool html);
  void RenderRouteLabels();

  const NotifierPorts& ports_;
  const Notification& notification_;
  TemplateStringMap route_labels_;
  TemplateValue data_;
  Status status_;
};

// Appends the alert as in the webhook body.
void AppendAlertJson(std::string& out, const NotifiedAlert& alert);
std::string AlertListJson(const std::vector<NotifiedAlert>& alerts, bool resolved);

// At most `limit` runes; a cut one ends with an ellipsis.
std::string TruncateRunes(std::string text, size_t limit);

}  // namespace tocsin::alerting
