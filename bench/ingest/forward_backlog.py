#!/usr/bin/env python3
"""The end of an outage: how fast tocsin sends what it kept for a centre that was away.

  forward_backlog.py PATH-OF-TOCSIN [SERIES] [STEPS]     default 2000 series x 1000 steps of 15 s

Loads the samples while nothing listens at the endpoint, then starts Debian's victoria-metrics there and
waits until every sample is answered for. Prints samples, seconds, CPU of tocsin and bytes on the wire.
"""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "e2e"))
import house
import peers
import remote_write

CONFIG = """
global: {scrape_interval: 1m}
remote_write:
  - {url: 'http://127.0.0.1:%d/api/v1/write', name: centre, queue_config: {max_backoff: 1s}}
"""
STEP_MS, SENT = 15_000, "prometheus_remote_storage_samples_total"


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(tocsin, series, steps):
    begin = int(time.time() * 1000) - steps * STEP_MS
    names = [{"__name__": "backlog_%d" % (i % 50), "instance": "host:%d" % (i // 50), "i": str(i)}
             for i in range(series)]
    for first in range(0, steps, 20):
        body = remote_write.request(
            [(labels, [(begin + k * STEP_MS, float(i % 7 + k * (i % 13)))
                       for k in range(first, min(first + 20, steps))])
             for i, labels in enumerate(names)])
        status, text = tocsin.request("POST", "/api/v1/write", body, remote_write.HEADERS)
        house.check(status == 204, text)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    series, steps = (int(a) for a in (sys.argv[2:] + ["2000", "1000"])[:2])
    program = house.need_program("victoria-metrics", "victoria-metrics")
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        centre = peers.Peer(folder, "centre")
        tocsin = house.Tocsin(os.path.abspath(sys.argv[1]), folder, CONFIG % centre.port,
                              flags=["--web.enable-remote-write-receiver"])
        try:
            tocsin.start()
            load(tocsin, series, steps)
            wanted = series * steps
            cpu = cpu_seconds(tocsin.process.pid)
            centre.start([program, "-storageDataPath=" + os.path.join(folder, "vm"),
                          "-retentionPeriod=100y",
                          "-httpListenAddr=127.0.0.1:%d" % centre.port], "/health")
            _, took = house.wait_for("the end of the backlog", 300,
                                     lambda: tocsin.metric(SENT) >= wanted, step=0.2)
            cpu = cpu_seconds(tocsin.process.pid) - cpu
            print("%d samples in %.1f s: %.0f samples/s; CPU of tocsin %.2f s per million, "
                  "%.1f bytes per sample, RSS %.0f MiB" %
                  (wanted, took, wanted / took, cpu * 1e6 / wanted,
                   tocsin.metric("prometheus_remote_storage_bytes_total") / wanted,
                   tocsin.rss_bytes() / 2**20))
        finally:
            tocsin.close()
            centre.kill()


main()
