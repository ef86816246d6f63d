"""Alerts between tocsin and the programs it stands in for: Prometheus sends to tocsin, tocsin sends
to an Alertmanager, and beside it through its own router. Each alert fires and ends at its receiver.
"""

import os
import subprocess

import house

RULES = """groups:
- name: g
  interval: 1s
  rules:
  - alert: Passing
    expr: trouble == 1
    labels: {from: %s, severity: page}
    annotations: {summary: "it is {{ $value }}"}
"""
ROUTER = """
route: {receiver: hook, group_by: [alertname, from], group_wait: 1s, group_interval: 2s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:%d/%s'}]}]
"""
SENDER = """
global: {evaluation_interval: 1s, scrape_interval: 1s, external_labels: {site: lab}}
scrape_configs: [{job_name: j, metrics_path: /m, static_configs: [{targets: ['127.0.0.1:%d']}]}]
rule_files: ['%s']
alerting:
  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:%d']}]}]
"""


def start(stack, folder, name, *command):
    log = open(os.path.join(folder, name + ".log"), "w")
    process = subprocess.Popen(command, stdout=log, stderr=log)

    def end():
        process.kill()
        process.wait()
        log.close()
    stack.callback(end)


def told(receiver, path, source, status):
    def found(post):
        _, where, body = post
        return where == path and body["status"] == status and \
            body["groupLabels"] == {"alertname": "Passing", "from": source}
    return lambda: receiver.first(found)


def test(binary, folder, stack):
    house.need_program("prometheus", "prometheus")
    house.need_program("prometheus-alertmanager", "prometheus-alertmanager")
    receiver = house.Receiver()
    stack.callback(receiver.close)
    exporter = house.Exporter({"/m": "trouble 1\n"})
    stack.callback(exporter.close)

    def write(name, text):
        path = os.path.join(folder, name)
        house.write(path, text)
        return path

    # A real Alertmanager that tocsin sends to.
    am_port = house.free_port()
    start(stack, folder, "alertmanager", "prometheus-alertmanager",
          "--config.file=" + write("real.yml", ROUTER % (receiver.port, "alertmanager")),
          "--storage.path=" + os.path.join(folder, "am"), "--cluster.listen-address=",
          "--web.listen-address=127.0.0.1:%d" % am_port)
    # tocsin evaluates its own rule, and routes for itself and for Prometheus.
    tocsin = house.Tocsin(binary, folder, "", ROUTER % (receiver.port, "tocsin"))
    stack.callback(tocsin.close)
    tocsin.write_config(SENDER % (exporter.port, write("own.yml", RULES % "tocsin"), am_port))
    tocsin.start()
    # A real Prometheus that sends to tocsin.
    prom_port = house.free_port()
    start(stack, folder, "prometheus", "prometheus",
          "--config.file=" + write("sender.yml", SENDER % (
              exporter.port, write("theirs.yml", RULES % "prometheus"), tocsin.port)),
          "--storage.tsdb.path=" + os.path.join(folder, "prom"),
          "--web.listen-address=127.0.0.1:%d" % prom_port)

    ways = [("/tocsin", "tocsin"), ("/alertmanager", "tocsin"), ("/tocsin", "prometheus")]
    for status in ("firing", "resolved"):
        for path, source in ways:
            (_, _, body), _ = house.wait_for("%s of %s at %s" % (status, source, path),
                                             30 * house.SLACK,
                                             told(receiver, path, source, status))
            alert = body["alerts"][0]
            house.check(alert["labels"] == {
                "alertname": "Passing", "from": source, "severity": "page", "site": "lab",
                "job": "j", "instance": "127.0.0.1:%d" % exporter.port}, str(alert))
            house.check(alert["annotations"]["summary"].startswith("it is "), str(alert))
            house.check("/graph?g0.expr=" in alert["generatorURL"], str(alert))
            ends = alert["endsAt"]
            house.check(ends.startswith("0001-") == (status == "firing"), str(alert))
        exporter.pages["/m"] = "trouble 0\n"
    sent = tocsin.metric("prometheus_notifications_sent_total")
    house.check(sent > 0 and tocsin.metric("prometheus_notifications_errors_total") == 0, str(sent))


house.run(test)
