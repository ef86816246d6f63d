"""kill -9 at random moments of a timeline of alerts: nothing lost, nothing told twice.

Alerts begin and end at random while tocsin is killed and started again and again. In the end every
alert that fired long enough was told, its end was told, and no message came again within the
repeat interval, unless the process was killed while that very message was on its way.
"""

import json
import random
import time

import house

GROUPS, SECONDS, KILLS = 12, 40, 7
WAIT, INTERVAL = 1, 2
ROUTER = """
route: {receiver: hook, group_by: [alertname], group_wait: %ds, group_interval: %ds, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:%%d/'}]}]
""" % (WAIT, INTERVAL)


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + ".%03dZ" % (t % 1 * 1000)


class Timeline:
    """What fires now; every change is posted again until it was taken, as senders do."""

    def __init__(self, tocsin, seed):
        self.tocsin, self.random = tocsin, random.Random(seed)
        self.since = {}   # group -> when it began
        self.ended = {}   # group -> [(begin, end)] that have to be told

    def post(self):
        now = time.time()
        alerts = [{"labels": {"alertname": g}, "startsAt": stamp(s), "endsAt": stamp(now + 300)}
                  for g, s in self.since.items()]
        # Resolved ones are sent for a while, like Prometheus does.
        for g, spans in self.ended.items():
            if g not in self.since and spans and now - spans[-1][1] < 60:
                alerts.append({"labels": {"alertname": g}, "startsAt": stamp(spans[-1][0]),
                               "endsAt": stamp(spans[-1][1])})
        try:
            status, text = self.tocsin.request("POST", "/api/v2/alerts", json.dumps(alerts),
                                               {"Content-Type": "application/json"})
        except OSError:
            return False
        house.check(status == 200, text)
        return True

    def change(self):
        group = "g%d" % self.random.randrange(GROUPS)
        now = time.time()
        if group in self.since:
            # Long enough to be told surely, over a kill and a start.
            if now - self.since[group] > 6 * house.SLACK:
                self.ended.setdefault(group, []).append((self.since.pop(group), now))
        elif not self.ended.get(group):
            self.since[group] = now


def check(timeline, receiver, kills):
    told = {}
    for t, _, body in receiver.posts:
        told.setdefault(body["groupLabels"]["alertname"], []).append((t, body["status"]))
    for group in set(timeline.since) | set(timeline.ended):
        said = told.get(group, [])
        statuses = []
        for i, (t, status) in enumerate(said):
            again = i > 0 and status == said[i - 1][1]
            if again:
                # Only when a kill fell between the message before and what is written of it.
                close = [k for k in kills if -0.5 < k - said[i - 1][0] < 0.5]
                house.check(close, "%s was told %s twice, %.2f s apart, no kill near: %s"
                            % (group, status, t - said[i - 1][0], said))
                continue
            statuses.append(status)
        wanted = ["firing"] + (["resolved"] if group not in timeline.since else [])
        house.check(statuses == wanted, "%s: told %s, want %s" % (group, said, wanted))


def test(binary, folder, stack):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    receiver = house.Receiver()
    stack.callback(receiver.close)
    tocsin = house.Tocsin(binary, folder, "global: {}\n", ROUTER % receiver.port)
    stack.callback(tocsin.close)
    tocsin.start()
    timeline = Timeline(tocsin, seed)
    end = time.monotonic() + SECONDS
    chance = random.Random(seed + 1)
    kill_times = sorted(chance.uniform(2, SECONDS - 8) for _ in range(KILLS))
    begin, kills = time.monotonic(), []
    while time.monotonic() < end:
        # No further change near the end: what is under way comes to its end.
        if time.monotonic() < end - 8:
            timeline.change()
        timeline.post()
        if kill_times and time.monotonic() - begin > kill_times[0]:
            kill_times.pop(0)
            tocsin.kill()
            kills.append(time.monotonic())
            tocsin.start()
        time.sleep(0.15)
    house.wait_for("a last post", 10, timeline.post)
    time.sleep((WAIT + 2 * INTERVAL) * house.SLACK)
    house.check(len(kills) >= 3, "killed only %d times" % len(kills))
    check(timeline, receiver, kills)
    print("%d messages about %d groups over %d kills" % (
        len(receiver.posts), len(set(timeline.since) | set(timeline.ended)), len(kills)))


house.run(test)
