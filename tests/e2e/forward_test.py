"""remote_write to Debian's prometheus: every sample is there in the end, bit by bit, also those of
the time in which the centre was down and of a kill -9 of tocsin in that time.

  late    the centre takes samples out of order: late ones arrive as well
  strict  it does not: everything but the late samples arrives
"""

import struct
import sys
import time

import house
import peers
import remote_write

CONFIG = """
global: {scrape_interval: 1s, external_labels: {site: edge}}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['127.0.0.1:%(exporter)d']}]
  - job_name: flapping
    metrics_path: /flapping
    static_configs: [{targets: ['127.0.0.1:%(exporter)d']}]
remote_write:
  - url: http://127.0.0.1:%(centre)d/api/v1/write
    name: centre
    queue_config: {batch_send_deadline: 1s, max_backoff: 500ms}
    write_relabel_configs:
      - {source_labels: [__name__], regex: 'unwanted.*', action: drop}
"""
STALE = 0x7FF0000000000002


class App:
    """A page whose values change in every way that values do."""

    def __init__(self):
        self.hits = 0
        self.exporter = house.Exporter({"/metrics": self.page, "/flapping": self.flapping})
        self.up = True

    @staticmethod
    def answer(handler, lines):
        body = ("\n".join(lines) + "\n").encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain; version=0.0.4")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def page(self, handler):
        self.hits += 1
        n = self.hits
        lines = ["# TYPE requests_total counter"]
        lines += ['requests_total{path="/%d"} %d' % (i, n * i) for i in range(40)]
        lines += ["third %r" % (n / 3.0), "tiny 5e-324", "huge 1.7976931348623157e+308",
                  "infinite %s" % ("+Inf" if n % 2 else "-Inf"), "nan NaN", "constant 1",
                  "unwanted_one 1", "zero -0"]
        lines += ['now_and_then{n="%d"} 1' % i for i in range(n % 4)]
        self.answer(handler, lines)

    def flapping(self, handler):
        if not self.up:
            handler.send_error(503)
            return
        self.answer(handler, ['flap{i="%d"} %d' % (i, i) for i in range(5)])


def push(tocsin, labels, samples):
    status, text = tocsin.request("POST", "/api/v1/write",
                                  remote_write.request([(labels, samples)]), remote_write.HEADERS)
    house.check(status == 204, "%d %s" % (status, text))


def forward_test(mode):
    def test(binary, folder, stack):
        storage = "storage: {tsdb: {out_of_order_time_window: 1h}}\n" if mode == "late" else ""
        centre = peers.Prometheus(folder, "centre", "global: {}\n" + storage,
                                  ["--web.enable-remote-write-receiver"])
        stack.callback(centre.kill)
        app = App()
        stack.callback(app.exporter.close)
        tocsin = house.Tocsin(binary, folder,
                              CONFIG % {"exporter": app.exporter.port, "centre": centre.port},
                              flags=["--web.enable-remote-write-receiver"])
        stack.callback(tocsin.close)
        begin = time.time()
        centre.run()
        tocsin.start()
        now = lambda: int(time.time() * 1000)
        payload = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000ABCDEF))[0]
        push(tocsin, {"__name__": "pushed", "job": "p"}, [(now(), payload)])
        time.sleep(5)
        app.up = False
        # Hours late for the store, half an hour for the centre.
        late = [(now() - 1_800_000 + i * 1000, i + 0.5) for i in range(20)]
        push(tocsin, {"__name__": "pushed", "job": "p"}, late)
        time.sleep(3)
        centre.kill()
        time.sleep(4)
        app.up = True
        push(tocsin, {"__name__": "pushed", "job": "p"}, [(now(), -0.0)])
        time.sleep(2)
        tocsin.kill()
        tocsin.start()
        time.sleep(4)
        retried = tocsin.metric("prometheus_remote_storage_samples_retried_total")
        house.check(retried > 0, "nothing was tried while the centre was down")
        centre.run()
        came_back = time.time()
        time.sleep(5)
        end = time.time()

        def caught_up():
            return peers.samples(centre.query, "third", end + 30, 40)

        house.wait_for("the centre's catching up", 30, caught_up, step=0.2)
        selector = '{__name__=~".+",__name__!~"unwanted.*"}'
        window = int(end - begin + 5)
        wanted = peers.samples(tocsin.query, selector, end, window)
        # Sent meanwhile or a moment later; nothing is wanted behind `end`.
        newest = max(t for _, t in wanted)

        def all_there():
            got = peers.samples(centre.query, "third", end, window, ["site"])
            return got and max(t for _, t in got) >= newest - 1000

        house.wait_for("the last second at the centre", 30, all_there, step=0.2)
        time.sleep(3)
        got = peers.samples(centre.query, '{site="edge"}', end, window, ["site"])
        peers.check_equal("live samples", wanted, got)
        down = [t for _, t in wanted if came_back - 10 < t / 1000 < came_back]
        house.check(len(down) > 200, "hardly a sample is of the time of the outage")
        if mode == "late":
            got = peers.samples(centre.query, "pushed", end, 3600, ["site"])
            want = peers.samples(tocsin.query, "pushed", end, 3600)
            house.check(len(want) == 22, str(want))
            peers.check_equal("late samples", want, got)
        # What no query shows: the bits of NaNs, and where series ended.
        read = centre.remote_read("pushed", int(begin * 1000) - 1000, int(end * 1000))
        bits = [b for series in read.values() for _, b in series]
        house.check(bits[:1] == [0x7FF8000000ABCDEF], str([hex(b) for b in bits]))
        for series in centre.remote_read("flap", int(begin * 1000), int(end * 1000)).values():
            marks = sum(1 for _, b in series if b == STALE)
            house.check(marks >= 1, "the end of a series did not arrive: %s" % series)
        lost = tocsin.metric("prometheus_remote_storage_samples_failed_total")
        house.check(mode == "strict" or lost == 0, "%d samples were refused" % lost)
        house.check(tocsin.metric("tocsin_remote_storage_gaps_total") == 0, "gaps")
        print("%d samples, equal at the centre" % len(wanted))

    return test


if len(sys.argv) != 3 or sys.argv[2] not in ("late", "strict"):
    sys.exit("usage: forward_test.py PATH-OF-TOCSIN late|strict")
house.run(forward_test(sys.argv.pop()))
