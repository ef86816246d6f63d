"""Centres that answer 400, 429, 500, late or never, and an alert receiver that hangs: counters tell,
and scraping, rules, other endpoints and other receivers do not notice."""

import contextlib
import http.server
import socket
import threading
import time

import house

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['127.0.0.1:%(exporter)d']}]
rule_files: [rules.yml]
remote_write:
"""
ENDPOINT = """
  - url: http://127.0.0.1:%d/%s
    name: %s
    remote_timeout: 2s
    queue_config: {batch_send_deadline: 1s, max_backoff: 1s, retry_on_http_429: %s}
"""
RULES = """
groups:
  - name: g
    rules:
      - {record: 'doubled', expr: 'page * 2'}
      - {alert: Always, expr: 'page > 0'}
"""
ALERTMANAGER = """
route: {receiver: hanging, group_wait: 0s, group_interval: 1s, repeat_interval: 1m, routes: [
  {matchers: ['alertname=Always'], receiver: hanging, continue: true},
  {matchers: ['alertname=Always'], receiver: healthy}]}
receivers:
  - name: hanging
    webhook_configs: [{url: 'http://127.0.0.1:%d/hang'}]
  - name: healthy
    webhook_configs: [{url: 'http://127.0.0.1:%d/ok'}]
"""
MODES = ("healthy", "e400", "e429", "r429", "e500", "slow", "hang")


class Centre:
    """Answers by the path."""

    def __init__(self):
        self.stopping = threading.Event()
        self.requests = {mode: 0 for mode in MODES}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                mode = self.path[1:]
                outer.requests[mode] += 1
                if mode == "hang":
                    outer.stopping.wait(120)
                if mode == "slow":
                    outer.stopping.wait(1.5)
                status = {"e400": 400, "e429": 429, "r429": 429, "e500": 500}.get(mode, 204)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

            def handle(self):
                with contextlib.suppress(ConnectionError):
                    super().handle()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


def value(tocsin, metric, **labels):
    wanted = ['%s="%s"' % pair for pair in labels.items()]
    for line in tocsin.request("GET", "/metrics")[1].splitlines():
        if line.startswith(metric + "{") and all(text in line for text in wanted):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test(binary, folder, stack):
    page = "# TYPE page gauge\npage 1\n" + "".join('x{i="%d"} %d\n' % (i, i) for i in range(2000))
    exporter = house.Exporter({"/metrics": page})
    stack.callback(exporter.close)
    centre = Centre()
    stack.callback(centre.close)
    receiver = house.Receiver()
    stack.callback(receiver.close)
    # Takes connections into its backlog and never reads.
    half_open = socket.socket()
    stack.callback(half_open.close)
    half_open.bind(("127.0.0.1", 0))
    half_open.listen(128)
    config = CONFIG % {"exporter": exporter.port}
    for mode in MODES:
        config += ENDPOINT % (centre.port, mode, mode, "true" if mode == "r429" else "false")
    config += ENDPOINT % (half_open.getsockname()[1], "x", "half_open", "false")
    house.write(folder + "/rules.yml", RULES)
    tocsin = house.Tocsin(binary, folder, config,
                          ALERTMANAGER % (half_open.getsockname()[1], receiver.port))
    stack.callback(tocsin.close)
    tocsin.start()
    house.wait_for("the healthy receiver's alert", 15 * house.SLACK,
                   lambda: receiver.first(lambda post: True))
    time.sleep(10)
    early = tocsin.rss_bytes()
    hits = len(exporter.hits)
    evaluations = tocsin.metric("prometheus_rule_group_iterations_total")
    begin = time.monotonic()
    time.sleep(20)
    took = time.monotonic() - begin
    house.check(len(exporter.hits) - hits >= took - 2, "scrapes fell behind: %d in %.0f s" %
                (len(exporter.hits) - hits, took))
    evaluations = tocsin.metric("prometheus_rule_group_iterations_total") - evaluations
    house.check(evaluations >= took - 2, "rules fell behind: %d in %.0f s" % (evaluations, took))
    grown = tocsin.rss_bytes() - early
    house.check(grown < 48 << 20, "memory grew by %d MB" % (grown >> 20))

    sent = lambda name: value(tocsin, "prometheus_remote_storage_samples_total", remote_name=name)
    failed = lambda name: value(tocsin, "prometheus_remote_storage_samples_failed_total",
                                remote_name=name)
    retried = lambda name: value(tocsin, "prometheus_remote_storage_samples_retried_total",
                                 remote_name=name)
    house.check(sent("healthy") > 2000 * 20, "the healthy endpoint got %d" % sent("healthy"))
    house.check(failed("healthy") == 0 and retried("healthy") == 0, "the healthy one: failures")
    house.check(sent("slow") > 2000 * 10, "the slow endpoint got %d" % sent("slow"))
    for name in ("e400", "e429"):
        house.check(sent(name) == 0 and failed(name) > 2000 * 10 and retried(name) == 0,
                    "%s: %d failed, %d retried" % (name, failed(name), retried(name)))
    for name in ("r429", "e500", "hang", "half_open"):
        house.check(sent(name) == 0 and failed(name) == 0 and retried(name) > 0,
                    "%s: %d failed, %d retried" % (name, failed(name), retried(name)))
    log = tocsin.log_text()
    for name in ("e400", "e429"):
        lines = [l for l in log.splitlines() if "remote_name=" + name in l]
        house.check(0 < len(lines) < took + 15, "%s: %d log lines" % (name, len(lines)))
    house.check(len([l for l in log.splitlines() if "remote_name=e500" in l]) == 1,
                "an endpoint that is down is told of once")
    # Hanging receivers time out with their group's interval and are counted.
    house.wait_for("the hanging receiver's failure", 15, lambda: tocsin.metric(
        "alertmanager_notification_requests_failed_total") > 0)
    begin = time.monotonic()
    house.check(tocsin.terminate() == 0, "exit status")
    house.check(time.monotonic() - begin < 20, "a hostile side holds up the end")
    print("scraping, rules and alerts went on beside 7 hostile sides; memory %+d MB" % (grown >> 20))


house.run(test)
