"""tocsin called promtool or amtool beside the real ones: the same output and exit code.

usage: tools_test.py PATH-OF-TOCSIN

The real amtool and promtool also talk to a tocsin, and ours to a real Alertmanager.
"""

import os
import re
import subprocess
import tempfile
import time

import house

ROUTES = """
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1s
  routes:
  - matchers: [team="db"]
    receiver: db
    continue: true
    routes:
    - matchers: [severity=~"page|crit"]
      receiver: pager
  - match: {team: web}
    receiver: web
receivers: [{name: default}, {name: db}, {name: pager}, {name: web}]
"""
PAGE = """# HELP good_total A counter.
# TYPE good_total counter
good_total 1
# TYPE nohelp gauge
nohelp{a="1"} 1
nohelp{a="2"} 1
# HELP bad_counter c
# TYPE bad_counter counter
bad_counter 1
# HELP x_milliseconds x
# TYPE x_milliseconds gauge
x_milliseconds 3
# HELP foo_bucket x
# TYPE foo_bucket gauge
foo_bucket 3
# HELP gg_gauge x
# TYPE gg_gauge gauge
gg_gauge{le="1",quantile="1"} 3
# HELP dis_abbr_s x
# TYPE dis_abbr_s gauge
dis_abbr_s 3
# HELP h_seconds x
# TYPE h_seconds histogram
h_seconds_bucket{le="+Inf"} 3
h_seconds_sum 3
h_seconds_count 3
untyped_nohelp 3
# HELP u x
u{camelLabel="x"} 1
# HELP d_minutes_total x
# TYPE d_minutes_total counter
d_minutes_total 1
"""


class Tool:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def __call__(self, *args, stdin=""):
        env = dict(os.environ, HOME=self.folder)
        done = subprocess.run([self.path] + list(args), input=stdin, capture_output=True,
                              text=True, timeout=60, check=False, cwd=self.folder, env=env)
        return done.returncode, done.stdout, done.stderr


def same(name, real, ours, *args, stdin="", scrub=lambda text: text):
    r, o = real(*args, stdin=stdin), ours(*args, stdin=stdin)
    house.check(r[0] == o[0] and scrub(r[1]) == scrub(o[1]),
                "%s %s\nreal: %d %r %r\nours: %d %r %r" % ((name, args) + r + o))


def same_code(name, real, ours, *args, stdin=""):
    r, o = real(*args, stdin=stdin), ours(*args, stdin=stdin)
    house.check(r[0] == o[0], "%s %s\nreal: %d %r %r\nours: %d %r %r" % ((name, args) + r + o))


def check_files(promtool, amtool):
    """The files of the guides, each by the check that is meant for it."""
    prometheus = house.shared_file("seeds", "prometheus")
    if prometheus is None:
        print("no seeds beside the source tree: their files are not compared")
        return
    for name in sorted(os.listdir(prometheus)):
        # Debian leaves some discoveries out, upstream does not.
        if name.endswith(".yml") and name != "autoserve.yml":
            same_code("promtool", *promtool, "check", "config", os.path.join(prometheus, name))
    rules = os.path.join(prometheus, "rules")
    for name in sorted(os.listdir(rules)):
        path = os.path.join(rules, name)
        same_code("promtool", *promtool, "check", "rules", path)
        if ".reject." not in name:
            same("promtool", *promtool, "check", "rules", path)
    alertmanager = house.shared_file("seeds", "alertmanager")
    for name in sorted(os.listdir(alertmanager)):
        if name.endswith(".yml"):
            same_code("amtool", *amtool, "check-config", os.path.join(alertmanager, name))
    for name in ("seeds_test.yml", "severity_collision_test.yml"):
        same("promtool", *promtool, "test", "rules", house.shared_file("seeds", "tests", name))


