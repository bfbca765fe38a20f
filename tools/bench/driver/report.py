# SPDX-License-Identifier: MIT
"""The results as JSON and as Markdown tables. results.json is what is kept;
results.md, the plots and a section of the README are made of it."""

import dataclasses
import json
import re

import targets

FORMAT = 1
QUIET = 0.05  # of the machine may be used by others
CLIENT_BUSY = 0.9  # of its core


def number(digits):
    return lambda v: f"{v:,.{digits}f}"


def short(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def milliseconds(value):
    return f"{value / 1000:.2f}"


def percent(value):
    return f"{value * 100:.2f} %"


def client_share(value):
    """A client that is nearly always busy is what was measured."""
    return percent(value) + (" **(the limit)**" if value > CLIENT_BUSY else "")


COLUMNS = [
    ("cpu_us", "CPU µs/delivery", short),
    ("spread", "lowest to highest", str),
    ("against_raw", "× raw", number(2)),
    ("rate", "deliveries/s", number(0)),
    ("per_core", "deliveries per core and s", number(0)),
    ("p50_us", "p50 ms", milliseconds),
    ("p99_us", "p99 ms", milliseconds),
    ("p99_spread", "p99, lowest to highest", str),
    ("bytes", "bytes/connection", number(0)),
    ("connections", "connections", number(0)),
    ("held_seconds", "held s", number(0)),
    ("idle_seconds", "idle s", number(0)),
    ("redis_us", "Redis µs/event", short),
    ("idle_core", "idle: relay's core", percent),
    ("idle_redis_core", "idle: Redis's core", percent),
    ("sweeps_per_s", "sweep reads/s", number(0)),
    ("reads", "Redis reads", number(0)),
    ("ranges", "distinct ranges", number(0)),
    ("client_core", "client's core", client_share),
]
TRAFFIC = {"cpu_us", "spread", "against_raw", "rate", "per_core", "p50_us",
           "p99_us", "p99_spread", "client_core"}
SHOWN = {
    "D": {"bytes", "connections"},
    "hold": {"bytes", "connections", "held_seconds"},
    "first": {"p50_us", "p99_us", "p99_spread", "idle_seconds"},
    "followed": {"cpu_us", "spread", "p50_us", "p99_us", "redis_us",
                 "idle_core", "idle_redis_core", "sweeps_per_s"},
    "catchup": {"rate", "p50_us", "p99_us", "p99_spread", "client_core"},
    "herd": {"rate", "reads", "ranges", "client_core"},
}


def cell(row, figure, form):
    if figure == "spread" and row.get("rounds", 0) > 1 and row.get("cpu_us"):
        return f"{short(row['cpu_us_min'])} to {short(row['cpu_us_max'])}"
    if (figure == "p99_spread" and row.get("rounds", 0) > 1
            and row.get("p99_us")):
        return (f"{milliseconds(row['p99_us_min'])} to "
                f"{milliseconds(row['p99_us_max'])}")
    value = row.get(figure)
    return "" if value is None else form(value)


def table(rows, shown=TRAFFIC):
    used = [c for c in COLUMNS if c[0] in shown
            and any(cell(row, c[0], c[2]) for row in rows.values())]
    lines = ["| | " + " | ".join(c[1] for c in used) + " |",
             "| --- |" + " ---: |" * len(used)]
    for name, row in rows.items():
        cells = [cell(row, c[0], c[2]) for c in used]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def shown_of(name):
    return SHOWN.get(name, TRAFFIC)


def ceiling(scenarios):
    """What the bench's own client can take on its core: a server that makes
    its events itself keeps it as busy as can be."""
    lines = []
    for burst in (1, 16, 64):
        row = scenarios.get(f"A{burst}", {}).get("rows", {}).get(
            "raw, no Redis", {})
        if row.get("client_us"):
            lines.append(f"- bursts of {burst}: {row['client_us']:.2g} µs of "
                         f"the client's CPU a delivery, "
                         f"{1e6 / row['client_us']:,.0f} deliveries/s at most")
    if not lines:
        return []
    return ["", "## The client's own limit", "",
            "From the raw server that makes its events itself: what the "
            "client of the bench, which verifies every frame, can take on one "
            "core. `deliveries/s` near it is the client's limit, not the "
            "server's (the client's core is then near 100 %; it is less where "
            "producer and Redis, on the same core, have the rest). CPU a "
            "delivery and deliveries per core do not depend on it.",
            "", *lines]


def measured_line(scenario):
    made = scenario["measured"]
    before, after = made["load_average"]
    share = f"{made['busy']:.0%} of the machine"
    quiet = (f"**not quiet: {share} was used by others before or after**"
             if made["busy"] > QUIET else
             f"{share} used by others before and after")
    return (f"{made['date']}, commit {made['commit']}, rounds: "
            f"{made['rounds']}, load average {before} before and {after} "
            f"after, {quiet}, {made['seconds']:.0f} s, `{made['command']}`")


def markdown(results):
    scenarios = results["scenarios"]
    lines = ["# Results", "", "Made by `tools/bench/run`; each figure is the "
             "median of its rounds.", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}"
              for key, value in results["machine"].items()
              if value is not None]
    lines += ["", "The server has core 0 for itself; client, producer and "
              "Redis share core 1. Every event arrived once and in order on "
              "every connection, or the run does not count. The relay judges "
              "each event (mode enforce); the others judge nothing.",
              "", "## Targets", ""]
    lines += targets.table(targets.verdicts(scenarios))
    lines += ceiling(scenarios)
    for name, scenario in scenarios.items():
        lines += ["", f"## {name}: {scenario['title']}", "",
                  measured_line(scenario), ""]
        lines += table(scenario["rows"], shown_of(name))
        lines += [f"\n{who}: left out, {why}."
                  for who, why in scenario["skipped"].items()]
    return "\n".join(lines) + "\n"


# --- keeping ---

class Mixed(Exception):
    """Figures of different machines must not stand in one table."""


def read(folder):
    """What was measured before; None where nothing was."""
    path = folder / "results.json"
    if not path.exists():
        return None
    results = json.loads(path.read_text())
    return results if results.get("format") == FORMAT else None


def begin(folder, machine, anew=False):
    """The results that scenarios are put into."""
    before = None if anew else read(folder)
    if before is None:
        return {"format": FORMAT, "machine": machine, "scenarios": {}}
    for what in ("processor", "cores", "kernel"):
        if before["machine"].get(what) != machine.get(what):
            raise Mixed(f"{folder} holds results of another machine ({what}: "
                        f"{before['machine'].get(what)}): --anew drops them, "
                        "--out DIR writes elsewhere")
    before["machine"] = machine
    return before


def put(results, order, name, scenario):
    """In the order of all scenarios, whenever they were run."""
    results["scenarios"][name] = scenario
    results["scenarios"] = {n: results["scenarios"][n] for n in order
                            if n in results["scenarios"]}


def rounded(value):
    """Six digits are more than any figure is worth."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return value


def on_one_line(match):
    return "[" + " ".join(match.group(1).split()) + "]"


def dump(results):
    """JSON whose lists of numbers stand on a line each."""
    text = json.dumps(rounded(results), indent=1, ensure_ascii=False)
    return re.sub(r"\[\s*([^\[\]{}\"]*?)\s*\]", on_one_line, text) + "\n"


def write(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    results["targets"] = [dataclasses.asdict(v)
                          for v in targets.verdicts(results["scenarios"])]
    (folder / "results.json").write_text(dump(results))
    (folder / "results.md").write_text(markdown(results))
