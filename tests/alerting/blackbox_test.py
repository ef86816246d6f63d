#!/usr/bin/env python3
"""blackbox_test.py TOCSIN conformance | differential | differential_long

The real binary as an Alertmanager. conformance: the black-box scenarios beside the source tree.
differential: differential.py against the Alertmanager of the system, for 40 s or longer. Exits 77 (skipped, said
aloud) when what it needs is not here.
"""
import os, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = os.path.join(HERE, "..", "..", "..", "shared", "conformance", "alerting.py")
OURS = " --alertmanager.config.file={config} --storage.tsdb.path={data} --web.listen-address=127.0.0.1:{port}"
THEIRS = "prometheus-alertmanager --config.file={config} --storage.path={data} " \
         "--web.listen-address=127.0.0.1:{port} --cluster.listen-address="


def skip(why):
    print("SKIPPED:", why)
    sys.exit(77)


def main():
    binary, what = os.path.abspath(sys.argv[1]), sys.argv[2]
    if what == "conformance":
        if not os.path.exists(SCENARIOS):
            skip("no scenarios beside the source tree")
        sys.exit(subprocess.call([sys.executable, SCENARIOS, "--jobs", "3", "--slack", "3", "--server",
                                  binary + OURS + " --web.enable-lifecycle"]))
    if not shutil.which("prometheus-alertmanager"):
        skip("no prometheus-alertmanager on this system")
    # Another timeline at every long run; the short one is the same always, so that it judges changes.
    size = ["--seconds", "80"] if what == "differential_long" else ["--seconds", "40", "--seed", "282167279"]
    sys.exit(subprocess.call([sys.executable, os.path.join(HERE, "differential.py"), "--kill", *size,
                              "--ours", binary + OURS, "--theirs", THEIRS]))


if __name__ == "__main__":
    main()
