"""Runs the black-box PromQL runner, when it is beside the source tree, on one of its scripts.

usage: conformance_test.py PATH-OF-TOCSIN SCRIPT

Every case must pass.
"""

import os
import subprocess
import sys
import tempfile

import house

FLAGS = ("--config.file={config} --storage.tsdb.path={data} --web.listen-address=127.0.0.1:{port} "
         "--web.enable-remote-write-receiver --storage.tsdb.retention.time=100y "
         "--enable-feature=promql-experimental-functions,promql-delayed-name-removal,"
         "promql-extended-range-selectors,promql-binop-fill-modifiers,type-and-unit-labels,"
         "use-start-timestamps,st-storage")


def main():
    binary, script = os.path.abspath(sys.argv[1]), sys.argv[2]
    runner = house.shared_file("conformance", "promqltest.py")
    path = house.shared_file("conformance", "promql", script + ".test")
    if runner is None or path is None:
        house.skip("no conformance scripts beside the source tree")
    with tempfile.TemporaryDirectory(prefix="tocsin-conformance-") as folder:
        done = subprocess.run([sys.executable, runner, "--keep-going", "--port",
                               str(house.free_port()), "-j", "1", "--server",
                               binary + " " + FLAGS, "--files", path], cwd=folder, check=False)
    sys.exit(done.returncode)


main()
