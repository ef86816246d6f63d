#include "tools/tocsin/config_schema.h"

namespace tocsin {
namespace {

using K = FieldKind;

constexpr Field kTls[] = {
    {"ca", K::kText},          {"cert", K::kText},
    {"key", K::kSecret},       {"ca_file", K::kPath},
    {"cert_file", K::kPath},   {"key_file", K::kPath},
    {"server_name", K::kText}, {"insecure_skip_verify", K::kBool, "false", {}, true},
    {"min_version", K::kText}, {"max_version", K::kText},
};

constexpr Field kProxy[] = {
    {"proxy_url", K::kUrl},
    {"no_proxy", K::kText},
    {"proxy_from_environment", K::kBool},
    {"proxy_connect_header", K::kSecretListMap},
};

constexpr Field kBasicAuth[] = {
    {"username", K::kText},
    {"username_file", K::kPath},
    {"password", K::kSecret},
    {"password_file", K::kPath},
};

constexpr Field kAuthorization[] = {
    {"type", K::kText, "Bearer"},
    {"credentials", K::kSecret},
    {"credentials_file", K::kPath},
};

constexpr Field kOauth2[] = {
    {"client_id", K::kText, "", {}, true},
    {"client_secret", K::kSecret},
    {"client_secret_file", K::kPath, "", {}, true},
    {"client_certificate_key_id", K::kText},
    {"client_certificate_key", K::kSecret},
    {"client_certificate_key_file", K::kPath},
    {"grant_type", K::kText},
    {"signature_algorithm", K::kText},
    {"iss", K::kText},
    {"audience", K::kText},
    {"claims", K::kForeign},
    {"scopes", K::kTextList},
    {"token_url", K::kUrl, "", {}, true},
    {"endpoint_params", K::kTextMap},
    {"tls_config", K::kSection, {}, kTls},
    {"", K::kInline, {}, kProxy},
};

constexpr Field kHeader[] = {
    {"values", K::kTextList},
    {"secrets", K::kSecretList},
    {"files", K::kPathList},
};

constexpr Field kClientAuth[] = {
    {"basic_auth", K::kSection, {}, kBasicAuth},
    {"authorization", K::kSection, {}, kAuthorization},
    {"oauth2", K::kSection, {}, kOauth2},
    {"tls_config", K::kSection, {}, kTls},
    {"follow_redirects", K::kBool, "true", {}, true},
};

constexpr Field kClientRest[] = {
    {"", K::kInline, {}, kProxy},
    {"http_headers", K::kSectionMap, {}, kHeader},
};

constexpr Field kHttpClient[] = {
    {"", K::kInline, {}, kClientAuth},
    {"enable_http2", K::kBool, "true", {}, true},
    {"", K::kInline, {}, kClientRest},
};

constexpr Field kSenderClient[] = {
    {"", K::kInline, {}, kClientAuth},
    {"enable_http2", K::kBool, "false", {}, true},
    {"", K::kInline, {}, kClientRest},
};

constexpr Field kRelabel[] = {
    {"source_labels", K::kFlowList}, {"separator", K::kText, ";"}, {"regex", K::kText, "(.*)"},
    {"modulus", K::kNumber},         {"target_label", K::kText},   {"replacement", K::kText, "$1"},
    {"action", K::kText, "replace"},
};

constexpr Field kStatic[] = {
    {"targets", K::kTextList, "[]", {}, true},
    {"labels", K::kTextMap},
};

constexpr Field kFileSd[] = {
    {"files", K::kPathList, "[]", {}, true},
    {"refresh_interval", K::kDuration, "5m"},
};

constexpr Field kHttpSd[] = {
    {"", K::kInline, {}, kHttpClient},
    {"refresh_interval", K::kDuration, "1m"},
    {"url", K::kUrl},
};

constexpr Field kDnsSd[] = {
    {"names", K::kTextList, "[]", {}, true},
    {"refresh_interval", K::kDuration, "30s"},
    {"type", K::kText, "SRV"},
    {"port", K::kNumber, "0", {}, true},
};

constexpr Field kDiscovery[] = {
    {"dns_sd_configs", K::kSectionList, {}, kDnsSd},
    {"file_sd_configs", K::kSectionList, {}, kFileSd},
    {"http_sd_configs", K::kSectionList, {}, kHttpSd},
    {"static_configs", K::kSectionList, {}, kStatic},
};

constexpr Field kSigV4[] = {
    {"region", K::kText},
    {"access_key", K::kText},
    {"secret_key", K::kSecret},
    {"profile", K::kText},
    {"role_arn", K::kText},
    {"external_id", K::kText},
    {"use_fips_sts_endpoint", K::kBool},
};

constexpr Field kGlobal[] = {
    {"scrape_interval", K::kDuration, "1m"},
    {"scrape_timeout", K::kDuration, "10s"},
    {"scrape_protocols", K::kTextList},
    {"evaluation_interval", K::kDuration, "1m"},
    {"rule_query_offset", K::kDuration},
    {"query_log_file", K::kPath},
    {"scrape_failure_log_file", K::kPath},
    {"external_labels", K::kTextMap},
    {"body_size_limit", K::kByteSize},
    {"sample_limit", K::kNumber},
    {"target_limit", K::kNumber},
    {"label_limit", K::kNumber},
    {"label_name_length_limit", K::kNumber},
    {"label_value_length_limit", K::kNumber},
    {"keep_dropped_targets", K::kNumber},
    {"metric_name_validation_scheme", K::kText, "utf8"},
    {"metric_name_escaping_scheme", K::kText},
    {"scrape_native_histograms", K::kBool, "false", {}, true},
    {"convert_classic_histograms_to_nhcb", K::kBool},
    {"always_scrape_classic_histograms", K::kBool},
    {"extra_scrape_metrics", K::kBool},
};

constexpr Field kJob[] = {
    {"job_name", K::kText},
    {"honor_labels", K::kBool},
    {"honor_timestamps", K::kBool, "true", {}, true},
    {"track_timestamps_staleness", K::kBool, "false", {}, true},
    {"params", K::kListMap},
    {"scrape_interval", K::kDuration},
    {"scrape_timeout", K::kDuration},
    {"scrape_protocols", K::kTextList,
     "OpenMetricsText1.0.0,OpenMetricsText0.0.1,PrometheusText1.0.0,PrometheusText0.0.4"},
    {"fallback_scrape_protocol", K::kText},
    {"scrape_native_histograms", K::kBool, "false", {}, true},
    {"always_scrape_classic_histograms", K::kBool, "false", {}, true},
    {"convert_classic_histograms_to_nhcb", K::kBool, "false", {}, true},
    {"scrape_failure_log_file", K::kPath},
    {"metrics_path", K::kText, "/metrics"},
    {"scheme", K::kText, "http"},
    {"enable_compression", K::kBool, "true", {}, true},
    {"body_size_limit", K::kByteSize},
    {"sample_limit", K::kNumber},
    {"target_limit", K::kNumber},
    {"label_limit", K::kNumber},
    {"label_name_length_limit", K::kNumber},
    {"label_value_length_limit", K::kNumber},
    {"native_histogram_bucket_limit", K::kNumber},
    {"native_histogram_min_bucket_factor", K::kNumber},
    {"keep_dropped_targets", K::kNumber},
    {"metric_name_validation_scheme", K::kText, "utf8"},
    {"metric_name_escaping_scheme", K::kText, "allow-utf-8"},
    {"extra_scrape_metrics", K::kBool, "false", {}, true},
    {"", K::kInline, {}, kHttpClient},
    {"relabel_configs", K::kSectionList, {}, kRelabel},
    {"metric_relabel_configs", K::kSectionList, {}, kRelabel},
    {"", K::kDiscovery, {}, kDiscovery},
};

constexpr Field kAlertmanager[] = {
    {"", K::kInline, {}, kHttpClient},
    {"sigv4", K::kSection, {}, kSigV4},
    {"scheme", K::kText, "http"},
    {"path_prefix", K::kText},
    {"timeout", K::kDuration, "10s"},
    {"api_version", K::kText, "v2"},
    {"relabel_configs", K::kSectionList, {}, kRelabel},
    {"alert_relabel_configs", K::kSectionList, {}, kRelabel},
    {"", K::kDiscovery, {}, kDiscovery},
};

constexpr Field kAlerting[] = {
    {"alert_relabel_configs", K::kSectionList, {}, kRelabel},
    {"alertmanagers", K::kSectionList, {}, kAlertmanager},
};

constexpr Field kQueue[] = {
    {"capacity", K::kNumber, "10000"},
    {"max_shards", K::kNumber, "50"},
    {"min_shards", K::kNumber, "1"},
    {"max_samples_per_send", K::kNumber, "2000"},
    {"batch_send_deadline", K::kDuration, "5s"},
    {"min_backoff", K::kDuration, "30ms"},
    {"max_backoff", K::kDuration, "5s"},
    {"retry_on_http_429", K::kBool},
    {"sample_age_limit", K::kDuration},
};

constexpr Field kMetadata[] = {
    {"send", K::kBool, "true", {}, true},
    {"send_interval", K::kDuration, "1m", {}, true},
    {"max_samples_per_send", K::kNumber, "2000"},
};

constexpr Field kRemoteWrite[] = {
    {"url", K::kUrl},
    {"remote_timeout", K::kDuration, "30s"},
    {"headers", K::kSecretMap},
    {"write_relabel_configs", K::kSectionList, {}, kRelabel},
    {"name", K::kText},
    {"send_exemplars", K::kBool},
    {"send_native_histograms", K::kBool},
    {"round_robin_dns", K::kBool},
    {"failed_request_logging", K::kBool},
    {"protobuf_message", K::kText, "prometheus.WriteRequest"},
    {"", K::kInline, {}, kSenderClient},
    {"queue_config", K::kSection, "{}", kQueue},
    {"metadata_config", K::kSection, "{}", kMetadata},
    {"sigv4", K::kSection, {}, kSigV4},
    {"azuread", K::kForeign},
    {"google_iam", K::kForeign},
};

constexpr Field kRemoteRead[] = {
    {"url", K::kUrl},
    {"remote_timeout", K::kDuration, "1m"},
    {"chunked_read_limit", K::kNumber, "50000000"},
    {"headers", K::kSecretMap},
    {"read_recent", K::kBool},
    {"name", K::kText},
    {"", K::kInline, {}, kHttpClient},
    {"required_matchers", K::kTextMap},
    {"filter_external_labels", K::kBool, "true"},
};

constexpr Field kRetention[] = {
    {"time", K::kDuration},
    {"size", K::kByteSize},
    {"percentage", K::kNumber},
};

constexpr Field kTsdb[] = {
    {"out_of_order_time_window", K::kDuration},
    {"stale_series_compaction_threshold", K::kNumber},
    {"chunk_encoding", K::kForeign},
    {"retention", K::kSection, {}, kRetention},
};

constexpr Field kExemplars[] = {{"max_exemplars", K::kNumber}};

constexpr Field kStorage[] = {
    {"tsdb", K::kSection, {}, kTsdb},
    {"exemplars", K::kSection, {}, kExemplars},
};

constexpr Field kTracing[] = {
    {"client_type", K::kText, "grpc"},
    {"endpoint", K::kText},
    {"sampling_fraction", K::kNumber},
    {"insecure", K::kBool},
    {"tls_config", K::kSection, {}, kTls},
    {"headers", K::kSecretMap},
    {"compression", K::kText},
    {"timeout", K::kDuration},
};

constexpr Field kMain[] = {
    {"global", K::kSection, "{}", kGlobal},
    {"runtime", K::kForeign},
    {"alerting", K::kSection, {}, kAlerting},
    {"rule_files", K::kPathList},
    {"scrape_config_files", K::kPathList},
    {"scrape_configs", K::kSectionList, {}, kJob},
    {"storage", K::kSection, {}, kStorage},
    {"tracing", K::kSection, {}, kTracing},
    {"remote_write", K::kSectionList, {}, kRemoteWrite},
    {"remote_read", K::kSectionList, {}, kRemoteRead},
    {"otlp", K::kForeign},
    {"tocsin", K::kForeign},  // our own
};

}  // namespace

std::span<const Field> MainConfigFields() { return kMain; }

}  // namespace tocsin
