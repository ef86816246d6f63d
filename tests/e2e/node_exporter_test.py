"""The main job on real programs: node_exporter scraped each second, queries, an alert to a Slack
receiver when it stops and when it returns, promtool."""

import json
import re
import subprocess
import time

import house


FOR, INTERVAL, GROUP_WAIT = 2.0, 1.0, 1.0

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ['127.0.0.1:%d']}]
"""
RULES = """
groups:
  - name: site
    rules:
      - alert: NodeDown
        expr: up{job="node"} == 0
        for: 2s
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.instance }} is down"}
      - record: node:load
        expr: node_load1
"""
ALERTMANAGER = """
route: {receiver: slack, group_by: [alertname], group_wait: 1s, group_interval: 1s}
receivers:
  - name: slack
    slack_configs:
      - api_url: http://127.0.0.1:%d/slack
        channel: '#alerts'
        send_resolved: true
        title: 'Alert: {{ .GroupLabels.alertname }}'
        text: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'
"""
SLACK_BODY = {"attachments", "channel", "username"}
SLACK_ATTACHMENT = {"callback_id", "color", "fallback", "footer", "mrkdwn_in", "text", "title",
                    "title_link"}


def slack_shape():
    """Field names of a recorded Slack body, when the recordings are here."""
    path = house.shared_file("seeds", "alertmanager", "expected_payloads.jsonl")
    if path is None:
        return SLACK_BODY, SLACK_ATTACHMENT
    with open(path) as f:
        for line in f:
            entry = json.loads(line)
            if entry["path"] == "/slack":
                return set(entry["body"]), set(entry["body"]["attachments"][0])
    raise AssertionError("no Slack body among the recordings")


def node_queries():
    path = house.shared_file("seeds", "queries.txt")
    if path is None:
        return ["rate(node_cpu_seconds_total[5m])", "node_memory_MemAvailable_bytes"]
    with open(path) as f:
        lines = [line.strip() for line in f]
    # Comparisons may rightly be empty.
    return [q for q in lines if "node_" in q and not re.search(r"[<>]", q)]


def start_exporter(program, port):
    return subprocess.Popen([program, "--web.listen-address=127.0.0.1:%d" % port],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process):
    if process.poll() is None:
        process.kill()
        process.wait()


def check_body(post, state, color):
    body = post[2]
    names, attachment_names = slack_shape()
    house.check(set(body) == names, "Slack body has %s" % sorted(body))
    attachment = body["attachments"][0]
    house.check(set(attachment) == attachment_names, "attachment has %s" % sorted(attachment))
    house.check(body["channel"] == "#alerts", body["channel"])
    house.check(attachment["title"] == "Alert: NodeDown", attachment["title"])
    house.check(attachment["color"] == color, attachment["color"])
    house.check(attachment["fallback"].startswith("[%s" % state), attachment["fallback"])
    house.check(attachment["text"].endswith("is down"), attachment["text"])


def test(binary, folder, stack):
    program = house.need_program("prometheus-node-exporter", "prometheus-node-exporter")
    promtool = house.need_program("promtool", "prometheus")
    port = house.free_port()
    exporter = start_exporter(program, port)
    stack.callback(lambda: stop(exporter))
    receiver = house.Receiver()
    stack.callback(receiver.close)
    house.write(folder + "/rules.yml", RULES)
    tocsin = house.Tocsin(binary, folder, CONFIG % port, ALERTMANAGER % receiver.port)
    stack.callback(tocsin.close)
    ready = tocsin.start()

    house.wait_for("the first scrape", 10, lambda: tocsin.query('up{job="node"} == 1'))
    print("first scrape %.2f s after readiness" % (time.monotonic() - ready))
    house.wait_for("enough samples", 15,
                   lambda: len(tocsin.samples('up{job="node"}', "1m")) >= 5)
    for query in node_queries():
        result, _ = house.wait_for("data for " + query, 10, lambda q=query: tocsin.query(q))
        print("%4d series: %s" % (len(result), query))
    house.wait_for("the recorded series", 5, lambda: tocsin.query("node:load"))

    times = sorted(float(t) for _, t in tocsin.samples('up{job="node"}', "1m"))
    gaps = {round(b - a, 3) for a, b in zip(times, times[1:])}
    house.check(max(gaps) < 2 * INTERVAL, "cadence of 1 s not held: gaps %s" % sorted(gaps))

    out = subprocess.run([promtool, "query", "instant", "http://127.0.0.1:%d" % tocsin.port,
                          'up{job="node"}'], capture_output=True, text=True, check=False)
    house.check(out.returncode == 0 and 'up{instance="127.0.0.1' in out.stdout and "=> 1 @" in
                out.stdout, "promtool: " + out.stdout + out.stderr)

    stop(exporter)
    stopped = time.monotonic()
    firing = lambda post: "[FIRING" in post[2]["attachments"][0]["fallback"]
    bound = FOR + 2 * INTERVAL + GROUP_WAIT
    post, _ = house.wait_for("the alert", bound + house.SLACK, lambda: receiver.first(firing))
    took = post[0] - stopped
    print("alert after %.2f s (for + 2 intervals + group_wait = %.0f s)" % (took, bound))
    house.check(took <= bound + house.SLACK, "the alert took %.2f s" % took)
    check_body(post, "FIRING", "danger")

    exporter = start_exporter(program, port)
    resolved = lambda post: "[RESOLVED" in post[2]["attachments"][0]["fallback"]
    post, took = house.wait_for("its resolution", 10, lambda: receiver.first(resolved))
    print("resolved %.2f s after the return" % took)
    check_body(post, "RESOLVED", "good")
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)


house.run(test)
