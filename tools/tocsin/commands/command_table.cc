#include "tools/tocsin/commands/command_table.h"

namespace tocsin::commands {
namespace {

constexpr FlagDef kFeatures{"enable-feature", "NAMES",
                            "Comma-separated features of the query language to turn on"};
constexpr FlagDef kIgnoreUnknown{"ignore-unknown-fields", "",
                                 "Pass over keys that nobody knows instead of refusing them"};
constexpr FlagDef kLintFatal{"lint-fatal", "", "End with exit code 3 when lint finds something"};
constexpr FlagDef kStart{"start", "TIME", "Start (RFC 3339 or unix seconds)"};
constexpr FlagDef kEnd{"end", "TIME", "End (RFC 3339 or unix seconds)"};
constexpr FlagDef kMatch{"match", "SELECTOR", "Series selector; may repeat"};
constexpr FlagDef kComment{"comment", "TEXT", "Why", 'c'};
constexpr FlagDef kQuiet{"quiet", "", "Show only ids", 'q'};
constexpr FlagDef kConfigFile{"config.file", "FILE",
                              "Read this file instead of asking the Alertmanager"};

constexpr FlagDef kPromtool[] = {
    kFeatures,
    {"junit", "FILE", "Write the results of unit tests to this file as JUnit XML"},
    {"experimental", "", "Accepted; nothing here needs it"},
};
constexpr FlagDef kClient[] = {
    {"http.config.file", "FILE", "How to reach the server: authentication, TLS, proxy"},
    kFeatures,
    {"experimental", "", "Accepted; nothing here needs it"},
};
constexpr FlagDef kAmtool[] = {
    {"alertmanager.url", "URL", "Alertmanager to talk to"},
    {"output", "FORMAT", "simple, extended or json", 'o', "simple"},
    {"date.format", "LAYOUT", "How dates are shown, as a layout of Go", 0,
     "2006-01-02 15:04:05 MST"},
    {"timeout", "DURATION", "How long to wait for the Alertmanager", 0, "30s"},
    {"http.config.file", "FILE", "How to reach the Alertmanager: authentication, TLS, proxy"},
    {"version-check", "", "Accepted; any Alertmanager with API v2 will do", 0, "true"},
    {"verbose", "", "Accepted", 'v'},
};

constexpr FlagDef kCheckConfig[] = {
    {"syntax-only", "", "Do not look at the files that the configuration names"},
    {"lint", "CHECKS",
     "What to look for besides errors: all, duplicate-rules, too-long-scrape-interval, none", 0,
     "duplicate-rules"},
    kLintFatal,
    kIgnoreUnknown,
    {"agent", "", "Refused: agent mode is not part of tocsin"},
    {"query.lookback-delta", "DURATION", "What too-long-scrape-interval compares with", 0, "5m"},
};
constexpr FlagDef kCheckRules[] = {
    {"lint", "CHECKS", "What to look for besides errors: all, duplicate-rules, none", 0,
     "duplicate-rules"},
    kLintFatal,
    kIgnoreUnknown,
};
constexpr FlagDef kCheckMetrics[] = {
    {"extended", "", "Show how many series each metric has"},
    {"lint", "CHECKS", "all or none", 0, "all"},
};
constexpr FlagDef kCheckServer[] = {
    {"url", "URL", "Server to ask", 0, "http://localhost:9090"},
};
constexpr FlagDef kCheckDiscovery[] = {
    {"timeout", "DURATION", "How long to wait for the sources", 0, "30s"},
};
constexpr FlagDef kSetMatcher[] = {
    {"type", "OP", "= != =~ or !~", 't', "="},
};
constexpr FlagDef kTestRules[] = {
    {"run", "REGEX", "Only tests whose name matches; may repeat"},
    {"diff", "", "Show what differs line by line instead of both sides whole"},
    {"debug", "", "Say what is evaluated and what comes out"},
    kIgnoreUnknown,
};
constexpr FlagDef kFormat{"format", "FORMAT", "promql or json", 'o', "promql"};
constexpr FlagDef kHeader{"header", "NAME=VALUE", "Further header of the request; may repeat"};
constexpr FlagDef kQueryInstant[] = {
    kFormat, kHeader, {"time", "TIME", "Evaluation time (RFC 3339 or unix seconds)"}};
constexpr FlagDef kQueryRange[] = {
    kFormat, kHeader, kStart, kEnd, {"step", "DURATION", "Distance of the steps"}};
constexpr FlagDef kQuerySeries[] = {
    kFormat,
    kHeader,
    {"match", "SELECTOR", "Series selector; may repeat", 0, {}, true},
    kStart,
    kEnd};
constexpr FlagDef kQueryLabels[] = {kFormat, kHeader, kStart, kEnd, kMatch};

constexpr FlagDef kPushMetrics[] = {
    {"label", "NAME=VALUE", "Label of every series; may repeat (job=promtool when none is given)"},
    kHeader,
    {"timeout", "DURATION", "How long to wait for the server", 0, "30s"},
    {"protobuf_message", "NAME", "What is sent", 0, "prometheus.WriteRequest"},
    {"remote-write.path", "PATH", "Path below the URL", 0, "/api/v1/write"},
};

constexpr FlagDef kAlertQuery[] = {
    {"active", "", "Show active alerts", 'a'},
    {"silenced", "", "Show silenced alerts", 's'},
    {"inhibited", "", "Show inhibited alerts", 'i'},
    {"unprocessed", "", "Show alerts that no route has seen yet", 'u'},
    {"receiver", "REGEX", "Show alerts that go to this receiver", 'r'},
};
constexpr FlagDef kAlertAdd[] = {
    {"annotation", "NAME=VALUE", "Annotation of the alert; may repeat"},
    {"generator-url", "URL", "Where the alert comes from"},
    kStart,
    kEnd,
};
constexpr FlagDef kSilenceAdd[] = {
    {"author", "NAME", "Who silences; default: the user", 'a'},
    {"require-comment", "", "Refuse a silence without a comment", 0, "true"},
    {"duration", "DURATION", "How long it holds", 'd', "1h"},
    kStart,
    kEnd,
    kComment,
    {"annotation", "NAME=VALUE", "Annotation of the silence; may repeat"},
};
constexpr FlagDef kSilenceQuery[] = {
    {"expired", "", "Show expired silences instead of active ones"},
    kQuiet,
    {"created-by", "NAME", "Show silences of this author"},
    {"id", "ID", "Show the silence of this id; may repeat"},
    {"within", "DURATION", "Show silences that end (or ended) within this time"},
};
constexpr FlagDef kSilenceUpdate[] = {
    kQuiet,   {"duration", "DURATION", "How long it holds, from its start", 'd'}, kStart, kEnd,
    kComment,
};
constexpr FlagDef kSilenceImport[] = {
    {"force", "", "Make new silences even where the ids exist", 'f'},
    {"worker", "N", "Accepted; silences go one after the other", 'w', "8"},
};
constexpr FlagDef kRouteShow[] = {kConfigFile};
constexpr FlagDef kRouteTest[] = {
    kConfigFile,
    {"verify.receivers", "NAMES", "Fail unless exactly these receivers, in order, are found"},
    {"tree", "", "Show the matching routes"},
};
constexpr FlagDef kTemplateRender[] = {
    {"template.glob", "GLOB", "Template files; may repeat", 0, {}, true},
    {"template.text", "TEXT", "The template to render", 0, {}, true},
    {"template.type", "TYPE", "text or html", 0, "text"},
    {"template.data", "FILE", "What to render: JSON as in a webhook's body"},
};

constexpr FlagDef kStorageRepair[] = {
    {"rebuild", "", "Make a new database of everything readable even if this one opens"},
};

constexpr Command kCommands[] = {
    {"check config", "promtool check config", "FILE...",
     "Check Prometheus configuration files and the rule files that they name", kCheckConfig,
     kPromtool, &CheckConfig},
    {"check rules", "promtool check rules", "[FILE...]",
     "Check rule files, or rules on standard input", kCheckRules, kPromtool, &CheckRules},
    {"check alertmanager",
     "amtool check-config",
     "[FILE...]",
     "Check Alertmanager configuration files and their templates, or one on standard input",
     {},
     kAmtool,
     &CheckAlertmanager},
    {"check metrics", "promtool check metrics", "< PAGE",
     "Check a page of metrics on standard input for consistency and good names", kCheckMetrics,
     kPromtool, &CheckMetrics},
    {"check web-config",
     "promtool check web-config",
     "FILE...",
     "Check files that say how a server is protected",
     {},
     kPromtool,
     &CheckWebConfig},
    {"check healthy", "promtool check healthy", "", "Ask a server whether it is healthy",
     kCheckServer, kClient, &CheckHealthy},
    {"check ready", "promtool check ready", "", "Ask a server whether it is ready", kCheckServer,
     kClient, &CheckReady},
    {"check service-discovery", "promtool check service-discovery", "FILE JOB",
     "Show what a job of a configuration file finds, before and after relabelling", kCheckDiscovery,
     kPromtool, &CheckServiceDiscovery},
    {"test rules", "promtool test rules", "FILE...", "Run unit tests of rule files", kTestRules,
     kPromtool, &TestRules},
    {"query instant", "promtool query instant", "[URL] EXPR", "Ask for a value", kQueryInstant,
     kClient, &QueryInstant},
    {"query range", "promtool query range", "[URL] EXPR", "Ask for values over time", kQueryRange,
     kClient, &QueryRange},
    {"query series", "promtool query series", "[URL]", "List series", kQuerySeries, kClient,
     &QuerySeries},
    {"query labels", "promtool query labels", "[URL] NAME", "List the values of a label",
     kQueryLabels, kClient, &QueryLabels},
    {"push metrics", "promtool push metrics", "URL [FILE...]",
     "Send a page of metrics by remote write", kPushMetrics, kClient, &PushMetrics},
    {"promql format",
     "promtool promql format",
     "QUERY",
     "Print an expression in lines",
     {},
     kPromtool,
     &PromqlFormat},
    {"promql label-matchers set", "promtool promql label-matchers set", "QUERY NAME VALUE",
     "Print an expression with a label matcher in every selector", kSetMatcher, kPromtool,
     &PromqlSetMatcher},
    {"promql label-matchers delete",
     "promtool promql label-matchers delete",
     "QUERY NAME",
     "Print an expression without the matchers of a label",
     {},
     kPromtool,
     &PromqlDeleteMatcher},
    {"alert query", "amtool alert [query]", "[MATCHER...]", "Show alerts", kAlertQuery, kAmtool,
     &AlertQuery},
    {"alert add", "amtool alert add", "[NAME] LABEL=VALUE...", "Post an alert", kAlertAdd, kAmtool,
     &AlertAdd},
    {"silence query", "amtool silence [query]", "[MATCHER...]", "Show silences", kSilenceQuery,
     kAmtool, &SilenceQuery},
    {"silence add", "amtool silence add", "[NAME] MATCHER...", "Silence alerts", kSilenceAdd,
     kAmtool, &SilenceAdd},
    {"silence update", "amtool silence update", "ID...", "Change silences", kSilenceUpdate, kAmtool,
     &SilenceUpdate},
    {"silence expire",
     "amtool silence expire",
     "ID...",
     "End silences",
     {},
     kAmtool,
     &SilenceExpire},
    {"silence import", "amtool silence import", "[FILE]",
     "Make silences from what `silence query -o json` gave", kSilenceImport, kAmtool,
     &SilenceImport},
    {"route show", "amtool config routes [show]", "", "Show the routing tree", kRouteShow, kAmtool,
     &RouteShow},
    {"route test", "amtool config routes test", "LABEL=VALUE...",
     "Say which receivers an alert would go to", kRouteTest, kAmtool, &RouteTest},
    {"config show",
     "amtool config [show]",
     "",
     "Show the configuration an Alertmanager runs",
     {},
     kAmtool,
     &ConfigShow},
    {"cluster show",
     "amtool cluster [show]",
     "",
     "Show the cluster of an Alertmanager",
     {},
     kAmtool,
     &ClusterShow},
    {"template render", "amtool template render", "", "Render a notification template",
     kTemplateRender, kAmtool, &TemplateRender},
    {"storage repair",
     "",
     "FOLDER",
     "Mend a database that a disk has damaged, and check every block of it",
     kStorageRepair,
     {},
     &StorageRepair},
};

// Verbs of promtool that tocsin does not have.
constexpr AbsentVerb kAbsent[] = {
    {"tsdb",
     "promtool's tsdb verbs work on blocks of Prometheus, which tocsin does not have: for what "
     "costs "
     "most ask /api/v1/status/tsdb, to get samples out /api/v1/read or /federate, to bring samples "
     "in use remote write (`push metrics`)"},
    {"debug", "there are no profiles to fetch: /metrics and /api/v1/status/* say what tocsin does"},
    {"query analyze",
     "the analysis of histogram buckets is not available: `query instant` with "
     "`count by (le) (...)` shows which are used"},
};

constexpr FlagDef kBeforeWords[] = {
    kPromtool[0], kPromtool[1], kPromtool[2], kAmtool[0], kAmtool[1], kAmtool[2],
    kAmtool[3],   kAmtool[4],   kAmtool[5],   kAmtool[6], kFormat,
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }
std::span<const AbsentVerb> AbsentVerbs() { return kAbsent; }
std::span<const FlagDef> FlagsBeforeWords() { return kBeforeWords; }

}  // namespace tocsin::commands