def check_local(promtool, amtool, folder):
    house.write(os.path.join(folder, "am.yml"), ROUTES)
    house.write(os.path.join(folder, "web.yml"), "")
    house.write(os.path.join(folder, "webbad.yml"), "nope: 1\n")
    same("promtool", *promtool, "check", "metrics", stdin=PAGE)
    r, o = promtool[0]("check", "metrics", stdin=PAGE), promtool[1]("check", "metrics", stdin=PAGE)
    house.check(r[2] == o[2], "lint\nreal: %s\nours: %s" % (r[2], o[2]))
    good = "# HELP ok ok\n# TYPE ok gauge\nok{a=\"1\"} 1\nok{a=\"2\"} 1\n" \
           "# HELP b_total b\n# TYPE b_total counter\nb_total 1\n"
    same("promtool", *promtool, "check", "metrics", "--extended", stdin=good)
    same_code("promtool", *promtool, "check", "metrics", stdin="x 1 2 3\n")
    same("promtool", *promtool, "check", "web-config", "web.yml")
    same_code("promtool", *promtool, "check", "web-config", "webbad.yml")
    for args in (["check"], ["nope"], ["--nope"], ["check", "config"], ["check", "config", "--nope", "x"],
                 ["query", "series", "http://127.0.0.1:1"], ["query", "instant", "http://127.0.0.1:1"],
                 ["query", "instant", "http://127.0.0.1:1", "up"], ["test", "rules"]):
        same_code("promtool", *promtool, *args)
    same("amtool", *amtool, "config", "routes", "--config.file=am.yml")
    same("amtool", *amtool, "config", "routes", "show", "--config.file=am.yml")
    for labels in (["team=db", "severity=page"], ["team=web"], ["a=b"], ["team=db", "severity=x"]):
        same("amtool", *amtool, "config", "routes", "test", "--config.file=am.yml", *labels)
        same("amtool", *amtool, "config", "routes", "test", "--config.file=am.yml", "--tree", *labels)
        same("amtool", *amtool, "config", "routes", "test", "--config.file=am.yml",
             "--verify.receivers=pager", *labels)
    for args in (["nope"], ["--nope"], ["silence", "expire"], ["silence", "add", "x"],
                 ["config", "routes", "test", "--config.file=absent.yml", "a=b"],
                 ["config", "routes", "test", "--config.file=am.yml", "a"],
                 ["--alertmanager.url=http://127.0.0.1:1", "alert"]):
        same_code("amtool", *amtool, *args)


def scrub_times(text):
    return re.sub(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)", "TIME", text)


def scrub_ids(text):
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", scrub_times(text))


def check_client(amtool, url):
    """Both tools against one Alertmanager."""
    base = "--alertmanager.url=" + url
    for tool in amtool:
        for args in (["foo", "node=bar", "--annotation=summary=the sum", "--generator-url=http://g"],
                     ["alertname=bar", "team=db", "severity=page"]):
            code, text, error = tool(base, "alert", "add", *args)
            house.check(code == 0, "alert add by %s: %s %s" % (tool.path, text, error))
    _, first, _ = amtool[0](base, "silence", "add", "foo", "node=~b.*", "-c", "my comment", "-a", "me",
                            "-d", "2h")
    time.sleep(1.5)  # group_wait: both alerts have been looked at
    for output in ("simple", "extended"):
        same("amtool", *amtool, base, "-o", output, "alert", scrub=scrub_times)
        same("amtool", *amtool, base, "-o", output, "alert", "query", "-s", scrub=scrub_times)
        same("amtool", *amtool, base, "-o", output, "alert", "query", "foo", scrub=scrub_times)
        same("amtool", *amtool, base, "-o", output, "alert", "query", "-a", "-s", "team=~d.*",
             scrub=scrub_times)
        same("amtool", *amtool, base, "-o", output, "silence")
        same("amtool", *amtool, base, "-o", output, "silence", "query", "foo")
        same("amtool", *amtool, base, "-o", output, "cluster", "show")
    for args in (["silence", "query", "-q"], ["silence", "query", "--within", "1h"],
                 ["silence", "query", "--created-by", "me", "-q"], ["silence", "query", "--expired"],
                 ["config", "show"], ["config", "routes"], ["config", "routes", "test", "team=db"]):
        same("amtool", *amtool, base, *args)
    same_code("amtool", *amtool, base, "alert", "query", 'a="b')
    same_code("amtool", *amtool, base, "silence", "update", "nosuch", "-d", "1h")
    same_code("amtool", *amtool, base, "silence", "expire", "11111111-1111-4111-8111-111111111111")
    # What one makes the other changes.
    ours = amtool[1]
    code, text, error = ours(base, "silence", "update", first.strip(), "-d", "3h")
    house.check(code == 0 and first.strip() in text, "update: %s %s" % (text, error))
    code, saved, _ = ours(base, "-o", "json", "silence")
    house.check(code == 0 and saved.startswith("[{"), saved)
    house.check(ours(base, "silence", "expire", first.strip())[0] == 0, "expire")
    same("amtool", *amtool, base, "silence")
    same("amtool", *amtool, base, "silence", "query", "--expired", "--within", "1h")
    house.write(os.path.join(ours.folder, "saved.json"), saved)
    code, text, error = ours(base, "silence", "import", "-f", "saved.json")
    house.check(code == 0 and len(text.strip()) == 36, "import: %s %s" % (text, error))
    same_code("amtool", *amtool, base, "silence", "import", stdin="x")
    same("amtool", *amtool, base, "silence", scrub=scrub_ids)


