"""Bad input of every kind: a clear error or counter each time, and the rest goes on."""

import time

import house

CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - {job_name: good, metrics_path: /good, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: malformed, metrics_path: /malformed, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: missing, metrics_path: /missing, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: html, metrics_path: /html, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: never, metrics_path: /never, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: endless, metrics_path: /endless, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: capped, metrics_path: /endless, body_size_limit: 1MB, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: limited, metrics_path: /many, sample_limit: 10, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: wide, metrics_path: /wide, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: flood, metrics_path: /flood, scrape_interval: 5s, static_configs: [{targets: ['127.0.0.1:%(port)d']}]}
  - {job_name: closed, static_configs: [{targets: ['127.0.0.1:%(closed)d']}]}
"""
RULES = "groups: [{name: g, rules: [{alert: A, expr: vector(1)}]}]\n"
ALERTMANAGER = """
route: {receiver: nobody, group_wait: 1s, group_interval: 1s}
receivers: [{name: nobody, webhook_configs: [{url: 'http://127.0.0.1:%d/'}]}]
"""

ERRORS = {
    "malformed": "line 3: expected label value",
    "missing": "server returned HTTP status 404 Not Found",
    "html": 'received unsupported Content-Type "text/html"',
    "never": "context deadline exceeded",
    "capped": "body size limit exceeded",
    "limited": "sample limit exceeded",
    "wide": "a series has more than 1024 labels",
    "flood": "more than 1000000 samples on a page",
    "closed": "onnect",
}


def head(handler, content_type):
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True


def pages(stopping):
    def html(handler):
        head(handler, "text/html")
        handler.wfile.write(b"<html>")

    def never(handler):
        stopping().wait(20)

    def endless(handler):
        head(handler, "text/plain; version=0.0.4")
        chunk = b"".join(b'endless{i="%d"} 1\n' % i for i in range(1000))
        while not stopping().is_set():
            handler.wfile.write(chunk)

    return {
        "/good": "good 1\n",
        "/malformed": "ok 1\nok2 2\nbroken{a=1} 3\n",
        "/html": html,
        "/never": never,
        "/endless": endless,
        "/wide": "ok_wide 1\nok_wide{%s} 1\n" % ",".join('l%d="1"' % i for i in range(1100)),
        # Complete, and below the limit of a body.
        "/flood": "".join("ok%x 1\n" % i for i in range(3_000_000)),
        "/many": "".join("many%d 1\n" % i for i in range(11)),
    }


def refused_configs(binary, folder):
    cases = [
        ("global: {scrape_interval: 1s\nscrape_configs: [\n", ["prometheus.yml"]),
        ("global: {scrape_interval: 1s}\nglobal: {}\n", ["prometheus.yml:2", "global"]),
        ("scrape_configs:\n  - job_name: a\n    scrape_intervall: 1s\n",
         ["prometheus.yml:3", "scrape_intervall"]),
        ("scrape_configs:\n  - {job_name: a, scrape_interval: soon}\n",
         ["prometheus.yml:2", "soon"]),
    ]
    for text, wanted in cases:
        tocsin = house.Tocsin(binary, folder, text)
        status, printed = tocsin.refuses_to_start()
        for word in wanted:
            house.check(word in printed, "%r is not in: %s" % (word, printed))
        print("refused with status %d: %s" % (status, printed.strip().splitlines()[-1][:160]))


def test(binary, folder, stack):
    refused_configs(binary, folder)
    exporter = house.Exporter({})
    exporter.pages = pages(lambda: exporter.stopping)
    stack.callback(exporter.close)
    house.write(folder + "/rules.yml", RULES)
    closed = house.free_port()
    tocsin = house.Tocsin(binary, folder, CONFIG % {"port": exporter.port, "closed": closed},
                          ALERTMANAGER % closed)
    stack.callback(tocsin.close)
    tocsin.start()

    def all_scraped():
        return all(t["health"] != "unknown" for t in tocsin.targets().values())
    house.wait_for("a scrape of every target", 20, all_scraped)
    time.sleep(6)
    targets = tocsin.targets()
    for job, text in ERRORS.items():
        error = targets[job]["lastError"]
        house.check(targets[job]["health"] == "down", job + " is " + targets[job]["health"])
        house.check(text in error, "%s: %r is not in %r" % (job, text, error))
        house.check(tocsin.query('up{job="%s"}' % job)[0]["value"][1] == "0", "up of " + job)
        print("%-10s %s" % (job, error[:120]))
    house.check(targets["endless"]["health"] == "down", "an endless body was taken")
    print("%-10s %s" % ("endless", targets["endless"]["lastError"][:120]))
    house.check(not tocsin.query('{__name__=~"ok.*|many.*|endless"}'), "part of a bad page is there")

    house.check(targets["good"]["health"] == "up", "the good target suffers")
    house.check(len(tocsin.samples("good", "10s")) >= 4, "the good target lacks samples")
    for name in ("prometheus_target_scrapes_exceeded_body_size_limit_total",
                 "prometheus_target_scrapes_exceeded_sample_limit_total",
                 "alertmanager_notification_requests_failed_total"):
        house.wait_for(name, 20, lambda n=name: tocsin.metric(n) > 0)
    rss = tocsin.rss_bytes() / 1e6
    print("RSS %.0f MB" % rss)
    house.check(rss < 600, "memory is not bounded: %.0f MB" % rss)

    # Requests nobody should send.
    for method, path, body, wanted in [
            ("GET", "/api/v1/query?query=up%7B", None, 400),
            ("GET", "/api/v1/query_range?query=up&start=1&end=0&step=1", None, 400),
            ("GET", "/api/v1/nothing", None, 404),
            ("POST", "/api/v1/query", "query=" + "(" * 100000, 400)]:
        status = tocsin.request(method, path, body,
                                {"Content-Type": "application/x-www-form-urlencoded"})[0]
        house.check(status == wanted, "%s %s gives %d" % (method, path[:40], status))
    house.check(tocsin.query("good")[0]["value"][1] == "1", "the good series is gone")
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)


house.run(test)
