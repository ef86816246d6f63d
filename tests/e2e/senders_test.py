"""Debian's prometheus and vmagent as senders into tocsin: every sample arrives, and once."""

import os
import subprocess
import sys
import time

import house
import peers

SECONDS = 40
CONFIG = """
global: {scrape_interval: 1s, external_labels: {sender: %s}}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['127.0.0.1:%d']}]
"""
REMOTE_WRITE = """
remote_write:
  - url: http://127.0.0.1:%d/api/v1/write
    queue_config: {batch_send_deadline: 1s}
    metadata_config: {send_interval: 5s}
"""


class App:
    """Counts its scrapes: the n-th page says n."""

    def __init__(self):
        self.hits = 0
        self.exporter = house.Exporter({"/metrics": self.page})

    def page(self, handler):
        self.hits += 1
        lines = ["# HELP hits_total Pages served.", "# TYPE hits_total counter",
                 "hits_total %d" % self.hits]
        lines += ['third{i="%d"} %r' % (i, (self.hits + i) / 3.0) for i in range(300)]
        lines += ["nan NaN", "infinite +Inf"]
        lines += ['sometimes{n="%d"} 1' % i for i in range(self.hits % 3)]
        body = ("\n".join(lines) + "\n").encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain; version=0.0.4")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def check_pages(what, tocsin, hits, sender, at):
    """Each page that was served by then is there once. A sender that goes on may have sent half of
    the next one."""
    series = tocsin.query('hits_total{sender="%s"}[10m]' % sender, time=at)
    house.check(len(series) == 1, "%s: %d series" % (what, len(series)))
    pages = [int(v) for _, v in series[0]["values"]]
    house.check(pages == list(range(1, len(pages) + 1)), "%s: pages %s" % (what, pages))
    house.check(hits - 3 <= len(pages) <= hits,
                "%s: %d of %d pages" % (what, len(pages), hits))
    samples = tocsin.query('count_over_time(third{sender="%s",i="299"}[10m])' % sender,
                           time=at)
    house.check(int(samples[0]["value"][1]) == len(pages), "%s: %s" % (what, samples))
    return len(pages)


def prometheus(binary, folder, stack):
    app, tocsin = App(), receiver(binary, folder, stack)
    sender = peers.Prometheus(folder, "sender", CONFIG % ("prometheus", app.exporter.port) +
                              REMOTE_WRITE % tocsin.port)
    stack.callback(sender.kill)
    begin = time.time()
    sender.run()
    time.sleep(SECONDS)
    # What was sent is what the sender has, to the sample and to the last digit.
    end, hits = time.time(), app.hits
    time.sleep(4)
    window = int(end - begin + 5)
    want = peers.samples(sender.query, '{__name__=~".+"}', end, window)
    got = peers.samples(tocsin.query, '{sender="prometheus"}', end, window, ["sender"])
    peers.check_equal("prometheus as the sender", want, got)
    pages = check_pages("prometheus", tocsin, hits, "prometheus", end)
    metadata = tocsin.api("metadata", metric="hits_total")
    house.check(metadata["hits_total"][0]["help"] == "Pages served.", str(metadata))
    print("%d samples of %d pages" % (len(want), pages))


def vmagent(binary, folder, stack):
    program = house.need_program("vmagent", "victoria-metrics")
    app, tocsin = App(), receiver(binary, folder, stack)
    sender = peers.Peer(folder, "vmagent")
    config = os.path.join(sender.folder, "scrape.yml")
    house.write(config, CONFIG % ("vmagent", app.exporter.port))
    stack.callback(sender.kill)
    sender.start([program, "-promscrape.config=" + config,
                  "-httpListenAddr=127.0.0.1:%d" % sender.port,
                  "-remoteWrite.tmpDataPath=" + os.path.join(sender.folder, "data"),
                  "-remoteWrite.url=http://127.0.0.1:%d/api/v1/write" % tocsin.port,
                  "-remoteWrite.flushInterval=1s"], "/health")
    time.sleep(SECONDS)
    # A clean end sends what is left.
    sender.process.terminate()
    try:
        sender.process.wait(20)
    except subprocess.TimeoutExpired:
        sender.kill()
    print("%d pages" % check_pages("vmagent", tocsin, app.hits, "vmagent",
                                      time.time()))


def receiver(binary, folder, stack):
    tocsin = house.Tocsin(binary, folder, "global: {}\n",
                          flags=["--web.enable-remote-write-receiver"])
    stack.callback(tocsin.close)
    tocsin.start()
    return tocsin


SENDERS = {"prometheus": prometheus, "vmagent": vmagent}
if len(sys.argv) != 3 or sys.argv[2] not in SENDERS:
    sys.exit("usage: senders_test.py PATH-OF-TOCSIN " + "|".join(SENDERS))
house.run(SENDERS[sys.argv.pop()])