def check_queries(promtool, tocsin):
    url = "http://127.0.0.1:%d" % tocsin.port
    house.wait_for("samples", 20, lambda: tocsin.query("up"))
    at = int(time.time())
    house.wait_for("a newer sample", 20, lambda: tocsin.query("timestamp(up)")
                   and float(tocsin.query("timestamp(up)")[0]["value"][1]) > at)
    instant = ["query", "instant", "--time=%d" % at]
    for expr in ("up", "1+1", "vector(1)", "nope", "up[4s]", "up[", "sum(up) by (job)"):
        same("promtool", *promtool, *(instant + [url, expr]))
        if expr not in ("1+1",):
            same("promtool", *promtool, *(instant + ["-o", "json", url, expr]))
    window = ["--start=%d" % (at - 3), "--end=%d" % at, "--step=1s"]
    same("promtool", *promtool, "query", "range", url, "up", *window)
    same("promtool", *promtool, "query", "range", "-o", "json", url, "up*2", *window)
    same("promtool", *promtool, "query", "range", url, "up", "--start=5", "--end=4")
    same("promtool", *promtool, "query", "series", url, "--match=up", "--match=scrape_samples_scraped")
    same("promtool", *promtool, "query", "labels", url, "job")
    same("promtool", *promtool, "query", "labels", "-o", "json", url, "job")
    code, text, error = promtool[1]("push", "metrics", url, "--label", "job=pushed",
                                    stdin="pushed{a=\"1\"} 7\n")
    house.check(code == 0 and "SUCCESS" in text, text + error)
    house.check(tocsin.query("pushed")[0]["metric"] ==
                {"__name__": "pushed", "a": "1", "job": "pushed"}, str(tocsin.query("pushed")))
    code, _, error = promtool[1]("push", "metrics", url, stdin="pushed{a=\"1\" 7\n")
    house.check(code == 1 and "FAILED" in error, error)
    code, text, _ = promtool[1]("check", "ready", "--url=" + url)
    house.check(code == 0 and text.startswith("  SUCCESS: "), text)
    code, text, _ = promtool[1]("check", "healthy", "--url=" + url + "/nope")
    house.check(code == 1, text)


def real_alertmanager(folder):
    port = house.free_port()
    log = open(os.path.join(folder, "am.log"), "w")
    process = subprocess.Popen(
        ["prometheus-alertmanager", "--config.file=" + os.path.join(folder, "am.yml"),
         "--storage.path=" + os.path.join(folder, "am-data"), "--cluster.listen-address=",
         "--web.listen-address=127.0.0.1:%d" % port], stdout=log, stderr=log)
    return process, "http://127.0.0.1:%d" % port


def main():
    import sys
    binary = os.path.abspath(sys.argv[1])
    real_promtool = house.need_program("promtool", "prometheus")
    real_amtool = house.need_program("amtool", "prometheus-alertmanager")
    house.need_program("prometheus-alertmanager", "prometheus-alertmanager")
    with tempfile.TemporaryDirectory(prefix="tocsin-tools-") as folder:
        for name in ("promtool", "amtool"):
            os.symlink(binary, os.path.join(folder, name))
        promtool = (Tool(real_promtool, folder), Tool(os.path.join(folder, "promtool"), folder))
        amtool = (Tool(real_amtool, folder), Tool(os.path.join(folder, "amtool"), folder))
        check_files(promtool, amtool)
        check_local(promtool, amtool, folder)
        config = "global: {scrape_interval: 1s}\nscrape_configs:\n" \
                 "- {job_name: self, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
        tocsin = house.Tocsin(binary, folder, "", ROUTES, ["--web.enable-remote-write-receiver"])
        tocsin.write_config(config % tocsin.port)
        process, url = real_alertmanager(folder)
        try:
            tocsin.start()
            check_queries(promtool, tocsin)
            check_client(amtool, "http://127.0.0.1:%d" % tocsin.port)
            check_client(amtool, url)
        finally:
            tocsin.close()
            process.kill()
            process.wait()
    print("ok")


main()
