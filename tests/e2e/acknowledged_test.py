"""What remote write has acknowledged survives kill -9, to the sample, however often."""

import threading
import time

import house
import remote_write

SERIES = 40


def request(sender, step, t_ms):
    return remote_write.request([({"__name__": "w", "i": str(i), "sender": str(sender)},
                                  [(t_ms, step * 1000.0 + i)]) for i in range(SERIES)])


class Sender(threading.Thread):
    """Writes one sample of each of its series a request until it is refused."""

    def __init__(self, tocsin, number, first):
        super().__init__(daemon=True)
        self.tocsin, self.number, self.step = tocsin, number, first
        self.acknowledged = []  # (step, time in ms)

    def run(self):
        while True:
            self.step += 1
            t_ms = int(time.time() * 1000)
            try:
                status, text = self.tocsin.request(
                    "POST", "/api/v1/write", request(self.number, self.step, t_ms),
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


def test(binary, folder, stack):
    tocsin = house.Tocsin(binary, folder, "global: {scrape_interval: 1m}\n",
                          flags=["--web.enable-remote-write-receiver"])
    stack.callback(tocsin.close)
    acknowledged = {0: [], 1: [], 2: []}
    for round_number in range(4):
        tocsin.start()
        check_all(tocsin, acknowledged)
        senders = [Sender(tocsin, number, 100_000 * round_number) for number in acknowledged]
        for sender in senders:
            sender.start()
        time.sleep(0.7 + 0.3 * round_number)
        tocsin.kill()
        for sender in senders:
            sender.join(20)
            acknowledged[sender.number] += sender.acknowledged
        print("killed; %d samples acknowledged so far" %
              (SERIES * sum(len(steps) for steps in acknowledged.values())))
    tocsin.start()
    check_all(tocsin, acknowledged)
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)
    tocsin.start()
    check_all(tocsin, acknowledged)


house.run(test)
