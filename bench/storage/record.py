#!/usr/bin/env python3
"""Records the samples of one /metrics page as columns for the storage benchmarks.

usage: record.py URL SCRAPES INTERVAL_SECONDS > recording.txt

One line per series that was present in every scrape, values separated by blanks.
"""
import sys
import time
import urllib.request


def main():
    url, scrapes, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    columns = {}
    start = time.time()
    for i in range(scrapes):
        time.sleep(max(0.0, start + i * interval - time.time()))
        with urllib.request.urlopen(url, timeout=10) as response:
            page = response.read().decode()
        for line in page.splitlines():
            if line and not line.startswith("#"):
                series, value = line.rsplit(" ", 1)
                columns.setdefault(series, []).append(value)
    for _, values in sorted(columns.items()):
        if len(values) == scrapes:
            print(" ".join(values))


if __name__ == "__main__":
    main()
