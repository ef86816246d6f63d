"""The configurations of real sites: what the real tools load, loads; what they refuse is refused with
file, line and the fix; exit codes of the checks are promtool's and amtool's."""

import glob
import os
import re
import shutil
import subprocess

import house

SEEDS = house.shared_file("seeds")
# Exit codes that differ from Debian's tools, and why.
KNOWN = {"autoserve.yml": "Debian's promtool is built without kubernetes_sd; upstream takes the file"}
REFUSALS = {
    "cflab.duplicate-key.reject.yml": r':12:\d+: key "remote_write" already set',
    "robo-rlhf.header.reject.yml": r":9:\d+: authorization header must be changed via the basic_auth",
    "autoserve.bare.reject.yml": r"line 3: .*\n.*`groups:`",
    "cflab.bare.reject.yml": r"line 2: .*\n.*`groups:`",
    "cflab.fragment.reject.yml": r":3:1: .*put receivers under `receivers:`",
    "cflab.placeholder.reject.yml": r':7:\d+: unsupported scheme "" for URL: want http://',
}
STORAGE = """
global: {}
storage:
  tsdb:
    out_of_order_time_window: 30m
    retention: {time: 10d, size: 1GB}
"""


def run(*command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def check_files(binary, folder, verb, other):
    for path in sorted(glob.glob(os.path.join(folder, "*.yml"))):
        name = os.path.basename(path)
        code, said = run(binary, "check", verb, name, folder=folder)
        other_code, other_said = run(*other, name, folder=folder)
        house.check(name in KNOWN or (code == 0) == (other_code == 0) and code == other_code,
                    "%s: %d, the real tool %d\n%s\n%s" % (name, code, other_code, said, other_said))
        if ".reject." in name:
            house.check(code != 0 and re.search(REFUSALS[name], said), "%s: %s" % (name, said))
        elif name != "neorl.as-printed.yml":
            house.check(code == 0, "%s: %s" % (name, said))


def loads(binary, folder, stack, name):
    """The server starts with it (on a copy: rule files are found beside it)."""
    here = os.path.join(folder, name)
    os.makedirs(here)
    tocsin = house.Tocsin(binary, here, "")
    stack.callback(tocsin.close)
    shutil.copytree(os.path.join(SEEDS, "prometheus"), os.path.join(here, "seeds"))
    tocsin.config_path = os.path.join(here, "seeds", name)
    tocsin.start()
    house.check(tocsin.terminate() == 0, name + ": exit status")
    return tocsin.log_text()


def test(binary, folder, stack):
    if SEEDS is None:
        house.skip("no seeds beside the source tree")
    promtool = house.need_program("promtool", "prometheus")
    amtool = house.need_program("amtool", "prometheus-alertmanager")
    prometheus = os.path.join(SEEDS, "prometheus")
    check_files(binary, prometheus, "config", [promtool, "check", "config"])
    check_files(binary, os.path.join(prometheus, "rules"), "rules", [promtool, "check", "rules"])
    check_files(binary, os.path.join(SEEDS, "alertmanager"), "alertmanager",
                [amtool, "check-config"])
    logs = {name: loads(binary, folder, stack, name) for name in os.listdir(prometheus)
            if name.endswith(".yml") and ".reject." not in name}
    warned = [l for l in logs["autoserve.yml"].splitlines()
              if "level=WARN" in l and "kubernetes_sd" in l]
    house.check(len(warned) == 1, "kubernetes_sd: %s" % warned)
    house.check("neorl_industrial_rules.yml" in logs["neorl.as-printed.yml"],
                "a missing rule file is not told of")
    # What the storage section asks for is done anyway or supported: nothing to warn about.
    path = os.path.join(folder, "storage.yml")
    house.write(path, STORAGE)
    code, said = run(binary, "check", "config", path)
    house.check(code == 0 and "WARN" not in said and "warning" not in said.lower(), said)
    print("%d files loaded" % len(logs))


house.run(test)
