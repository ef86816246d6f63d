"""/api/v1/status/config says what Prometheus says of the same file, and more where 3.x knows more."""

import json
import os
import subprocess
import urllib.request

import house

# Prometheus 2.42 keeps other defaults for senders, and prints an internal field.
OTHER_DEFAULTS = ("capacity:", "max_shards:", "max_samples_per_send:", "enable_http2:",
                  "outofordertimewindow:")

OWN = """
global:
  scrape_interval: 15s
  external_labels: {key: abc, site: "a b", number: "17"}
rule_files: ["rules/*.yml"]
scrape_configs:
  - job_name: a
    params: {token: [abc], module: [http_2xx]}
    basic_auth: {username: u, password: p}
    static_configs:
      - {targets: ["h:1", "h:2"], labels: {key: v}}
      - targets: ["h:4"]
    relabel_configs:
      - {source_labels: [__address__], regex: "(.*):(.*)", target_label: instance}
      - {action: labeldrop, regex: foo}
      - {action: hashmod, source_labels: [a, b], modulus: 8, target_label: x, separator: "_"}
    metric_relabel_configs:
      - {source_labels: [__name__], action: drop, regex: "go_.*"}
    file_sd_configs: [{files: ["t/*.json"]}]
  - job_name: b
    honor_labels: true
    honor_timestamps: no
    scrape_interval: 90s
    metrics_path: "/m: x"
    sample_limit: 10
    authorization: {type: Token, credentials: xyz}
    tls_config: {insecure_skip_verify: true, server_name: abc}
    follow_redirects: false
    static_configs: []
  - {job_name: c, bearer_token: abc, static_configs: [{targets: []}]}
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
    - {static_configs: [{targets: ["am:9093"]}], path_prefix: /x}
    - {scheme: https, basic_auth: {username: u, password_file: pf}, timeout: 1m30s}
remote_write:
  - url: http://h/write
    name: rw
    write_relabel_configs: [{source_labels: [a], action: keep, regex: b}]
  - {url: "http://h2/w", metadata_config: {send: false}}
storage:
  tsdb: {out_of_order_time_window: 30m}
"""


def prometheus_says(prometheus, config, folder, stack):
    port = house.free_port()
    with open(os.path.join(folder, "prometheus.log"), "w") as log:
        process = subprocess.Popen(
            [prometheus, "--config.file=" + config, "--web.listen-address=127.0.0.1:%d" % port,
             "--storage.tsdb.path=" + os.path.join(folder, "peer-%d" % port)],
            stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.terminate)

    def ask():
        if process.poll() is not None:
            return "refused"
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/status/config" % port,
                                        timeout=5) as answer:
                return json.load(answer)["data"]["yaml"]
        except OSError:
            return None

    return house.wait_for("Prometheus' answer", 60, ask)[0]


def compare(binary, prometheus, path, folder, stack):
    expected = prometheus_says(prometheus, path, folder, stack)
    if expected == "refused":
        print("%s: not for this Prometheus" % os.path.basename(path))
        return False
    tocsin = house.Tocsin(binary, folder, "")
    tocsin.config_path = path
    tocsin.data = os.path.join(folder, "data-" + os.path.basename(path))
    stack.callback(tocsin.close)
    tocsin.start()
    shown = tocsin.api("status/config")["yaml"]
    tocsin.close()
    # Every line of the older release stands in ours, in its order.
    lines = iter(shown.splitlines())
    for line in expected.splitlines():
        if line.strip().startswith(OTHER_DEFAULTS):
            continue
        house.check(any(own == line for own in lines),
                    "%s: %r is missing or out of order in\n%s" % (path, line, shown))
    return True


def test(binary, folder, stack):
    prometheus = house.need_program("prometheus", "prometheus")
    own = os.path.join(folder, "own.yml")
    house.write(own, OWN)
    house.check(compare(binary, prometheus, own, folder, stack), "own file refused")
    seeds = house.shared_file("seeds", "prometheus")
    names = sorted(n for n in os.listdir(seeds) if n.endswith(".yml")) if seeds else []
    compared = sum(compare(binary, prometheus, os.path.abspath(os.path.join(seeds, name)), folder,
                           stack)
                   for name in names if ".reject." not in name)
    print("compared: own file and %d seeds" % compared)
    house.check(not names or compared >= 4, "too few seeds compared")

    # A mere router has no such file.
    router = house.Tocsin(binary, folder, "",
                          "route: {receiver: x}\nreceivers: [{name: x}]\n")
    router.config_path = ""
    router.data = os.path.join(folder, "router")
    router.command = lambda: [binary, "--alertmanager.config.file=" + router.alertmanager_path,
                              "--storage.tsdb.path=" + router.data,
                              "--web.listen-address=127.0.0.1:%d" % router.port]
    stack.callback(router.close)
    router.start()
    house.check(router.api("status/config") == {"yaml": ""}, "a router shows a configuration")
    status, text = router.request("GET", "/api/v2/status")
    house.check(status == 200 and "receiver: x" in json.loads(text)["config"]["original"], text)


house.run(test)
