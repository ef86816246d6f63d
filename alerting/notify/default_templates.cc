#include "alerting/notify/default_templates.h"

namespace tocsin::alerting {
namespace {

// Names are Alertmanager's, as users' files replace and call them.
constexpr std::string_view kBasics = R"T(
{{ define "__alertmanager" }}Alertmanager{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/#/alerts?receiver={{ urlquery .Receiver }}{{ end }}
{{ define "__subject" -}}
  {{ if eq .Status "firing" }}[FIRING:{{ len .Alerts.Firing }}]{{ else }}[RESOLVED]{{ end }}
  {{- print " " }}{{ join " " .GroupLabels.SortedPairs.Values }}{{ print " " }}
  {{- if gt (len .CommonLabels) (len .GroupLabels) -}}
    ({{ join " " (.CommonLabels.Remove .GroupLabels.Names).Values }})
  {{- end }}
{{- end }}
{{ define "__description" }}{{ join " " .CommonAnnotations.SortedPairs.Values }}{{ end }}
{{ define "__text_alert_list" -}}
  {{ range . -}}
    Labels:{{ "\n" }}
    {{- range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}{{ "\n" }}{{ end -}}
    Annotations:{{ "\n" }}
    {{- range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}{{ "\n" }}{{ end -}}
    Source: {{ .GeneratorURL }}{{ "\n" }}
  {{- end }}
{{- end }}
{{ define "__text_alert_list_markdown" -}}
  {{ range . -}}
    {{ "\n" }}Labels:{{ "\n" }}
    {{- range .Labels.SortedPairs }}{{ "  - " }}{{ .Name }} = {{ .Value }}{{ "\n" }}{{ end -}}
    {{ "\n" }}Annotations:{{ "\n" }}
    {{- range .Annotations.SortedPairs }}{{ "  - " }}{{ .Name }} = {{ .Value }}{{ "\n" }}{{ end -}}
    {{ "\n" }}Source: {{ .GeneratorURL }}{{ "\n" }}
  {{- end }}
{{- end }}
)T";

// The four bodies that several kinds share.
constexpr std::string_view kBodies = R"T(
{{ define "__body_plain" -}}
  {{ template "__description" . }}{{ "\n" }}
  {{- with .Alerts.Firing }}Alerts Firing:{{ "\n" }}{{ template "__text_alert_list" . }}{{ end }}{{ "\n" }}
  {{- with .Alerts.Resolved }}Alerts Resolved:{{ "\n" }}{{ template "__text_alert_list" . }}{{ end }}
{{- end }}
{{ define "__body_spaced_alerts" -}}
  {{ "\n" }}{{ with .Alerts.Firing }}{{ "\n" }}Alerts Firing:{{ "\n" }}{{ template "__text_alert_list" . }}{{ "\n" }}{{ end }}
  {{- "\n" }}{{ with .Alerts.Resolved }}{{ "\n" }}Alerts Resolved:{{ "\n" }}{{ template "__text_alert_list" . }}{{ "\n" }}{{ end }}
  {{- "\n" }}
{{- end }}
{{ define "__body_spaced" }}{{ template "__description" . }}{{ template "__body_spaced_alerts" . }}{{ end }}
{{ define "__body_markdown" -}}
  {{ "\n" }}{{ with .Alerts.Firing }}{{ "\n" }}# Alerts Firing:{{ "\n" }}{{ template "__text_alert_list_markdown" . }}{{ "\n\n" }}{{ end }}
  {{- "\n" }}{{ with .Alerts.Resolved }}{{ "\n" }}# Alerts Resolved:{{ "\n" }}{{ template "__text_alert_list_markdown" . }}{{ "\n\n" }}{{ end }}
  {{- "\n" }}
{{- end }}
)T";

constexpr std::string_view kSlackPager = R"T(
{{ define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}
{{ define "slack.default.pretext" }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}
{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.text" }}{{ end }}
{{ define "slack.default.footer" }}{{ end }}
{{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}
)T";

// Of kinds that files of users may call, whether or not the kind is built.
constexpr std::string_view kOthers = R"T(
{{ define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end }}
{{ define "opsgenie.default.description" }}{{ template "__body_plain" . }}{{ end }}
{{ define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "wechat.default.message" }}{{ template "__subject" . }}
{{ template "__body_plain" . }}
AlertmanagerUrl:
{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "wechat.default.to_user" }}{{ end }}
{{ define "wechat.default.to_party" }}{{ end }}
{{ define "wechat.default.to_tag" }}{{ end }}
{{ define "wechat.default.agent_id" }}{{ end }}
{{ define "victorops.default.state_message" }}{{ template "__body_plain" . }}{{ end }}
{{ define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end }}
{{ define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pushover.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "pushover.default.message" }}{{ template "__body_spaced" . }}{{ end }}
{{ define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "sns.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "sns.default.message" }}{{ template "__body_spaced" . }}{{ end }}
{{ define "telegram.default.message" }}{{ template "__body_spaced_alerts" . }}{{ end }}
{{ define "discord.default.content" }}{{ end }}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "discord.default.message" }}{{ template "__body_spaced_alerts" . }}{{ end }}
{{ define "webex.default.message" }}{{ template "__body_spaced" . }}{{ end }}
{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.text" }}{{ template "__body_markdown" . }}{{ end }}
{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteamsv2.default.text" }}{{ template "__body_markdown" . }}{{ end }}
{{ define "jira.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "jira.default.description" }}{{ template "__body_markdown" . }}{{ end }}
{{ define "__jira_priority_of" -}}
  {{ $priority := "" }}
  {{- range . }}
    {{- $severity := toLower .Labels.severity }}
    {{- if eq $severity "critical" }}{{ $priority = "High" }}
    {{- else if and (eq $severity "warning") (ne $priority "High") }}{{ $priority = "Medium" }}
    {{- else if and (eq $severity "info") (eq $priority "") }}{{ $priority = "Low" }}{{ end }}
  {{- end }}
  {{- $priority }}
{{- end }}
{{ define "jira.default.priority" -}}
  {{ $known := false }}
  {{- range .Alerts.Firing }}{{ if match "(?i)^(critical|warning|info)$" .Labels.severity }}{{ $known = true }}{{ end }}{{ end }}
  {{- if $known }}{{ template "__jira_priority_of" .Alerts.Firing }}{{ else }}{{ template "__jira_priority_of" .Alerts.Resolved }}{{ end }}
{{- end }}
{{ define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "rocketchat.default.text" }}{{ end }}
{{ define "rocketchat.default.emoji" }}{{ end }}
{{ define "rocketchat.default.iconurl" }}{{ end }}
{{ define "mattermost.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "mattermost.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "mattermost.default.fallback" }}{{ template "__subject" . }} | {{ template "__alertmanagerURL" . }}{{ end }}
{{ define "mattermost.default.text" }}{{ template "__body_markdown" . }}{{ end }}
)T";

constexpr std::string_view kEmail = R"T(
{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "__email_pairs" }}{{ range . }}{{ .Name }} = {{ .Value }}<br />{{ end }}{{ end }}
{{ define "__email_alerts" }}{{ range . }}
        <p><strong>Labels</strong><br />
        {{ template "__email_pairs" .Labels.SortedPairs }}
        {{- if gt (len .Annotations) 0 }}<strong>Annotations</strong><br />
        {{ template "__email_pairs" .Annotations.SortedPairs }}{{ end }}
        <a href="{{ .GeneratorURL }}" style="color: #348eda;">Source</a></p>
{{ end }}{{ end }}
{{ define "email.default.html" -}}
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta name="viewport" content="width=device-width" />
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
<title>{{ template "__subject" . }}</title>
</head>
<body bgcolor="#f6f6f6" style="font-family: Helvetica, Arial, sans-serif; font-size: 14px; margin: 0;">
<table width="100%" bgcolor="#f6f6f6"><tr><td align="center">
  <table width="600" cellpadding="0" cellspacing="0" bgcolor="#ffffff" style="border: 1px solid #e9e9e9;">
    <tr>{{ if gt (len .Alerts.Firing) 0 }}<td bgcolor="#E6522C" align="center" style="background-color: #E6522C; color: #ffffff; font-size: 16px; padding: 20px;">{{ else }}<td bgcolor="#68B90F" align="center" style="background-color: #68B90F; color: #ffffff; font-size: 16px; padding: 20px;">{{ end }}
        {{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}
    </td></tr>
    <tr><td style="padding: 20px;">
        <p><a href="{{ template "__alertmanagerURL" . }}" style="background-color: #348eda; border: 8px solid #348eda; color: #ffffff; font-weight: bold; text-decoration: none;">View in {{ template "__alertmanager" . }}</a></p>
{{- if gt (len .Alerts.Firing) 0 }}
        <p><strong>[{{ len .Alerts.Firing }}] Firing</strong></p>
{{ template "__email_alerts" .Alerts.Firing }}
{{- end }}
{{- if and (gt (len .Alerts.Firing) 0) (gt (len .Alerts.Resolved) 0) }}
        <hr />
{{- end }}
{{- if gt (len .Alerts.Resolved) 0 }}
        <p><strong>[{{ len .Alerts.Resolved }}] Resolved</strong></p>
{{ template "__email_alerts" .Alerts.Resolved }}
{{- end }}
    </td></tr>
  </table>
  <p style="color: #999999; font-size: 12px;"><a href="{{ .ExternalURL }}" style="color: #999999;">Sent by {{ template "__alertmanager" . }}</a></p>
</td></tr></table>
</body>
</html>
{{- end }}
)T";

constexpr BuiltInTemplate kTemplates[] = {{"default.tmpl", kBasics},
                                          {"default.tmpl", kBodies},
                                          {"default.tmpl", kSlackPager},
                                          {"default.tmpl", kOthers},
                                          {"email.tmpl", kEmail}};

}  // namespace

std::span<const BuiltInTemplate> BuiltInTemplates() { return kTemplates; }

}  // namespace tocsin::alerting
