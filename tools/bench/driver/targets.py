# SPDX-License-Identifier: MIT
"""What must hold, line by line, and whether it does by the results. Pure:
results in, verdicts out. A figure that is not there makes a line `skipped`
with the reason, never `holds`."""

import dataclasses

HOLDS, MISSED, SKIPPED = "holds", "missed", "skipped"
KEPT_UP = 0.95  # of the rate that a scenario names


@dataclasses.dataclass
class Verdict:
    text: str
    target: str
    measured: str
    state: str
    scenario: str
    reason: str = ""


class Absent(Exception):
    """A figure is not there; the text says which."""


class Results:
    def __init__(self, scenarios):
        self.scenarios = scenarios

    def row(self, scenario, name):
        if scenario not in self.scenarios:
            raise Absent(f"`{scenario}` was not run")
        rows = self.scenarios[scenario]["rows"]
        if name not in rows:
            reason = self.scenarios[scenario]["skipped"].get(name)
            raise Absent(reason or f"{name} was not measured")
        return rows[name]

    def figure(self, scenario, name, figure):
        value = self.row(scenario, name).get(figure)
        if value is None:
            raise Absent(f"{name} has no {figure}")
        return value


def at_most(value, limit):
    return HOLDS if value <= limit else MISSED


def at_least(value, limit):
    return HOLDS if value >= limit else MISSED


def ratio(scenario, figure, ours, theirs, limit):
    def judge(results):
        value = results.figure(scenario, ours, figure)
        other = results.figure(scenario, theirs, figure)
        if not other:
            raise Absent(f"{theirs} has no {figure}")
        shown = (f"{value / other:.2f} ({amount(figure, value)} against "
                 f"{amount(figure, other)})")
        return shown, at_most(value / other, limit)
    return judge


def amount(figure, value):
    if figure == "cpu_us":
        return f"{value:.3g} µs"
    return f"{value / 1000:.2f} ms"


def against(scenario, figure, other, limit):
    return ratio(scenario, figure, "relay", other, limit)


def paced(scenario, figure, other, limit, rate):
    """As `against`, at the deliveries/s that the scenario names: who falls
    behind the producer does something else."""
    compare = against(scenario, figure, other, limit)

    def judge(results):
        shown, state = compare(results)
        for name in ("relay", other):
            value = results.figure(scenario, name, "rate")
            if value < rate * KEPT_UP:
                raise Absent(f"{shown}, but {name} delivers {value:,.0f}/s "
                             f"instead of {rate:,}")
        return shown, state
    return judge


def idle_memory(name, limit):
    def judge(results):
        value = results.figure("D", name, "bytes")
        count = results.figure("D", name, "connections")
        if count < 10000:
            raise Absent(f"{size(value)}, but of only {count:,.0f} "
                         "connections")
        return size(value), at_most(value, limit)
    return judge


def bounded(scenario, name, figure, limit, show):
    def judge(results):
        value = results.figure(scenario, name, figure)
        return show(value), at_most(value, limit)
    return judge


def catch_up_rate(results):
    value = results.figure("catchup", "one behind", "rate")
    events = results.figure("catchup", "one behind", "deliveries")
    if events < 100000:
        raise Absent(f"{value:,.0f} events/s, but behind by only "
                     f"{events:,.0f}")
    return f"{value:,.0f} events/s", at_least(value, 200000)


def herd_reads(results):
    reads = results.figure("herd", "relay", "reads")
    ranges = results.figure("herd", "relay", "ranges")
    return (f"{reads / ranges:.2f} ({reads:,.0f} reads, {ranges:,.0f} "
            "ranges)", at_most(reads / ranges, 3))


def held(results):
    count = results.figure("hold", "relay", "connections")
    seconds = results.figure("hold", "relay", "held_seconds")
    shown = f"{count:,.0f} for {seconds:,.0f} s, none dropped"
    if count < 9000:
        return shown, MISSED
    if seconds < 600:
        raise Absent(f"only {shown}; --long holds for ten minutes")
    return shown, HOLDS


def first_event(results):
    value = results.figure("first", "relay", "p99_us")
    seconds = results.figure("first", "relay", "idle_seconds")
    shown = f"{value / 1000:.2f} ms after {seconds:,.0f} s"
    if seconds < 3600:
        raise Absent(f"only {shown}; --long leaves them idle for an hour")
    return shown, at_most(value, 5000)


def more_workers(results):
    if "workers" not in results.scenarios:
        raise Absent("`workers` was not run")
    rows = results.scenarios["workers"]["rows"]
    skipped = results.scenarios["workers"]["skipped"]
    counts = [n for n in (4, 8, 16) if f"relay, {n} workers" in rows]
    if not counts:
        raise Absent(skipped.get("4 workers", "not measured"))
    return ", ".join(
        f"{n}: {rows[f'relay, {n} workers']['rate']:,.0f}/s"
        for n in counts), HOLDS


