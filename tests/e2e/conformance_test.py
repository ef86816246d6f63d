"""Runs the black-box PromQL runner, when it is beside the source tree, on one of its scripts.

usage: conformance_test.py PATH-OF-TOCSIN SCRIPT [CASES-THAT-MUST-PASS]

Without a number every case must pass. The number only ever goes up: it says how far a script is
that needs what tocsin does not do yet.
"""

import json
import os
import subprocess
import sys
import tempfile

import house

FLAGS = ("--config.file={config} --storage.tsdb.path={data} --web.listen-address=127.0.0.1:{port} "
         "--web.enable-remote-write-receiver --storage.tsdb.retention.time=100y "
         "--enable-feature=promql-experimental-functions,promql-delayed-name-removal,"
         "promql-extended-range-selectors,promql-binop-fill-modifiers,type-and-unit-labels,"
         "use-start-timestamps")


def main():
    binary, script = os.path.abspath(sys.argv[1]), sys.argv[2]
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else None
    runner = house.shared_file("conformance", "promqltest.py")
    path = house.shared_file("conformance", "promql", script + ".test")
    if runner is None or path is None:
        house.skip("no conformance scripts beside the source tree")
    with tempfile.TemporaryDirectory(prefix="tocsin-conformance-") as folder:
        table = os.path.join(folder, "table.json")
        done = subprocess.run([sys.executable, runner, "--keep-going", "--port",
                               str(house.free_port()), "-j", "1", "--json", table, "--server",
                               binary + " " + FLAGS, "--files", path], cwd=folder, check=False)
        if done.returncode == 0 or wanted is None:
            sys.exit(done.returncode)
        with open(table) as f:
            passed = json.load(f)["totals"]["pass"]
    print("%d passed, %d have to" % (passed, wanted))
    sys.exit(passed < wanted)


main()
