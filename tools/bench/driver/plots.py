# SPDX-License-Identifier: MIT
"""The plots, as SVG and PNG. Each is made of what the results hold."""

import os
import tempfile

os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
import matplotlib  # noqa: E402

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "relay"  # the same file for the same data
import matplotlib.pyplot as pyplot  # noqa: E402

COLORS = {"relay": "#1668b8", "raw": "#9a9a9a", "nchan": "#4c9a57",
          "ws": "#d98a2b", "socket.io": "#b5493b"}


def color(name):
    return COLORS.get(name, "#1668b8")


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.png", dpi=110)
    pyplot.close(figure)


def bars(axes, rows, figure, title, unit, log=False):
    rows = {n: r for n, r in rows.items() if r.get(figure)}
    values = [row[figure] for row in rows.values()]
    drawn = axes.barh(list(rows), values, color=[color(n) for n in rows])
    axes.bar_label(drawn, [f"{v:,.3g}" if v < 1000 else f"{v:,.0f}"
                           for v in values], padding=3, fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(unit, fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    if log:
        axes.set_xscale("log")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def per_core(scenarios, folder):
    shown = [n for n in ("A1", "A64", "B") if n in scenarios]
    if not shown:
        return
    figure, all_axes = pyplot.subplots(
        1, len(shown), figsize=(4.2 * len(shown), 2.6), squeeze=False)
    for axes, name in zip(all_axes[0], shown):
        bars(axes, scenarios[name]["rows"], "per_core",
             f"{name}: {scenarios[name]['title']}".replace(
                 "subscriber", "sub."), "deliveries per core and second")
    save(figure, folder, "deliveries-per-core")


def against_coalescing(scenarios, folder):
    bursts = [b for b in (1, 16, 64) if f"A{b}" in scenarios]
    if len(bursts) < 2:
        return
    figure, axes = pyplot.subplots(figsize=(5, 3.4))
    for name in scenarios[f"A{bursts[0]}"]["rows"]:
        costs = [scenarios[f"A{b}"]["rows"].get(name, {}).get("cpu_us")
                 for b in bursts]
        axes.plot(bursts, costs, "o-", label=name, color=color(name))
    axes.set(xscale="log", yscale="log", xticks=bursts,
             xlabel="events in a burst", ylabel="CPU µs a delivery")
    axes.set_xticklabels(bursts)
    axes.legend(fontsize=8)
    save(figure, folder, "cpu-against-coalescing")


def latencies(scenarios, folder):
    shown = [n for n in ("B", "C", "E") if n in scenarios]
    if not shown:
        return
    figure, all_axes = pyplot.subplots(
        1, len(shown), figsize=(4 * len(shown), 3), squeeze=False)
    for axes, name in zip(all_axes[0], shown):
        rows = scenarios[name]["rows"]
        places = range(len(rows))
        for offset, quantile in ((-0.2, "p50_us"), (0.2, "p99_us")):
            axes.bar([p + offset for p in places],
                     [r[quantile] / 1000 for r in rows.values()], 0.38,
                     color=[color(n) for n in rows],
                     alpha=0.55 if offset < 0 else 1)
        axes.set_xticks(list(places), list(rows), fontsize=7)
        axes.set_yscale("log")
        axes.set_ylabel("ms (pale p50, full p99)", fontsize=8)
        axes.set_title(f"{name}: latency", fontsize=10)
    save(figure, folder, "latency")


def memory(scenarios, folder):
    if "D" not in scenarios:
        return
    figure, axes = pyplot.subplots(figsize=(5, 2.6))
    bars(axes, scenarios["D"]["rows"], "bytes", "D: idle connections",
         "bytes a connection (proportional, user space)", log=True)
    save(figure, folder, "memory")


def sweeps(scenarios, folder):
    rows = scenarios.get("sweep", {}).get("rows", {})
    kinds = [("streams", "streams, 1,000 subscribers or more"),
             ("subscribers", "subscribers of one stream")]
    if not rows:
        return
    figure, all_axes = pyplot.subplots(1, 3, figsize=(11, 3))
    for axes, (kind, label) in zip(all_axes, kinds):
        points = sorted((int(n.split()[0]), r["cpu_us"])
                        for n, r in rows.items() if n.endswith(kind))
        axes.plot(*zip(*points), "o-", color=COLORS["relay"])
        axes.set(xscale="log", xlabel=label, ylabel="CPU µs a delivery",
                 ylim=(0, None))
    if "workers" in scenarios:
        bars(all_axes[2], scenarios["workers"]["rows"], "cpu_us", "workers",
             "CPU µs a delivery")
    else:
        all_axes[2].axis("off")
    save(figure, folder, "cost-against-size")


def draw(folder, results):
    for plot in (per_core, against_coalescing, latencies, memory, sweeps):
        plot(results["scenarios"], folder)
