"""Random data and random PromQL for the differential test, chosen so that Prometheus 2.42 and 3.x
mean the same by them. What they do not mean the same by is left out here, each time with its cause;
docs/compatibility.md lists the causes.

Times. Samples lie at odd milliseconds; steps, ranges and offsets are whole seconds (ranges of
subqueries end in half a second) and evaluation times end in .25 or .75 s. So nothing ever lies
on the left edge of a window or exactly one lookback back, which 2.x includes and 3.x does not.

Rounding. 3.x sums with compensation and 2.42 does not, so results that were rounded agree to about
1e-13 only, and anything that tells near values apart (==, floor, a difference) must not see them.
Every expression therefore has a grade, and a method of the grammar for it:
  whole    multiples of 1/4 of moderate size, or NaN: sums in any order are exact
  same     both sides do the same operations on the same numbers: equal bits, but sums would round
  rounded  equal but for rounding: only what keeps relative errors small may use it
"""

import math

import remote_write

START = 1_700_000_000  # s, of the data
SAMPLES = 400
INTERVAL_MS = 15_000


class Data:
    """[(labels, [(ms, value)])] from a seeded generator."""

    def __init__(self, random):
        self.random = random
        self.series = []
        for job in "ab":
            for i in range(4):
                labels = {"job": job, "i": str(i)}
                # Resets fall to half, far above what a window gains: see counter_range() below.
                self.add("c_total", labels, self.counter(30000, lambda v: v // 2), gaps=True)
                self.add("z_total", labels, self.counter(0, lambda v: random.randint(0, 2)),
                         early=200)
                self.add("g", labels, self.gauge(), gaps=True, stale=0.01)
                self.add("w", labels, lambda _: random.randint(0, 3), gaps=True)
                self.add("odd", labels, self.oddities(), gaps=True)
            self.add("cap", {"job": job}, lambda k: 100 + k % 3)
            self.histogram({"job": job})

    def times(self, gaps, early=0):
        # Even steps from an odd first: always odd.
        t = (START + self.random.randint(1, 14)) * 1000 + 7 - early * INTERVAL_MS
        for _ in range(SAMPLES + early):
            if gaps and self.random.random() < 0.03:
                t += INTERVAL_MS * self.random.randint(1, 30)
            yield t
            jitter = 0 if self.random.random() < 0.7 else 2 * self.random.randint(-250, 250)
            t += INTERVAL_MS + jitter

    def add(self, name, labels, value, gaps=False, stale=0.0, early=0):
        samples = []
        for k, t in enumerate(self.times(gaps, early)):
            v = remote_write.STALE if self.random.random() < stale else float(value(k))
            samples.append((t, v))
        self.series.append((dict(labels, __name__=name), samples))

    def counter(self, first, after_reset):
        random = self.random
        state = {"v": first, "reset": 0}  # v in quarters

        def value(k):
            if random.random() < 0.01 and k - state["reset"] > 120:
                state.update(v=after_reset(state["v"]), reset=k)
            else:
                state["v"] += random.choice([0, 0, 1, 2, 3, 4, 8])
            return state["v"] / 4
        return value

    def gauge(self):
        random = self.random

        def value(_):
            if random.random() < 0.01:
                return math.nan
            return random.choice([random.randint(-4000, 4000), random.randint(-20, 20)]) / 4
        return value

    def oddities(self):
        random = self.random
        return lambda _: random.choice(
            [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, -1e300, 5e-324, 1.0, -1.5, 1e-7])

    def histogram(self, labels):
        bounds = ["0.1", "0.5", "1", "5", "+Inf"]
        counts = [0] * len(bounds)
        columns = [[] for _ in bounds]
        for t in self.times(False):
            for _ in range(self.random.randint(0, 9)):
                for n in range(self.random.randint(0, len(bounds) - 1), len(bounds)):
                    counts[n] += 1
            for n, count in enumerate(counts):
                columns[n].append((t, float(count)))
        for bound, samples in zip(bounds, columns):
            self.series.append((dict(labels, __name__="lat_bucket", le=bound), samples))


class Grammar:
    """Draws expressions, as text."""

    def __init__(self, random):
        self.random = random
        self.pick = random.choice

    def chance(self, p):
        return self.random.random() < p

    # --- selectors ---

    def matchers(self):
        return self.pick(["", "", '{job="a"}', '{i=~"1|2"}', '{i!="0"}', '{job!~"b.*"}', '{i=""}',
                          '{i=~".*[13]", job=~"a|c"}'])

    def modifier(self):
        return self.pick(["", "", "", "", " offset 1m", " offset 90s", " offset -1m",
                          " @ %d" % (START + 3000), " @ end()", " @ start() offset 30s"])

    def window(self):
        return "[%s]" % self.pick(["37s", "1m", "2m", "5m", "10m"])

    def selector(self, odd=False):
        name = self.pick(["c_total", "z_total", "g", "w", "cap"] + (["odd"] * 2 if odd else []))
        return name + self.matchers()

    def subquery_window(self):
        return "[%s:%s]" % (self.pick(["3m500ms", "7m500ms"]), self.pick(["", "30s", "1m", "17s"]))

    def whole_range(self, depth):
        """A range vector of whole values."""
        if depth <= 0 or self.chance(0.75):
            return self.selector() + self.window() + self.modifier()
        return "(%s)%s%s" % (self.whole(depth - 1), self.subquery_window(), self.modifier())

    def counter_range(self):
        """What rate and increase may see. 3.x limits the extrapolation to zero after the
        threshold on gaps and 2.42 before it: they part where a window has both a gap at its start
        and a first value that is small beside the increase. Hence z_total has no gaps (and is asked
        about only well inside its life) and c_total never comes near zero."""
        if self.chance(0.3):
            return "z_total" + self.matchers() + self.pick(["[1m]", "[5m]", "[10m]"])
        selector = "c_total" + self.matchers()
        if self.chance(0.75):
            return selector + self.window() + self.modifier()
        return selector + self.subquery_window()

    # --- expressions by grade ---

    def whole(self, depth):
        """Multiples of 1/4, or NaN."""
        if depth <= 0 or self.chance(0.2):
            return self.selector() + self.modifier()
        return self.pick([self.whole_function, self.whole_over_time, self.whole_aggregation,
                          self.whole_operator, self.set_operator, self.filter])(depth - 1)

    def whole_function(self, depth):
        inner = self.whole(depth)
        return self.pick(["abs(%s)", "ceil(%s)", "floor(%s)", "sgn(%s)", "round(%s)", "sort(%s)",
                          "clamp_min(%s, 2)", "clamp_max(%s, 2)", "clamp(%s, -3, 5)",
                          "absent(%s)", "vector(scalar(%s))",
                          'label_replace(%s, "z", "$1-x", "i", "([12])")',
                          'label_join(%s, "z", "-", "job", "i")', "+(%s)"]) % inner

    def whole_over_time(self, depth):
        function = self.pick(["sum", "min", "max", "count", "last", "present"]) + "_over_time"
        if self.chance(0.3):
            function = self.pick(["changes", "resets", "idelta"])
        return "%s(%s)" % (function, self.whole_range(depth))

    def grouping(self):
        return self.pick(["", " by (job)", " without (i)", " by (i)", " by (job, i)", " by ()"])

    def whole_aggregation(self, depth):
        op = self.pick(["sum", "min", "max", "count", "group"])
        if self.chance(0.1):
            return 'count_values%s ("v", %s)' % (self.grouping(), self.whole(depth))
        return "%s%s (%s)" % (op, self.grouping(), self.whole(depth))

    def matching(self):
        """Vector matching in which each pair is unique; a filter that hides a duplicate fails in
        3.x (it looks for duplicates first) and not in 2.42."""
        return self.pick(["", "", "on (job, i) ", "ignoring (z) "])

    def whole_operator(self, depth):
        op = self.pick(["+", "-", "== bool", "!= bool", "< bool", "> bool", "<= bool", ">= bool"])
        if self.chance(0.4):
            return "(%s) %s %s" % (self.whole(depth), op, self.pick(["2", "0.5", "0", "-1"]))
        if self.chance(0.2):
            return "(%s) %s on (job) group_left () cap%s" % (self.whole(depth), op, self.modifier())
        return "(%s) %s %s(%s)" % (self.whole(depth), op, self.matching(), self.whole(depth))

    def set_operator(self, depth):
        op = self.pick(["and", "or", "unless"])
        matching = self.pick(["", "on (job) ", "ignoring (i) ", "on () "])
        return "(%s) %s %s(%s)" % (self.whole(depth), op, matching, self.whole(depth))

    def filter(self, depth):
        op = self.pick(["==", "!=", "<", ">", "<=", ">="])
        if self.chance(0.5):
            return "(%s) %s %s" % (self.whole(depth), op, self.pick(["2", "0", "-1", "100"]))
        return "(%s) %s %s(%s)" % (self.whole(depth), op, self.matching(), self.whole(depth))

    def sample_time(self):
        """With both @ and offset Prometheus counts the lookback of timestamp() from the time at @."""
        return "timestamp(%s%s)" % (self.selector(), self.pick(["", " offset 90s", " @ end()"]))

    def same(self, depth):
        """Same operations on the same numbers: arithmetic on whole values and on oddities (NaN, Inf, huge and tiny)."""
        if self.chance(0.1):
            return self.sample_time()
        inner = self.whole(depth) if self.chance(0.6) else self.odd(depth)
        return self.pick([
            "(%s) / 3", "(%s) * 0.1", "(%s) %% 7", "7 / (%s)", "(%s) / time()",
            "(%s) * scalar(cap{job=\"a\"})", "(%s) == 1", "(%s) > bool 0",
            # 2.42 fails where series become equal although they do not meet.
            "abs(%s)" if " or " in inner else "-(%s)",
        ]) % inner if self.chance(0.7) else "(%s) %s %s(%s)" % (
            inner, self.pick(["/", "*", "%", "<", "!="]), self.matching(), self.whole(depth))

    def odd(self, depth):
        """Comparisons, order and counting over oddities. Sums and variances of
        infinities follow other rules in 3.x."""
        selector = "odd" + self.matchers() + self.modifier()
        if depth <= 0 or self.chance(0.3):
            return selector
        return self.pick([
            "abs(%s)" % selector, "min%s (%s)" % (self.grouping(), selector),
            "max%s (%s)" % (self.grouping(), selector), "count (%s)" % selector,
            "(%s) %s 1" % (selector, self.pick(["<", ">", "==", "!=", "+", "*"])),
            "%s_over_time(odd%s%s%s)" % (self.pick(["min", "max", "last", "count", "present"]),
                                         self.matchers(), self.window(), self.modifier()),
            "%s(odd%s%s)" % (self.pick(["changes", "resets", "idelta"]), self.matchers(),
                             self.window()),
            "clamp_max(%s, 3)" % selector, "sgn(%s)" % selector, "-(%s)" % selector])

    def rounded(self, depth):
        """Equal but for rounding; what goes in loses none of its digits on the way."""
        if depth <= 0 or self.chance(0.3):
            return self.rounded_leaf(depth)
        inner = self.rounded(depth - 1)
        return self.pick([
            "abs(%s)" % inner, "(%s) * 2.5" % inner, "(%s) / 7" % inner, "1 / (%s)" % inner,
            "max%s (%s)" % (self.grouping(), inner), "min%s (%s)" % (self.grouping(), inner),
            "(%s) * %s(%s)" % (inner, self.matching(), self.whole(depth - 1)),
            "(%s) and (%s)" % (inner, self.whole(depth - 1)),
            "(%s) unless on (job) (%s)" % (inner, self.whole(depth - 1)),
            "max_over_time((%s)%s)" % (inner, self.subquery_window()),
            "last_over_time((%s)%s)" % (inner, self.subquery_window()),
            'label_replace(%s, "z", "$1", "job", "(.*)")' % inner,
            "(%s) * on (job) group_left () cap" % inner, "count (%s)" % inner])

    def rounded_leaf(self, depth):
        rate = "%s(%s)" % (self.pick(["rate", "increase", "rate", "irate"]), self.counter_range())
        return self.pick([
            rate, rate,
            "sum%s (%s)" % (self.grouping(), rate),
            "avg%s (%s)" % (self.grouping(), rate),
            # A mean of both signs may round to anything near 0.
            "avg%s (abs(%s))" % (self.grouping(), self.whole(depth - 1)),
            # Numbers only: a group whose first member is NaN has variance 0 in 2.42 and NaN in 3.x.
            "%s%s ((%s) > -1e9)" % (self.pick(["stddev", "stdvar"]), self.grouping(),
                                    self.whole(depth - 1)),
            "quantile%s (%s, %s)" % (self.grouping(), self.pick(["0.3", "0.5", "1", "0", "1.5"]),
                                     self.whole(depth - 1)),
            "delta(%s)" % self.whole_range(depth - 1), "deriv(%s)" % self.whole_range(depth - 1),
            # With @ in a range query 2.42 lets the window move on with the steps.
            "predict_linear(%s%s, 60)" % (self.selector(), self.window()),
            "avg_over_time(%s%s%s%s)" % (self.pick(["c_total", "z_total", "w", "cap"]),
                                         self.matchers(), self.window(), self.modifier()),
            "stddev_over_time(%s)" % self.whole_range(depth - 1),
            "stdvar_over_time(%s)" % self.whole_range(depth - 1),
            "quantile_over_time(%s, %s)" % (self.pick(["0.5", "0.9", "0", "1", "-1"]),
                                            self.whole_range(depth - 1)),
            "%s(%s)" % (self.pick(["sqrt", "exp", "ln", "log2", "log10", "sin", "cos", "atan",
                                   "tanh", "deg", "rad"]), self.whole(depth - 1)),
            "(%s) ^ %s" % (self.whole(depth - 1), self.pick(["2", "0.5", "-1"])),
            # 2.42 keeps the name.
            "abs((%s) atan2 (%s))" % (self.whole(depth - 1), self.whole(depth - 1)),
            # Of NaN: what Go makes of its conversion to an integer.
            "%s(c_total * 1000)" % self.pick(["hour", "minute", "day_of_week", "month", "year",
                                        "days_in_month", "day_of_year"]),
            self.histogram_quantile()])

    def histogram_quantile(self):
        # Of more than two series the sums of 2.42 are rounded, which the highest rank would show.
        q = self.pick(["0.5", "0.9", "0.99", "0"])
        return "histogram_quantile(%s, %s)" % (q, self.pick(
            ["rate(lat_bucket[5m])", "lat_bucket", "sum by (le) (rate(lat_bucket[2m]))",
             "lat_bucket offset 1m", 'increase(lat_bucket{job="a"}[7m])']))

    def top(self, depth):
        """topk and bottomk, at the root only: equal values may be picked in another order, so the
        values are compared and not who has them."""
        return "%s%s (%s, %s)" % (self.pick(["topk", "bottomk"]), self.grouping(),
                                  self.pick(["1", "2", "3", "0", "100"]), self.whole(depth))

    def expression(self):
        depth = self.pick([1, 2, 2, 3])
        draw = self.pick([self.whole] * 4 + [self.same] * 2 + [self.rounded] * 4 + [self.odd])
        if self.chance(0.05):
            draw = self.top
        elif self.chance(0.03):
            return self.selector(odd=True) + self.window()
        return draw(depth)

    # --- times ---

    def instant(self):
        return START + self.random.randint(900, 4500) + self.pick([0.25, 0.75])

    def range(self):
        step = self.pick([15, 30, 60, 61, 300])
        start = self.instant()
        return start, start + step * self.random.randint(0, 40), step

