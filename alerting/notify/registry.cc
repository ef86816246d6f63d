#include "alerting/notify/registry.h"

#include "alerting/notify/email.h"
#include "alerting/notify/pagerduty.h"
#include "alerting/notify/slack.h"
#include "alerting/notify/webhook.h"

namespace tocsin::alerting {
namespace {

// In the order in which a receiver's integrations are numbered.
constexpr ReceiverKind kKinds[] = {
    {"discord_configs", "discord", nullptr},
    {"email_configs", "email", &ParseEmailConfig},
    {"incidentio_configs", "incidentio", nullptr},
    {"pagerduty_configs", "pagerduty", &ParsePagerdutyConfig},
    {"slack_configs", "slack", &ParseSlackConfig},
    {"webhook_configs", "webhook", &ParseWebhookConfig},
    {"opsgenie_configs", "opsgenie", nullptr},
    {"wechat_configs", "wechat", nullptr},
    {"pushover_configs", "pushover", nullptr},
    {"victorops_configs", "victorops", nullptr},
    {"sns_configs", "sns", nullptr},
    {"telegram_configs", "telegram", nullptr},
    {"webex_configs", "webex", nullptr},
    {"msteams_configs", "msteams", nullptr},
    {"msteamsv2_configs", "msteamsv2", nullptr},
    {"jira_configs", "jira", nullptr},
    {"rocketchat_configs", "rocketchat", nullptr},
    {"mattermost_configs", "mattermost", nullptr},
};

}  // namespace

std::span<const ReceiverKind> ReceiverKinds() { return kKinds; }

}  // namespace tocsin::alerting
