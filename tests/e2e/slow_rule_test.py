"""A rule that computes for seconds holds up neither the scrapes nor the rules of other groups."""

import time

import house

SECONDS = 12
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['%s']
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['127.0.0.1:%d']}]
"""
# The slow one takes most of its interval; how much depends on the machine, so it is measured.
RULES = """
groups:
  - name: slow
    interval: 6s
    rules:
      - record: slow
        expr: >-
          sum_over_time((
            quantile_over_time(0.1, sin(exp(cos(vector(time() %% 977))))[60s:10ms])
            + quantile_over_time(0.5, sin(exp(cos(vector(time() %% 983))))[60s:10ms])
            + quantile_over_time(0.9, sin(exp(cos(vector(time() %% 991))))[60s:10ms])
            + quantile_over_time(0.3, sin(exp(cos(vector(time() %% 997))))[60s:10ms])
          )[%ds:100ms])
  - name: quick
    rules: [{record: quick, expr: 'sum(page)'}]
"""


def slow_group(tocsin):
    return {g["name"]: g for g in tocsin.api("rules")["groups"]}["slow"]


def evaluated_again(tocsin):
    """The seconds that the next evaluation of the slow group takes."""
    before = slow_group(tocsin)["lastEvaluation"]
    house.wait_for("an evaluation", 90, lambda: slow_group(tocsin)["lastEvaluation"] != before)
    return slow_group(tocsin)["evaluationTime"]


def test(binary, folder, stack):
    page = house.Exporter({"/metrics": "page 1\n"})
    stack.callback(page.close)
    rules = folder + "/rules.yml"
    tocsin = house.Tocsin(binary, folder, CONFIG % (rules, page.port),
                          flags=["--query.max-samples=1000000000"])
    stack.callback(tocsin.close)
    # Longer and longer until it takes two seconds.
    span = 400
    house.write(rules, RULES % span)
    tocsin.start()
    evaluated_again(tocsin)
    while (took := evaluated_again(tocsin)) < 2 and span < 50_000:
        span *= 2
        house.write(rules, RULES % span)
        status, text = tocsin.request("POST", "/-/reload")
        house.check(status == 200, text)
        evaluated_again(tocsin)  # may still be the rule as it was
    house.check(took >= 1, "no rule was slow: %d s in %.2f s" % (span, took))
    time.sleep(SECONDS)
    now = time.time()
    for name in ("page", "quick"):
        samples = tocsin.query("count_over_time(%s[%ds])" % (name, SECONDS), time=now)
        count = int(samples[0]["value"][1])
        house.check(count >= SECONDS - 2, "%s: %d samples in %d s" % (name, count, SECONDS))
    worst = float(tocsin.query("max_over_time(scrape_duration_seconds[%ds])" % SECONDS,
                               time=now)[0]["value"][1])
    print("a rule of %.1f s; the slowest scrape took %.3f s" % (slow_group(tocsin)["evaluationTime"], worst))


house.run(test)
