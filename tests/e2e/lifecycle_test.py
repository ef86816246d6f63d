"""Reload applies everything or nothing; stopping is clean; foreign folders are left alone."""

import os
import resource
import signal

import house

JOB = "  - {job_name: %s, metrics_path: /m, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
HEAD = "global: {scrape_interval: 1s}\nscrape_configs:\n"


def jobs(tocsin):
    return set(tocsin.api("scrape_pools")["scrapePools"])


def test_reload(tocsin, port):
    one = HEAD + JOB % ("one", port)
    house.check(jobs(tocsin) == {"one"}, str(jobs(tocsin)))
    house.wait_for("samples", 10, lambda: tocsin.query("m"))

    # Not valid in one place: nothing of it is applied.
    tocsin.write_config(one + JOB % ("two", port) + "nonsense: true\n")
    status, text = tocsin.request("POST", "/-/reload")
    house.check(status == 500 and "nonsense" in text, "%d %s" % (status, text))
    house.check(jobs(tocsin) == {"one"}, str(jobs(tocsin)))
    house.check(tocsin.metric("prometheus_config_last_reload_successful") == 0, "metric")

    tocsin.write_config(one + JOB % ("two", port))
    status, text = tocsin.request("POST", "/-/reload")
    house.check(status == 200, "%d %s" % (status, text))
    house.check(jobs(tocsin) == {"one", "two"}, str(jobs(tocsin)))
    house.check(tocsin.metric("prometheus_config_last_reload_successful") == 1, "metric")

    tocsin.write_config(one)
    tocsin.process.send_signal(signal.SIGHUP)
    house.wait_for("SIGHUP", 10, lambda: jobs(tocsin) == {"one"})
    tocsin.write_config("scrape_configs: 7\n")
    tocsin.process.send_signal(signal.SIGHUP)
    house.wait_for("the refusal", 10,
                   lambda: tocsin.metric("prometheus_config_last_reload_successful") == 0)
    house.check(jobs(tocsin) == {"one"}, str(jobs(tocsin)))
    status, text = tocsin.request("GET", "/-/reload")
    house.check(status == 405, "GET /-/reload: %d" % status)
    tocsin.write_config(one)


def test_stop(tocsin):
    seen = tocsin.samples("m")
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)
    tocsin.start()
    after = tocsin.samples("m")
    house.check(all(after.get(key) == value for key, value in seen.items()), "samples are gone")


def test_folders(tocsin, binary, folder):
    """`tocsin` runs on its folder."""
    other = house.Tocsin(binary, folder, HEAD)
    _, printed = other.refuses_to_start()
    print("in use: " + printed.strip().splitlines()[-1][:160])
    house.check(tocsin.ready(), "the first one suffered")
    house.check(tocsin.terminate() == 0, "SIGTERM: exit status %s" % tocsin.process.returncode)

    foreign = house.Tocsin(binary, folder, HEAD)
    foreign.data = os.path.join(folder, "prometheus-data")
    os.makedirs(os.path.join(foreign.data, "wal"))
    os.makedirs(os.path.join(foreign.data, "chunks_head"))
    house.write(os.path.join(foreign.data, "wal", "00000000"), "x")
    before = sorted(os.listdir(foreign.data))
    _, printed = foreign.refuses_to_start()
    print("foreign: " + printed.strip().splitlines()[-1][:160])
    house.check(foreign.data in printed, "the folder is not named: " + printed)
    house.check(sorted(os.listdir(foreign.data)) == before, "something was written there")


def test_flags(binary, folder):
    tocsin = house.Tocsin(binary, folder, HEAD, flags=["--storage.tsdb.pth=x"])
    _, printed = tocsin.refuses_to_start()
    house.check("storage.tsdb.path" in printed, "the nearest flag is not named: " + printed)


def test(binary, folder, stack):
    exporter = house.Exporter({"/m": "m 1\n"})
    stack.callback(exporter.close)
    tocsin = house.Tocsin(binary, folder, HEAD + JOB % ("one", exporter.port))
    stack.callback(tocsin.close)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    tocsin.start()
    if 512 < hard != resource.RLIM_INFINITY:
        house.check(tocsin.metric("process_max_fds") == hard, "the limit of open files is low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    test_reload(tocsin, exporter.port)
    test_stop(tocsin)
    test_folders(tocsin, binary, folder)
    test_flags(binary, folder)


house.run(test)
