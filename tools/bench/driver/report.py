# SPDX-License-Identifier: MIT
"""The results as JSON and as Markdown tables."""

import json

COLUMNS = [
    ("cpu_us", "CPU µs/delivery", lambda v: f"{v:.3g}" if v else ""),
    ("spread", "lowest to highest", str),
    ("against", "× raw", str),
    ("rate", "deliveries/s", lambda v: f"{v:,.0f}" if v else ""),
    ("per_core", "per core and s", lambda v: f"{v:,.0f}" if v else ""),
    ("p50_us", "p50 ms", lambda v: f"{v / 1000:.2f}" if v else ""),
    ("p99_us", "p99 ms", lambda v: f"{v / 1000:.2f}" if v else ""),
    ("bytes", "bytes/connection", lambda v: f"{v:,.0f}" if v else ""),
    ("reads", "Redis reads", str),
    ("ranges", "distinct ranges", str),
]


def complete(rows):
    """Adds what follows from the other figures."""
    raw = rows.get("raw", {}).get("cpu_us")
    for row in rows.values():
        cost = row["cpu_us"]
        row["per_core"] = 1e6 / cost if cost else None
        if cost and row["rounds"] > 1:
            row["spread"] = (f"{row['cpu_us_min']:.3g} to "
                             f"{row['cpu_us_max']:.3g}")
        if raw and cost:
            row["against"] = f"{cost / raw:.2f}"
    return rows


def table(rows, columns):
    used = [c for c in COLUMNS if c[0] in columns
            and any(row.get(c[0]) for row in rows.values())]
    lines = ["| | " + " | ".join(c[1] for c in used) + " |",
             "| --- |" + " ---: |" * len(used)]
    for name, row in rows.items():
        cells = [c[2](row[c[0]]) if row.get(c[0]) else "" for c in used]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


MEMORY = {"D", "hold"}
TRAFFIC_COLUMNS = {"cpu_us", "spread", "against", "rate", "per_core",
                   "p50_us", "p99_us", "reads", "ranges"}


def markdown(results):
    machine = results["machine"]
    lines = ["# Results", "", f"`{results['command']}`, "
             f"{machine['date']}, medians of {results['rounds']}.", ""]
    lines += [f"- {key.replace('_', ' ')}: {value}"
              for key, value in machine.items() if value is not None]
    lines += ["", "The server has core 0 for itself; client, producer and "
              "Redis share core 1. Every event arrived once and in order on "
              "every connection, or the run does not count. The relay judges "
              "each event (mode enforce); the others judge nothing."]
    for name, scenario in results["scenarios"].items():
        columns = {"bytes"} if name in MEMORY else TRAFFIC_COLUMNS
        lines += ["", f"## {name}: {scenario['title']}", ""]
        lines += table(scenario["rows"], columns)
        lines += [f"\n{who}: left out, {why}."
                  for who, why in scenario["skipped"].items()]
    return "\n".join(lines) + "\n"


def write(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (folder / "results.md").write_text(markdown(results))
