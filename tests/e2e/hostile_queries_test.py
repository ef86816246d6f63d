"""Queries that mean harm: a clear error or a bounded answer, while scraping goes on."""

import http.client
import os
import random
import signal
import string
import threading
import time
import urllib.parse

import house
import remote_write

CONFIG = """global:
  scrape_interval: 1s
  evaluation_interval: 1m
scrape_configs:
- job_name: self
  static_configs: [{targets: ['127.0.0.1:%d']}]
"""
SERIES = 20_000
MEMORY = 256 << 20


def ask(tocsin, path, **params):
    return tocsin.request("POST", "/api/v1/" + path, urllib.parse.urlencode(params),
                          {"Content-Type": "application/x-www-form-urlencoded"})


def refused(tocsin, what, status, text, path="query", **params):
    got, body = ask(tocsin, path, **params)
    house.check(got == status and text in body, "%s: %d %s" % (what, got, body[:300]))


def load(tocsin, now_ms):
    for at in range(0, SERIES, 2000):
        series = [({"__name__": "many", "i": str(i), "job": str(i % 50)},
                   [(now_ms - 60_000 + k * 15_000, float(i + k)) for k in range(4)])
                  for i in range(at, at + 2000)]
        status, text = tocsin.request("POST", "/api/v1/write", remote_write.request(series),
                                      remote_write.HEADERS)
        house.check(status == 204, "write: %d %s" % (status, text))


def leave_early(tocsin):
    """A client that hangs up in the middle of a long query; the server goes on at once."""
    connection = http.client.HTTPConnection("127.0.0.1", tocsin.port, timeout=10)
    now = time.time()
    query = "quantile_over_time(0.5, (sum(many) + sum(many offset 1s))[10000s:1ms])"
    connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode(
        {"query": query, "time": now}))
    house.wait_for("the long query", 10, lambda: tocsin.metric("prometheus_engine_queries") > 0)
    connection.sock.close()
    connection.close()
    house.wait_for("the end of the query", 10,
                   lambda: tocsin.metric("prometheus_engine_queries") == 0)


def test(binary, folder, stack):
    tocsin = house.Tocsin(binary, folder, "{}", flags=[
        "--web.enable-remote-write-receiver", "--query.max-memory=%d" % MEMORY,
        "--query.timeout=10s"])
    tocsin.write_config(CONFIG % tocsin.port)
    stack.callback(tocsin.close)
    tocsin.start()
    now_ms = int(time.time() * 1000)
    load(tocsin, now_ms)
    before = tocsin.rss_bytes()
    at = {"time": "%.3f" % (now_ms / 1000)}
    year = {"start": at["time"], "end": str(now_ms // 1000 + 365 * 86400)}

    # Depth and length of the text.
    for text in ("(" * 5000 + "1" + ")" * 5000, "-" * 100_000 + "1", "sum(" * 3000 + "up",
                 "1" + "+1" * 100_000):
        status, body = ask(tocsin, "query", query=text, **at)
        house.check(status in (200, 400, 422), "depth: %d %s" % (status, body[:200]))
    rnd = random.Random(1)
    for alphabet in (string.printable, "(){}[]\"'`=~!,", "abc+-*/ ()[]{}5m"):
        text = "".join(rnd.choice(alphabet) for _ in range(1 << 20))
        refused(tocsin, "1 MB of noise", 400, "parse error", query=text, **at)

    # Steps and ranges.
    refused(tocsin, "a year in milliseconds", 400, "exceeded maximum resolution of 11,000 points",
            "query_range", query="up", step="0.001", **year)
    refused(tocsin, "too many inner steps", 422, "query processing would load too many samples",
            query="max_over_time(up[100y:1ms])", **at)
    status, _ = ask(tocsin, "query", query="sum(rate(many[100y]))", **at)
    house.check(status == 200, "a range of 100 years: %d" % status)

    # Many series.
    status, body = ask(tocsin, "query", query='count({__name__=~".+"})', **at)
    house.check(status == 200, "all series: %d %s" % (status, body[:200]))
    refused(tocsin, "all series at 11,000 steps", 422, "of memory (--query.max-memory",
            "query_range", query='{__name__=~".+"}', step="1", start=at["time"],
            end=str(now_ms // 1000 + 10_999))
    refused(tocsin, "a join of all with all", 422, "many-to-many matching not allowed",
            query="many * on () group_left () many", **at)

    # Regular expressions.
    for regex in ("(a+)+$", "(.*)*" * 50, "(x{1000}){1000}", "[" * 1000, "a|" * 20_000,
                  ".*" * 10_000):
        started = time.monotonic()
        status, body = ask(tocsin, "query", query='count(many{i=~"%s"})' % regex, **at)
        house.check(status in (200, 400, 422), "regex: %d %s" % (status, body[:200]))
        house.check(time.monotonic() - started < 12, "regex %s took too long" % regex[:20])

    leave_early(tocsin)
    house.check(tocsin.rss_bytes() - before < 2 * MEMORY, "memory grew by %d MiB" % (
        (tocsin.rss_bytes() - before) >> 20))

    # Scraping went on beside all this: no interval was missed.
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(
        tocsin, "query_range", query="sum by (job) (many)", step="1", start=at["time"],
        end=str(now_ms // 1000 + 200))[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.check(answers == [200] * 4, "queries beside one another: %s" % answers)
    time.sleep(1.1)
    seconds = time.time() - now_ms / 1000
    scraped = float(tocsin.query("sum_over_time(up[%ds])" % int(seconds + 1))[0]["value"][1])
    house.check(scraped >= 0.8 * seconds - 3, "%d scrapes in %.0f s" % (scraped, seconds))

    # What ran when it was killed is told at the next start.
    connection = http.client.HTTPConnection("127.0.0.1", tocsin.port, timeout=10)
    connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode(
        {"query": "quantile_over_time(0.5, (sum(many))[9999s:1ms])", "time": at["time"]}))
    house.wait_for("the long query", 10, lambda: tocsin.metric("prometheus_engine_queries") > 0)
    os.kill(tocsin.process.pid, signal.SIGKILL)
    tocsin.process.wait()
    tocsin.start()
    house.check("these queries did not finish in the last run" in tocsin.log_text() and
                "9999s:1ms" in tocsin.log_text(), "nothing told about the killed query")


house.run(test)
