"""A full disk (a small file system of its own): writes are refused and retried, scraping and
alerting go on, the oldest data goes first, and when space returns nothing needs a hand."""

import os
import subprocess
import time

import house
import remote_write

SIZE_MB = 220
DAY_MS = 86_400_000
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - {job_name: node, static_configs: [{targets: ['127.0.0.1:%d']}]}
"""
RULES = """
groups:
  - name: g
    rules:
      - {alert: Gone, expr: 'absent(c)', for: 0s}
      - {alert: Up, expr: 'c > 0', for: 0s}
"""


def mount(folder):
    os.makedirs(folder)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % SIZE_MB, "tmpfs", folder],
                          capture_output=True)
    if done.returncode != 0:
        house.skip("no file system may be mounted here: %s" % done.stderr.decode().strip())


def free_bytes(folder):
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def fill(folder, leave):
    """Another program takes the disk."""
    with open(folder + "/other", "ab") as other:
        while free_bytes(folder) > leave:
            try:
                other.write(b"x" * min(1 << 20, free_bytes(folder) - leave))
                other.flush()
            except OSError:
                break


def noise_batch(seed, begin_ms, first):
    batch = []
    for i in range(first, first + 50):
        samples = []
        for step in range(400):
            seed = (seed * 6364136223846793005 + 1442695040888963407 + i) % (1 << 64)
            samples.append((begin_ms + step * 15_000, (seed >> 12) / 1000.0))
        batch.append(({"__name__": "old", "i": str(i)}, samples))
    return remote_write.request(batch)


def day_of_data(tocsin, days_ago, series):
    begin = int(time.time() * 1000) - days_ago * DAY_MS
    for first in range(0, series, 50):
        status, text = tocsin.request("POST", "/api/v1/write",
                                      noise_batch(days_ago, begin, first), remote_write.HEADERS)
        house.check(status == 204, "back-fill: %s %s" % (status, text))


def write_now(tocsin, value):
    """The status of a remote write of one sample."""
    return tocsin.request("POST", "/api/v1/write", remote_write.request(
        [({"__name__": "w"}, [(int(time.time() * 1000), value)])]), remote_write.HEADERS)[0]


def latest(tocsin, name):
    result = tocsin.query("max(timestamp(%s))" % name)
    return float(result[0]["value"][1]) if result else 0.0


def firing(tocsin):
    return sorted(a["labels"]["alertname"] for a in tocsin.api("alerts")["alerts"])


def days_left(tocsin):
    now = time.time()
    result = tocsin.api("query_range", query="count(old)", start=now - 6 * 86400, end=now,
                        step=600)["result"]
    return sorted({round((now - t) / 86400) for t, _ in result[0]["values"]}) if result else []


def test(binary, folder, stack):
    data = folder + "/small"
    mount(data)
    stack.callback(lambda: subprocess.run(["umount", "-l", data], check=False))
    value = [0]

    def page(handler):
        value[0] += 1
        body = ("# TYPE c counter\nc %d\n" % value[0]).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain; version=0.0.4")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    exporter = house.Exporter({"/metrics": page})
    stack.callback(exporter.close)
    house.write(folder + "/rules.yml", RULES)
    tocsin = house.Tocsin(binary, folder, CONFIG % exporter.port, flags=(
        "--storage.memory.max=128MB",
        "--web.enable-remote-write-receiver", "--web.enable-admin-api"))
    tocsin.data = data + "/data"
    stack.callback(tocsin.close)
    tocsin.start()
    for days_ago in (5, 4, 3):
        day_of_data(tocsin, days_ago, 400)
    status, text = tocsin.request("POST", "/api/v1/admin/tsdb/compact")
    house.check(status == 204, "compact: %s %s" % (status, text))
    house.check(days_left(tocsin) == [3, 4, 5], "days: %s" % days_left(tocsin))
    house.wait_for("a scrape", 10, lambda: latest(tocsin, "c") > 0)

    # Below the floor: the oldest day goes, by itself, and only as much as is missing.
    floor = SIZE_MB * (1 << 20) // 8
    fill(data, floor - (200 << 10))
    house.wait_for("room", 60, lambda: free_bytes(data) >= floor)
    left = days_left(tocsin)
    house.check(left in ([3, 4], [3]), "the oldest go first, not all: %s" % left)
    house.check(write_now(tocsin, 1) == 204, "writes go on below the floor")
    print("below the floor: days %s are left" % left)

    # Full to the last byte.
    fill(data, 0)
    refused = []

    # What RocksDB has taken ahead for its log is used up first.
    def is_refused():
        fill(data, 0)
        begin = int(time.time() * 1000) - 2 * DAY_MS
        refused.append(tocsin.request("POST", "/api/v1/write",
                                      noise_batch(len(refused), begin, 1000 + 50 * len(refused)),
                                      remote_write.HEADERS)[0])
        return refused[-1] == 503
    house.wait_for("a refusal that is retried", 90, is_refused)
    for _ in range(3):
        begin = time.time()
        house.wait_for("a scrape while the disk is full", 15,
                       lambda: latest(tocsin, "c") > begin)
    house.check(firing(tocsin) == ["Up"], "alerts: %s" % firing(tocsin))
    print("full: writes get 503, scrapes answer, alerts %s" % firing(tocsin))

    os.remove(data + "/other")
    house.wait_for("writes after space has returned", 90, lambda: write_now(tocsin, 3) == 204)
    print("space is back: writes are taken")
    status, text = tocsin.request("POST", "/api/v1/admin/tsdb/compact")
    house.check(status == 204, "compact: %s %s" % (status, text))
    kept = tocsin.samples("c")
    tocsin.kill()
    tocsin.start()
    after = tocsin.samples("c")
    lost = [key for key in kept if after.get(key) != kept[key]]
    house.check(not lost, "%d of %d samples are gone" % (len(lost), len(kept)))
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)


house.run(test)
