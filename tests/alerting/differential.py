#!/usr/bin/env python3
"""The same random timeline of alerts, silences and inhibition to two Alertmanagers, in real time:
their notifications must be the same, message by message.

    differential.py --ours './tocsin --alertmanager.config.file={config} --storage.tsdb.path={data}
                            --web.listen-address=127.0.0.1:{port}'
                    --theirs 'prometheus-alertmanager --config.file={config} --storage.path={data}
                            --web.listen-address=127.0.0.1:{port} --cluster.listen-address='

Events keep away from the ticks of the groups and one alert of each group fires all the time, so that
neither a tick nor the different life of empty groups in old versions decides anything. --kill: ours
is killed with SIGKILL and started again in the middle, and must still tell the same.
"""
import argparse, datetime, http.server, json, os, random, shlex, signal, socket, subprocess, sys
import tempfile, threading, time, urllib.request

WAIT, INTERVAL, REPEAT, GROUPS, MEMBERS = 2, 4, 10, 6, 4


def config(port):
    return f"""\
route: {{ receiver: hook, group_by: [alertname], group_wait: {WAIT}s, group_interval: {INTERVAL}s, repeat_interval: {REPEAT}s }}
receivers: [ {{ name: hook, webhook_configs: [ {{ url: 'http://127.0.0.1:{port}/' }} ] }} ]
inhibit_rules: [ {{ source_matchers: [ 'role="cause"' ], target_matchers: [ 'role="effect"' ], equal: [alertname] }} ]
"""


class Sink:
    def __init__(self):
        self.notes = {}
        sink = self

        class H(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                j = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = " ".join(sorted(a["labels"]["i"] + a["status"][0] for a in j["alerts"]))
                sink.notes.setdefault(j["groupLabels"]["alertname"], []).append((time.time(), said))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *a):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Server:
    def __init__(self, command, folder):
        self.command, self.folder, self.sink = command, folder, Sink()
        os.makedirs(folder + "/data")
        with open(folder + "/am.yml", "w") as f:
            f.write(config(self.sink.port))
        with socket.socket() as s:
            while True:
                self.port = random.randint(20000, 32000)
                try:
                    s.bind(("127.0.0.1", self.port))
                    break
                except OSError:
                    pass
        self.start()

    def start(self):
        values = {"config": self.folder + "/am.yml", "data": self.folder + "/data", "port": str(self.port)}
        args = [a.format(**values) for a in shlex.split(self.command)]
        self.process = subprocess.Popen(args, stdout=open(self.folder + "/log", "ab"), stderr=subprocess.STDOUT)
        for _ in range(400):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2)
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"not ready: {self.command}")

    def post(self, path, body):
        r = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/{path}", json.dumps(body).encode(),
                                   {"Content-Type": "application/json"})
        out = urllib.request.urlopen(r, timeout=5).read()
        return json.loads(out) if out else None

    def delete(self, path):
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/{path}", method="DELETE"))


def stamp(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)).isoformat()


def alert(name, i, firing):
    role = {1: "cause", 2: "effect"}.get(i, "plain")
    return {"labels": {"alertname": name, "i": str(i), "role": role}, "startsAt": stamp(-0.001),
            "endsAt": stamp(3600 if firing else 0)}


def timeline(rng, length):
    """(time, action) for every group; the action takes a server and its memory."""
    events = []
    for g in range(GROUPS):
        name = f"G{g}"
        events.append((0.0, lambda s, m, n=name: s.post("alerts", [alert(n, 0, True)])))
        firing, silenced = {i: False for i in range(1, MEMBERS)}, set()
        for tick in range(int((length - WAIT) / INTERVAL) - 2):
            at = WAIT + tick * INTERVAL + rng.uniform(1.2, INTERVAL - 1.2)
            i, what = rng.randrange(1, MEMBERS), rng.random()
            if what < 0.65:
                firing[i] = not firing[i]
                events.append((at, lambda s, m, n=name, i=i, f=firing[i]: s.post("alerts", [alert(n, i, f)])))
            elif (name, i) not in silenced:
                silenced.add((name, i))
                body = {"matchers": [{"name": "alertname", "value": name, "isRegex": False},
                                     {"name": "i", "value": str(i), "isRegex": False}],
                        "createdBy": "x", "comment": "y"}
                events.append((at, lambda s, m, b=body, k=(name, i): m.__setitem__(
                    k, s.post("silences", dict(b, startsAt=stamp(0), endsAt=stamp(3600)))["silenceID"])))
            else:
                silenced.discard((name, i))
                events.append((at, lambda s, m, k=(name, i): s.delete("silence/" + m[k])))
    return sorted(events, key=lambda e: e[0])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--ours", required=True)
    ap.add_argument("--theirs", required=True)
    ap.add_argument("--seconds", type=int, default=80)
    ap.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    ap.add_argument("--kill", action="store_true")
    opt = ap.parse_args()
    rng = random.Random(opt.seed)
    with tempfile.TemporaryDirectory(prefix="amdiff-") as folder:
        servers = [Server(opt.ours, folder + "/ours"), Server(opt.theirs, folder + "/theirs")]
        try:
            memories, begin = [{}, {}], time.time()
            events = timeline(rng, opt.seconds)
            if opt.kill:
                at = WAIT + INTERVAL * rng.randrange(3, int(opt.seconds / INTERVAL) - 3) + 0.7
                events = sorted(events + [(at, None)], key=lambda e: e[0])
            for at, act in events:
                time.sleep(max(0, begin + at - time.time()))
                if act is None:
                    servers[0].process.kill()
                    servers[0].process.wait()
                    servers[0].start()
                    continue
                for server, memory in zip(servers, memories):
                    act(server, memory)
            time.sleep(max(0, begin + opt.seconds - time.time()))
            ours, theirs = servers[0].sink.notes, servers[1].sink.notes
            bad = count = 0
            for g in sorted(set(ours) | set(theirs)):
                a, b = ours.get(g, []), theirs.get(g, [])
                count += len(b)
                if [x[1] for x in a] != [x[1] for x in b]:
                    bad += 1
                    print(f"{g}\n  ours   {[(round(t - begin, 1), x) for t, x in a]}")
                    print(f"  theirs {[(round(t - begin, 1), x) for t, x in b]}")
            print(f"seed {opt.seed}: {count} notifications, {bad} of {len(theirs)} groups differ")
            return 1 if bad or not count else 0
        finally:
            for server in servers:
                server.process.send_signal(signal.SIGTERM)
                server.process.wait(15)


if __name__ == "__main__":
    sys.exit(main())
