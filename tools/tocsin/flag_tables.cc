#include "tools/tocsin/flag_tables.h"

namespace tocsin {
namespace {

constexpr FlagSpec kHonoured[] = {
    {"config.file", "prometheus.yml", "Prometheus configuration file."},
    {"alertmanager.config.file", "",
     "Alertmanager configuration file; turns the embedded Alertmanager on. Without --config.file "
     "tocsin only routes alerts."},
    {"storage.tsdb.path", "data/", "Folder of the database."},
    {"storage.tsdb.retention.time", "",
     "How long samples are kept (15d when the configuration does not say either; 0: for ever)."},
    {"storage.tsdb.retention.size", "", "How many bytes the database may take, e.g. 10GB."},
    {"storage.memory.max", "",
     "Memory that tocsin may take, e.g. 512MB (default: half of the machine's or the cgroup's)."},
    {"storage.series.max", "0",
     "New series beyond this many are refused (0: as many as fit into the memory)."},
    {"storage.snapshot.keep", "7d", "How long snapshots are kept (0: for ever)."},
    {"storage.sync.interval", "1s",
     "How much a power cut may cost (0: samples are acknowledged when they are on the device)."},
    {"web.listen-address", "127.0.0.1:9090", "Address to listen on.", false, true},
    {"web.config.file", "", "File that turns on TLS and passwords."},
    {"web.external-url", "",
     "URL (or only its path) under which tocsin is reachable from outside; links point there."},
    {"web.route-prefix", "", "Prefix of all paths. Default: the path of --web.external-url."},
    {"web.cors.origin", ".*", "Pages of which origins may read the API (anchored expression)."},
    {"web.read-timeout", "5m", "How long a connection may stay idle."},
    {"web.max-connections", "512", "How many connections are served at a time."},
    {"web.enable-lifecycle", "false", "Reload and quit by POST /-/reload and /-/quit.", true},
    {"web.enable-admin-api", "false", "Deletion and snapshots by the API.", true},
    {"web.enable-remote-write-receiver", "false", "Take remote_write on /api/v1/write.", true},
    {"enable-feature", "", "Comma-separated names of features to turn on.", false, true},
    {"query.lookback-delta", "5m", "How far an instant selector looks back."},
    {"query.timeout", "2m", "How long a query may run."},
    {"query.max-concurrency", "20", "How many queries run at a time."},
    {"query.max-samples", "50000000", "How many samples a query may hold in memory."},
    {"query.max-memory", "",
     "How much memory all running queries may hold together, such as 512MB; 0 means no limit, and "
     "the default is a quarter of what the machine has."},
    {"query.max-memory-per-query", "",
     "How much memory one query may hold; 0 means no limit, and the default is half of "
     "query.max-memory."},
    {"rules.alert.for-outage-tolerance", "1h",
     "After a longer outage the `for` state of alerts is not restored."},
    {"rules.alert.resend-delay", "1m", "How long to wait before an alert is sent again."},
    {"rules.max-concurrent-evals", "4",
     "How many rules are evaluated at a time with --enable-feature=concurrent-rule-eval."},
    {"data.retention", "120h", "How long silences are kept after their end."},
    {"silences.max-silences", "0", "How many silences may exist, ended ones included (0: any)."},
    {"silences.max-silence-size-bytes", "0", "How large one silence may be (0: any size)."},
    {"alerts.per-alertname-limit", "0", "How many alerts of one name are kept (0: all)."},
    {"log.level", "info", "debug, info, warn or error."},
    {"log.format", "logfmt", "logfmt or json."},
};

constexpr std::string_view kConsoles = "console templates are not part of tocsin";
constexpr std::string_view kGoRuntime = "it tunes the Go runtime";
constexpr std::string_view kTsdb = "it tunes Prometheus' storage engine";
constexpr std::string_view kAgent = "agent mode is not part of tocsin";
constexpr std::string_view kCluster = "tocsin does not form a cluster";
constexpr std::string_view kNotYet = "not available yet";
constexpr std::string_view kSender = "10000 alerts wait for each Alertmanager, 256 go at a time";

constexpr IgnoredFlag kIgnored[] = {
    {"config.auto-reload", "not available yet; send SIGHUP or POST /-/reload", true},
    {"config.auto-reload-interval", "not available yet; send SIGHUP or POST /-/reload"},
    {"web.user-assets", kConsoles},
    {"web.local-assets", kConsoles},
    {"web.console.templates", kConsoles},
    {"web.console.libraries", kConsoles},
    {"web.page-title", kNotYet},
    {"web.search.max-limit", kNotYet},
    {"web.max-notifications-subscribers", kNotYet},
    {"web.enable-otlp-receiver", kNotYet, true},
    {"web.remote-write-receiver.accepted-protobuf-messages",
     "remote_write 1.0 and 2.0 are accepted"},
    {"storage.tsdb.no-lockfile", "the database always locks its folder", true},
    {"storage.tsdb.allow-overlapping-blocks", "always so", true},
    {"storage.tsdb.head-chunks-write-queue-size", kTsdb},
    {"storage.tsdb.wal-compression", kTsdb, true},
    {"storage.tsdb.wal-compression-type", kTsdb},
    {"storage.tsdb.wal-segment-size", kTsdb},
    {"storage.tsdb.min-block-duration", kTsdb},
    {"storage.tsdb.max-block-duration", kTsdb},
    {"storage.tsdb.max-block-chunk-segment-size", kTsdb},
    {"storage.tsdb.samples-per-chunk", kTsdb},
    {"storage.tsdb.block-reload-interval", kTsdb},
    {"storage.tsdb.delay-compact-file.path", kTsdb},
    {"storage.tsdb.retention", "use --storage.tsdb.retention.time"},
    {"storage.agent.path", kAgent},
    {"storage.agent.wal-compression", kAgent, true},
    {"storage.agent.wal-compression-type", kAgent},
    {"storage.agent.wal-segment-size", kAgent},
    {"storage.agent.wal-truncate-frequency", kAgent},
    {"storage.agent.retention.min-time", kAgent},
    {"storage.agent.retention.max-time", kAgent},
    {"storage.agent.no-lockfile", kAgent, true},
    {"storage.remote.flush-deadline", kNotYet},
    {"storage.remote.read-sample-limit", kNotYet},
    {"storage.remote.read-concurrent-limit", kNotYet},
    {"storage.remote.read-max-bytes-in-frame", kNotYet},
    {"rules.alert.for-grace-period", kNotYet},
    {"alertmanager.notification-queue-capacity", kSender},
    {"alertmanager.notification-batch-size", kSender},
    {"alertmanager.drain-notification-queue-on-shutdown", kSender, true},
    {"alertmanager.timeout", kSender},
    {"auto-gomaxprocs", kGoRuntime, true},
    {"auto-gomemlimit", kGoRuntime, true},
    {"auto-gomemlimit.ratio", kGoRuntime},
    // Alertmanager's.
    {"storage.path", "tocsin keeps everything under --storage.tsdb.path"},
    {"data.maintenance-interval", "state is written as it changes"},
    {"alerts.gc-interval", "ended alerts go by themselves"},
    {"dispatch.maintenance-interval", "empty groups go by themselves"},
    {"dispatch.start-delay", kNotYet},
    {"web.timeout", "use --query.timeout"},
    {"web.get-concurrency", "use --query.max-concurrency"},
    {"web.systemd-socket", kNotYet, true},
    {"cluster.listen-address", kCluster},
    {"cluster.advertise-address", kCluster},
    {"cluster.peer", kCluster},
    {"cluster.peer-name", kCluster},
    {"cluster.peer-timeout", kCluster},
    {"cluster.peers-resolve-timeout", kCluster},
    {"cluster.gossip-interval", kCluster},
    {"cluster.pushpull-interval", kCluster},
    {"cluster.tcp-timeout", kCluster},
    {"cluster.probe-timeout", kCluster},
    {"cluster.probe-interval", kCluster},
    {"cluster.settle-timeout", kCluster},
    {"cluster.reconnect-interval", kCluster},
    {"cluster.reconnect-timeout", kCluster},
    {"cluster.tls-config", kCluster},
    {"cluster.label", kCluster},
    {"cluster.allow-insecure-public-advertise-address-discovery", kCluster, true},
};

constexpr IgnoredFlag kRefused[] = {
    {"agent", "agent mode is not part of tocsin", true},
};

constexpr IdleFeature kIdle[] = {
    {"auto-gomaxprocs", ""},
    {"auto-gomemlimit", ""},
    {"auto-reload-config", "not available yet; send SIGHUP or POST /-/reload"},
    {"classic-mode", "label matchers are read in both forms"},
    {"created-timestamp-zero-ingestion", kNotYet},
    {"delayed-compaction", kTsdb},
    {"exemplar-storage", "always on; storage.exemplars.max_exemplars: 0 turns it off"},
    {"expand-external-labels", ""},
    {"extra-scrape-metrics", "use global.extra_scrape_metrics"},
    {"fast-startup", ""},
    {"histograms-st-encoding", kTsdb},
    {"memory-snapshot-on-shutdown", kTsdb},
    {"metadata-wal-records", ""},
    {"native-histograms", ""},
    {"new-service-discovery-manager", ""},
    {"no-default-scrape-port", ""},
    {"no-scrape-default-port", ""},
    {"old-ui", kNotYet},
    {"otlp-deltatocumulative", kNotYet},
    {"otlp-native-delta-ingestion", kNotYet},
    {"otlp-write-receiver", kNotYet},
    {"promql-at-modifier", ""},
    {"promql-duration-expr", ""},
    {"promql-negative-offset", ""},
    {"receiver-name-in-metrics", kNotYet},
    {"remote-write-receiver", "use --web.enable-remote-write-receiver"},
    {"search-api", kNotYet},
    {"st-storage", "always on"},
    {"st-synthesis", kNotYet},
    {"use-uncached-io", kTsdb},
    {"utf8-names", ""},
    {"utf8-strict-mode", "label matchers are read in both forms"},
    {"xor2-encoding", kTsdb},
};

}  // namespace

std::span<const FlagSpec> HonouredFlags() { return kHonoured; }
std::span<const IgnoredFlag> IgnoredFlags() { return kIgnored; }
std::span<const IgnoredFlag> RefusedFlags() { return kRefused; }
std::span<const IdleFeature> IdleFeatures() { return kIdle; }

}  // namespace tocsin
