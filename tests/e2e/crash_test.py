"""kill -9 in the middle of scraping: every sample that was visible is there after, the alert's
state goes on, and every target is scraped again within one interval of readiness."""

import datetime
import threading
import time

import house

INTERVAL = 1.0
JOBS = 8

CONFIG = "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n" \
         "scrape_configs:\n"
JOB = "  - {job_name: job%d, metrics_path: /%d, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
RULES = """
groups:
  - name: g
    rules:
      - {alert: AlwaysPending, expr: 'vector(1)', for: 1h}
      - {alert: AlwaysFiring, expr: 'vector(1)', for: 1s}
"""


class Counters:
    """Pages whose counters move with each scrape."""

    def __init__(self):
        self.lock = threading.Lock()
        self.value = 0

    def page(self, handler):
        with self.lock:
            self.value += 1
            value = self.value
        body = ("# TYPE c counter\n" + "".join('c{i="%d"} %d\n' % (i, value * 1000 + i)
                                               for i in range(50))).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain; version=0.0.4")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def alerts(tocsin):
    return {a["labels"]["alertname"]: a for a in tocsin.api("alerts")["alerts"]}


def active_at(alert):
    text = alert["activeAt"].rstrip("Z").split(".")
    parsed = datetime.datetime.fromisoformat(text[0]).replace(tzinfo=datetime.timezone.utc)
    return parsed.timestamp() + float("0." + (text[1] if len(text) > 1 else "0"))


def crash_once(tocsin, exporter, round_number):
    house.wait_for("scrapes of every job", 15,
                   lambda: len(tocsin.query("count by (job) (c)")) == JOBS)
    house.wait_for("both alert states", 15, lambda: [a["state"] for _, a in sorted(
        alerts(tocsin).items())] == ["firing", "pending"])
    time.sleep(2 + 0.37 * round_number)  # somewhere in the middle of the rhythm
    states = alerts(tocsin)
    wall = time.time()
    seen = tocsin.samples("c")
    seen.update(tocsin.samples('up{job=~"job.*"}'))
    tocsin.kill()

    killed = time.monotonic()
    ready = tocsin.start()
    after = tocsin.samples("c")
    after.update(tocsin.samples('up{job=~"job.*"}'))
    lost = [key for key in seen if after.get(key) != seen[key]]
    house.check(not lost, "%d of %d samples are gone or changed, e.g. %s" %
                (len(lost), len(seen), lost[:3]))
    print("round %d: %d samples, all there; ready %.2f s after the kill" %
          (round_number, len(seen), ready - killed))

    def scraped_again():
        return {path for t, path in list(exporter.hits) if t > killed}
    house.wait_for("a scrape of every target", INTERVAL + 5,
                   lambda: len(scraped_again()) == JOBS, step=0.01)
    first = {}
    for t, path in list(exporter.hits):
        if t > killed:
            first.setdefault(path, t)
    latest = max(first.values()) - ready
    print("every target scraped again %.2f s after readiness" % latest)
    house.check(latest <= INTERVAL + house.SLACK / 3, "took %.2f s" % latest)

    house.wait_for("the alerts", 10, lambda: len(alerts(tocsin)) == 2)
    house.wait_for("the same states", 5, lambda: all(
        a["state"] == states[name]["state"] for name, a in alerts(tocsin).items()))
    for name, alert in alerts(tocsin).items():
        before, now = active_at(states[name]), active_at(alert)
        # A firing alert keeps its start; a pending one is moved by the time nobody looked, so that
        # `for` means time that was seen.
        most = 0.001 if alert["state"] == "firing" else time.time() - wall
        house.check(-0.001 <= now - before <= most and now < wall,
                    "%s was active since %s, now since %s" %
                    (name, states[name]["activeAt"], alert["activeAt"]))


def test(binary, folder, stack):
    counters = Counters()
    exporter = house.Exporter({"/%d" % i: counters.page for i in range(JOBS)})
    stack.callback(exporter.close)
    house.write(folder + "/rules.yml", RULES)
    config = CONFIG + "".join(JOB % (i, i, exporter.port) for i in range(JOBS))
    tocsin = house.Tocsin(binary, folder, config)
    stack.callback(tocsin.close)
    tocsin.start()
    for round_number in range(3):
        crash_once(tocsin, exporter, round_number)
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)


house.run(test)
