"""A rule that fires for 50,000 series at once: routed within one group_interval, in bounded memory."""

import os
import threading
import time

import house

ALERTS, CLUSTERS, INTERVAL = 50000, 100, 30
MAX_GROWTH_MIB = 400
ROUTER = """
route: {receiver: hook, group_by: [cluster], group_wait: 1s, group_interval: %ds, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:%%d/'}]}]
""" % INTERVAL
RULES = """groups:
- name: storm
  interval: 2s
  rules:
  - alert: Storm
    expr: storm == 1
    labels: {severity: page}
    annotations: {summary: "{{ $labels.instance }} of {{ $labels.cluster }} is at {{ $value }}"}
"""


def page(value):
    return "".join('storm{cluster="c%02d",node="n%05d"} %d\n' % (i % CLUSTERS, i, value)
                   for i in range(ALERTS))


def peak_mib(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024


def test(binary, folder, stack):
    exporter = house.Exporter({"/m": page(0)})
    receiver = house.Receiver()
    stack.callback(exporter.close)
    stack.callback(receiver.close)
    rules = os.path.join(folder, "rules.yml")
    house.write(rules, RULES)
    tocsin = house.Tocsin(
        binary, folder, "global: {scrape_interval: 2s}\nrule_files: ['%s']\nscrape_configs:\n"
        "- {job_name: j, metrics_path: /m, static_configs: [{targets: ['127.0.0.1:%d']}]}\n"
        % (rules, exporter.port), ROUTER % receiver.port)
    stack.callback(tocsin.close)
    tocsin.start()
    house.wait_for("all series", 60 * house.SLACK, lambda: [
        r for r in tocsin.query("count(storm == 0)") if int(r["value"][1]) == ALERTS], step=0.5)
    before = peak_mib(tocsin.process.pid)
    exporter.pages["/m"] = page(1)
    house.wait_for("the storm", 60 * house.SLACK, lambda: [
        r for r in tocsin.query("count(ALERTS{alertstate='firing'})")
        if int(r["value"][1]) == ALERTS], step=0.2)
    begun = time.monotonic()

    def all_told():
        nodes = set()
        for _, _, body in list(receiver.posts):
            nodes.update(a["labels"]["node"] for a in body["alerts"])
        return len(nodes) == ALERTS
    house.wait_for("all alerts at the receiver", INTERVAL * house.SLACK, all_told, step=0.5)
    took = max(t for t, _, _ in receiver.posts) - begun
    growth = peak_mib(tocsin.process.pid) - before
    missed = tocsin.metric("prometheus_rule_group_iterations_missed_total")
    print("%d alerts in %d messages %.1f s after they fired; %.0f MiB before, %.0f MiB more at the "
          "peak; %d evaluations missed" % (ALERTS, len(receiver.posts), took, before, growth, missed))
    house.check(took < INTERVAL * house.SLACK, "took %.1f s" % took)
    house.check(growth < MAX_GROWTH_MIB, "grew by %.0f MiB" % growth)


threading.stack_size(1 << 20)
house.run(test)
