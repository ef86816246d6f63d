"""What remote write has acknowledged survives a sudden end, to the sample, however often.

  kill   kill -9
  oom    the kernel's OOM killer, in a memory cgroup of the test's own (root only)
"""

import sys
import threading
import time

import cgroup
import house
import remote_write

SERIES = 40
MODE = sys.argv.pop()


def request(sender, step, t_ms, ballast):
    series = [({"__name__": "w", "i": str(i), "sender": str(sender)},
               [(t_ms, step * 1000.0 + i)]) for i in range(SERIES)]
    # Series that nobody has seen before: what makes memory grow.
    series += [({"__name__": "ballast", "i": str(i), "sender": str(sender), "step": str(step)},
                [(t_ms, 1.0)]) for i in range(ballast)]
    return remote_write.request(series)


class Sender(threading.Thread):
    """Writes one sample of each of its series a request until it is refused."""

    def __init__(self, tocsin, number, first, ballast):
        super().__init__(daemon=True)
        self.tocsin, self.number, self.step, self.ballast = tocsin, number, first, ballast
        self.acknowledged = []  # (step, time in ms)

    def run(self):
        while True:
            self.step += 1
            t_ms = int(time.time() * 1000)
            try:
                status, text = self.tocsin.request(
                    "POST", "/api/v1/write", request(self.number, self.step, t_ms, self.ballast),
                    remote_write.HEADERS)
            except OSError:
                return
            if status == 204:
                self.acknowledged.append((self.step, t_ms))
            elif "duplicate" not in text:  # two requests in one millisecond
                return


def check_all(tocsin, acknowledged):
    for number, steps in acknowledged.items():
        stored = {}
        for series in tocsin.query('w{sender="%d"}[1h]' % number):
            i = int(series["metric"]["i"])
            stored.update({(i, round(float(t) * 1000)): v for t, v in series["values"]})
        for step, t_ms in steps:
            for i in range(SERIES):
                value = stored.get((i, t_ms))
                house.check(value is not None and float(value) == step * 1000.0 + i,
                            "sender %d step %d series %d: %s" % (number, step, i, value))


def end_by_kill(tocsin, round_number):
    time.sleep(0.7 + 0.3 * round_number)
    tocsin.kill()


def end_by_oom(tocsin, round_number):
    """The last megabytes that it may still take go within a second or two."""
    with cgroup.Memory("tocsin-test-%d" % tocsin.process.pid) as group:
        group.move(tocsin.process.pid)
        group.limit((24 + 8 * round_number) * 2**20)
        status = tocsin.process.wait(60)
        house.check(status == -9, "ended with status %s" % status)
        house.check(group.oom_kills() > 0, "it was not the OOM killer")


def test(binary, folder, stack):
    if MODE == "oom" and (reason := cgroup.unavailable()):
        house.skip(reason)
    end, ballast = {"kill": (end_by_kill, 0), "oom": (end_by_oom, 2000)}[MODE]
    tocsin = house.Tocsin(binary, folder, "global: {scrape_interval: 1m}\n",
                          flags=["--web.enable-remote-write-receiver"])
    stack.callback(tocsin.close)
    acknowledged = {0: [], 1: [], 2: []}
    for round_number in range(4):
        tocsin.start()
        check_all(tocsin, acknowledged)
        senders = [Sender(tocsin, number, 100_000 * round_number, ballast)
                   for number in acknowledged]
        for sender in senders:
            sender.start()
        end(tocsin, round_number)
        for sender in senders:
            sender.join(20)
            house.check(sender.acknowledged, "sender %d was never served" % sender.number)
            acknowledged[sender.number] += sender.acknowledged
        print("ended; %d samples acknowledged so far" %
              (SERIES * sum(len(steps) for steps in acknowledged.values())))
    tocsin.start()
    check_all(tocsin, acknowledged)
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)
    tocsin.start()
    check_all(tocsin, acknowledged)


house.run(test)
