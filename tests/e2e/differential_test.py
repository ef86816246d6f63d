"""Random PromQL over random data: tocsin answers as Debian's prometheus does, to 1e-9.

usage: differential_test.py PATH-OF-TOCSIN [SEED [QUERIES [URL...]]]

With URLs ("query?query=up&time=1") it shows both answers to these over the data of the seed.

Each difference is printed with what replays it. What the two versions do not mean the same by is
left out by the grammar (promql_grammar.py), with its cause.
"""

import contextlib
import http.client
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import house
import promql_grammar
import remote_write

TOLERANCE = 1e-9
CONFIG = "global:\n  scrape_interval: 1m\n  evaluation_interval: 1m\n"
SHOWN = 20


class Server:
    """One of the two; keeps its connection."""

    def __init__(self, command, folder, stack):
        os.mkdir(folder)
        house.write(os.path.join(folder, "prometheus.yml"), CONFIG)
        self.port = house.free_port()
        self.log_path = os.path.join(folder, "log")
        log = stack.enter_context(open(self.log_path, "w"))
        self.process = subprocess.Popen(
            command + ["--config.file=" + os.path.join(folder, "prometheus.yml"),
                       "--storage.tsdb.path=" + os.path.join(folder, "data"),
                       "--web.listen-address=127.0.0.1:%d" % self.port,
                       "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y"],
            stdout=log, stderr=log)
        stack.callback(self.close)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        house.wait_for("readiness of " + command[0], 60, self.ready)

    def close(self):
        self.process.kill()
        self.process.wait()

    def request(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def ready(self):
        house.check(self.process.poll() is None, "a server ended, see " + self.log_path)
        try:
            return self.request("GET", "/-/ready")[0] == 200
        except OSError:
            self.connection.close()
            return False

    def write(self, series):
        for at in range(0, len(series), 10):
            status, text = self.request("POST", "/api/v1/write",
                                        remote_write.request(series[at:at + 10]),
                                        remote_write.HEADERS)
            house.check(status in (200, 204), "write: %d %s" % (status, text))

    def query(self, path, params):
        return json.loads(self.request(
            "POST", "/api/v1/" + path, urllib.parse.urlencode(params),
            {"Content-Type": "application/x-www-form-urlencoded"})[1])


def close(a, b):
    if a == b:
        return True
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def error_text(answer):
    return answer["error"].replace('invalid parameter "query": ', "")


def errors_differ(a, b):
    a, b = error_text(a), error_text(b)
    # Which two of several duplicates are named is left to chance in Prometheus.
    if a != b and not all("found duplicate series for the match group" in x for x in (a, b)):
        return "errors %r and %r" % (a, b)
    return None


def points(series):
    return series["values"] if "values" in series else [series["value"]]


def tops_differ(a, b):
    """topk and bottomk: the same values at each step, whoever has them."""
    def by_step(result):
        steps = {}
        for series in result:
            for t, v in points(series):
                steps.setdefault(t, []).append(v)
        return {t: sorted(values, key=lambda v: (v == "NaN", float(v)))
                for t, values in steps.items()}
    a, b = by_step(a), by_step(b)
    if a.keys() != b.keys():
        return "steps %s" % sorted(a.keys() ^ b.keys())[:3]
    for t, values in a.items():
        if len(values) != len(b[t]) or not all(map(close, values, b[t])):
            return "values at %s: %s and %s" % (t, values, b[t])
    return None


def results_differ(a, b):
    a = {json.dumps(s["metric"], sort_keys=True): points(s) for s in a}
    b = {json.dumps(s["metric"], sort_keys=True): points(s) for s in b}
    if a.keys() != b.keys():
        return "series: only prometheus %s, only tocsin %s" % (
            sorted(a.keys() - b.keys())[:2], sorted(b.keys() - a.keys())[:2])
    for name, expected in a.items():
        if [t for t, _ in expected] != [t for t, _ in b[name]]:
            return "times of %s: %s" % (
                name, sorted({t for t, _ in expected} ^ {t for t, _ in b[name]})[:3])
        for (t, x), (_, y) in zip(expected, b[name]):
            if not close(x, y):
                return "%s at %s: %s and %s" % (name, t, x, y)
    return None


def differ(expression, a, b):
    """What is not equal, prometheus' answer first, or None."""
    if a["status"] != b["status"]:
        return "%s and %s: %s" % (a["status"], b["status"], a.get("error") or b.get("error"))
    if a["status"] == "error":
        return errors_differ(a, b)
    a, b = a["data"], b["data"]
    if a["resultType"] != b["resultType"]:
        return "types %s and %s" % (a["resultType"], b["resultType"])
    if a["resultType"] in ("scalar", "string"):
        return None if close(a["result"][1], b["result"][1]) else "scalars"
    if expression.startswith(("topk", "bottomk")):
        return tops_differ(a["result"], b["result"])
    if expression.startswith("sort(") and a["resultType"] == "vector":
        a_values, b_values = ([s["value"][1] for s in x["result"]] for x in (a, b))
        if len(a_values) != len(b_values) or not all(map(close, a_values, b_values)):
            return "order of values"
    return results_differ(a["result"], b["result"])


def draw(grammar, rng):
    expression = grammar.expression()
    if rng.random() < 0.3 or expression.endswith("]"):
        return "query", {"query": expression, "time": "%.2f" % grammar.instant()}
    start, end, step = grammar.range()
    return "query_range", {"query": expression, "start": "%.2f" % start, "end": "%.2f" % end,
                           "step": str(step)}


def show(urls, prometheus, tocsin):
    for url in urls:
        path, _, query = url.partition("?")
        print(url)
        for server in (prometheus, tocsin):
            print("   ", json.dumps(server.query(path, urllib.parse.parse_qsl(query))))


def main():
    binary = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2500
    prometheus_binary = house.need_program("prometheus", "prometheus")
    rng = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="tocsin-e2e-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # One block for all: what is old for its head it would refuse.
        prometheus = Server([prometheus_binary, "--storage.tsdb.min-block-duration=10000d",
                             "--storage.tsdb.max-block-duration=10000d"],
                            os.path.join(folder, "prometheus"), stack)
        tocsin = Server([binary], os.path.join(folder, "tocsin"), stack)
        data = promql_grammar.Data(rng)
        for server in (prometheus, tocsin):
            server.write(data.series)
        if len(sys.argv) > 4:
            return show(sys.argv[4:], prometheus, tocsin)
        grammar = promql_grammar.Grammar(rng)
        different = answered = 0
        for _ in range(count):
            path, params = draw(grammar, rng)
            expected, got = prometheus.query(path, params), tocsin.query(path, params)
            difference = differ(params["query"], expected, got)
            answered += expected["status"] == "success" and bool(expected["data"]["result"])
            if difference is not None:
                different += 1
                if different <= SHOWN:
                    print("%s %s\n    %s" % (path, params, difference[:400]))
    print("seed %d: %d queries, %d with results, %d different" % (seed, count, answered, different))
    # Queries that find nothing prove nothing.
    sys.exit(different > 0 or answered < count // 2)


main()
