"""The queries of the seed guides, when these are beside the source tree: every answer equals
Prometheus 3.5's in all digits, instant and range."""

import json
import subprocess
import sys

import house
import remote_write

CONFIG = "global:\n  scrape_interval: 1m\n  evaluation_interval: 1m\n"


def history(script):
    """[(labels, [(ms, value)])] of what the script prints as OpenMetrics."""
    text = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, value, t = line.rsplit(" ", 2)
        series.setdefault(name, []).append((int(t) * 1000, float(value)))
    return [(labels_of(name), samples) for name, samples in series.items()]


def labels_of(name):
    labels = {"__name__": name.partition("{")[0]}
    inner = name.partition("{")[2].rstrip("}")
    for pair in filter(None, inner.split(",")):
        key, value = pair.split("=", 1)
        labels[key] = value.strip('"')
    return labels


def by_labels(result):
    if result and isinstance(result[0], dict):
        return sorted(result, key=lambda s: json.dumps(s["metric"], sort_keys=True))
    return result


def test(binary, folder, stack):
    expected = house.shared_file("seeds", "exposition", "expected.jsonl")
    script = house.shared_file("seeds", "exposition", "make_blocks.py")
    if expected is None or script is None:
        house.skip("no seed queries beside the source tree")
    tocsin = house.Tocsin(binary, folder, CONFIG,
                          flags=["--web.enable-remote-write-receiver",
                                 "--storage.tsdb.retention.time=100y"])
    stack.callback(tocsin.close)
    tocsin.start()
    series = history(script)
    for at in range(0, len(series), 20):
        status, text = tocsin.request("POST", "/api/v1/write",
                                      remote_write.request(series[at:at + 20]),
                                      remote_write.HEADERS)
        house.check(status == 204, "write: %d %s" % (status, text))
    different = total = 0
    with open(expected) as f:
        for case in map(json.loads, f):
            over = case["range"]
            answers = [("instant", case["instant"], tocsin.query(case["query"], time=case["time"])),
                       ("range", over["result"],
                        tocsin.api("query_range", query=case["query"], start=over["start"],
                                   end=over["end"], step=over["step"])["result"])]
            for what, want, got in answers:
                total += 1
                if by_labels(got) != by_labels(want):
                    different += 1
                    print("%s %s\n    want %s\n    got  %s" % (
                        what, case["query"], json.dumps(want)[:300], json.dumps(got)[:300]))
    house.check(total >= 100, "only %d answers" % total)
    house.check(different == 0, "%d of %d answers differ" % (different, total))


house.run(test)