def all_verified(results):
    if not results.scenarios:
        raise Absent("nothing was run")
    counted = sum(s["counted"] for s in results.scenarios.values())
    failed = sum(s["failed"] for s in results.scenarios.values())
    return (f"{counted} runs verified, {failed} did not count",
            HOLDS if failed == 0 else MISSED)


def core_share(value):
    return f"{value * 100:.2f} % of a core"


def size(value):
    return f"{value:,.0f} bytes"


# What is measured; the target; the scenario; the judge.
LINES = [
    # Like for like, each burst when the one before has arrived; and flat out.
    *[(f"A, bursts of {burst}: CPU per delivery against {raw}", "≤ 1.15",
       f"A{burst}", against(f"A{burst}", "cpu_us", raw, 1.15))
      for raw in ("raw", "raw, no Redis") for burst in (1, 16, 64)],
    ("B: CPU per delivery against raw fed from Redis", "≤ 1.25", "B",
     paced("B", "cpu_us", "raw", 1.25, 20000)),
    ("B: CPU per delivery against nchan", "≤ 0.6", "B",
     paced("B", "cpu_us", "nchan", 0.6, 20000)),
    ("B: CPU per delivery against ws", "≤ 0.6", "B",
     paced("B", "cpu_us", "ws", 0.6, 20000)),
    ("B: p99 against raw", "≤ 1.5", "B",
     paced("B", "p99_us", "raw", 1.5, 20000)),
    ("C: p99 against raw", "≤ 1.3", "C",
     paced("C", "p99_us", "raw", 1.3, 50000)),
    ("E: CPU per delivery against raw", "≤ 1.2", "E",
     paced("E", "cpu_us", "raw", 1.2, 100000)),
    ("D: memory per idle connection", "≤ 2,560 bytes", "D",
     idle_memory("relay", 2560)),
    ("D: memory per idle connection with compression", "≤ 3,072 bytes", "D",
     idle_memory("relay, deflate", 3072)),
    ("Connections held for 10 minutes", "≥ 9,000, none dropped", "hold",
     held),
    ("100,000 followed streams against 1,000: CPU per event", "≤ 1.3",
     "followed", ratio("followed", "cpu_us", "100,000 streams",
                       "1,000 streams", 1.3)),
    ("Safety sweep of 100,000 streams: the relay", "< 1 % of a core",
     "followed", bounded("followed", "100,000 streams", "idle_core", 0.01,
                         core_share)),
    ("Safety sweep of 100,000 streams: Redis", "< 1 % of a core",
     "followed", bounded("followed", "100,000 streams", "idle_redis_core",
                         0.01, core_share)),
    ("First event on a stream idle for an hour: p99", "≤ 5 ms", "first",
     first_event),
    ("Two workers against one: CPU per delivery", "≤ 1.1", "workers",
     ratio("workers", "cpu_us", "relay, 2 workers", "relay, 1 worker", 1.1)),
    ("Throughput of 4 and more workers", "told", "workers", more_workers),
    ("Behind by 100,000 events: catching up", "≥ 200,000 events/s",
     "catchup", catch_up_rate),
    ("1,000 live ones meanwhile: p99 against before", "≤ 1.2", "catchup",
     ratio("catchup", "p99_us", "1,000 live, meanwhile",
           "1,000 live, before", 1.2)),
    ("2,000 clients resume 20 streams: reads for each range", "≤ 3", "herd",
     herd_reads),
    *[(f"Compression, bursts of {burst}: CPU per delivery, on against off",
       "≤ 1.15", "deflate",
       ratio("deflate", "cpu_us", f"on, bursts of {burst}",
             f"off, bursts of {burst}", 1.15))
      for burst in (1, 16, 64)],
    ("Order and completeness; frames counted as sent have arrived",
     "every run", "all", all_verified),
]


def verdicts(scenarios):
    results = Results(scenarios)
    told = []
    for text, target, scenario, judge in LINES:
        try:
            measured, state = judge(results)
            told.append(Verdict(text, target, measured, state, scenario))
        except Absent as reason:
            told.append(Verdict(text, target, "", SKIPPED, scenario,
                                str(reason)))
    return told


def table(told):
    lines = ["| What | Target | Measured | |", "| --- | --- | --- | --- |"]
    for verdict in told:
        state = (f"**{MISSED}**" if verdict.state == MISSED
                 else verdict.state)
        if verdict.reason:
            state += f": {verdict.reason}"
        lines.append(f"| {verdict.text} | {verdict.target} | "
                     f"{verdict.measured} | {state} |")
    return lines
