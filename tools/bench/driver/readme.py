# SPDX-License-Identifier: MIT
"""The section of README.md that shows what was measured, made of
results.json alone, so that no figure is typed by hand. Used by `run --readme`
and by tools/generate, which fails when the section is out of date."""

import report
import targets

RESULTS = "tools/bench/results"
SYSTEMS = ("relay", "raw", "nchan", "ws", "socket.io")
# Heading, scenario, figure, form.
COLUMNS = [
    ("1 stream, 1,000 subscribers", "A1", "cpu_us", report.short),
    ("the same, bursts of 64", "A64", "cpu_us", report.short),
    ("1,000 streams, 1 subscriber", "B", "cpu_us", report.short),
    ("100 streams, 10 subscribers", "E", "cpu_us", report.short),
    ("10,000 subscribers: p99 ms", "C", "p99_us", report.milliseconds),
    ("idle: bytes/connection", "D", "bytes", report.number(0)),
]


def main_table(scenarios):
    used = [c for c in COLUMNS if c[1] in scenarios]
    lines = ["| CPU µs/delivery | " + " | ".join(c[0] for c in used) + " |",
             "| --- |" + " ---: |" * len(used)]
    for name in SYSTEMS:
        cells = [report.cell(scenarios[c[1]]["rows"].get(name, {}), c[2], c[3])
                 for c in used]
        if any(cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def summary(told):
    count = {state: sum(v.state == state for v in told)
             for state in (targets.HOLDS, targets.MISSED, targets.SKIPPED)}
    text = (f"Of {len(told)} targets {count['holds']} hold, "
            f"{count['missed']} are missed, {count['skipped']} were not "
            "measured")
    missed = [f"{v.text}: {v.measured}, target {v.target}" for v in told
              if v.state == targets.MISSED]
    return text + (f". Missed: {'; '.join(missed)}." if missed else ".")


def disturbed(scenarios):
    names = [name for name, s in scenarios.items()
             if s["measured"]["busy"] > report.QUIET]
    if not names:
        return ""
    return (" Others were busy on the machine before or after "
            f"{', '.join(names)} ran: read ratios only.")


def rounds(scenarios):
    """Of what the table shows."""
    counts = sorted({scenarios[c[1]]["measured"]["rounds"] for c in COLUMNS
                     if c[1] in scenarios})
    if not counts:
        return ""
    least = f"{counts[0]} to " if counts[0] < counts[-1] else ""
    return f"; medians of {least}{counts[-1]} rounds"


def dates(scenarios):
    days = sorted({s["measured"]["date"][:10] for s in scenarios.values()})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def section(results):
    """Markdown, with paths from the root of the repository."""
    if not results or not results["scenarios"]:
        return ("Nothing is measured yet: `tools/bench/run` measures and "
                "`tools/bench/run --readme` writes this section.\n")
    scenarios = results["scenarios"]
    machine = results["machine"]
    lines = [f"![Deliveries per core and second]({RESULTS}/"
             "deliveries-per-core.svg)", "",
             *main_table(scenarios), "",
             "`raw` is the least a server can do that sends each event at "
             "once: it frames it once and judges nothing. The relay judges "
             "every event (mode enforce), and collects them for up to 1 ms "
             "when they come fast, which saves work where each has one "
             "subscriber: what that is worth to `raw` is in the results of "
             "B and E. Every event arrived once and in order on every "
             "connection, or the run did not count.", "",
             f"{machine['processor']}, {machine['cores']} cores, "
             f"{machine['system']}, kernel {machine['kernel']}, "
             f"{dates(scenarios)}; the server on one core"
             f"{rounds(scenarios)}. "
             + summary(targets.verdicts(scenarios)) + disturbed(scenarios)
             + f" All figures, targets and plots: [{RESULTS}/results.md]"
             f"({RESULTS}/results.md).", "",
             "```sh", "tools/bench/setup && tools/bench/run all", "```"]
    return "\n".join(lines) + "\n"
