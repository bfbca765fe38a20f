# SPDX-License-Identifier: MIT
"""The plots, as SVG and PNG, made of what the results hold. 800 points wide on
a solid white ground, so that they are legible in a README, dark or light;
colours that the colour-blind tell apart, and marks besides."""

import os
import tempfile

os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import (  # noqa: E402
    FuncFormatter, MaxNLocator, NullFormatter)

# The palette of Okabe and Ito.
COLORS = {"relay": "#0072B2", "raw": "#5f5f5f", "raw, no Redis": "#a6a6a6",
          "raw, a key each": "#858585", "raw, 1 ms pause": "#b5b5b5",
          "nchan": "#009E73", "ws": "#E69F00", "socket.io": "#D55E00"}
# What lies on top of each other is told apart by its line.
LINES = {"raw": (0, (4, 2)), "raw, no Redis": (0, (1, 1.5))}
MARKS = {"relay": "o", "raw": "s", "raw, no Redis": "D", "nchan": "^",
         "ws": "v", "socket.io": "X"}
# Figure, mark, its size, label.
PERCENTILES = [("p50_us", "o", 6.5, "p50"), ("p99_us", "s", 6.5, "p99"),
               ("p999_us", "|", 9.5, "p99.9")]
WIDTH = 8  # inches
PNG_DPI = 150

matplotlib.rcParams.update({
    "svg.hashsalt": "relay",  # the same file for the same data
    "font.size": 10, "axes.titlesize": 11, "axes.labelsize": 10,
    "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#444444", "axes.axisbelow": True,
    "grid.color": "#dddddd", "text.color": "#111111",
    "figure.facecolor": "white", "axes.facecolor": "white",
    "savefig.facecolor": "white", "legend.frameon": False,
})


def color(name):
    return COLORS.get(name, COLORS["relay"])


def plain(value):
    """1.2 k, 3.4 M: what an axis has room for."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None},
                   bbox_inches="tight", pad_inches=0.15)
    figure.savefig(folder / f"{name}.png", dpi=PNG_DPI,
                   bbox_inches="tight", pad_inches=0.15)
    pyplot.close(figure)


def bars(axes, rows, figure, title, unit, form=plain):
    """Longest first to read: the rows as they come, from the top."""
    rows = {n: r for n, r in rows.items() if r.get(figure)}
    values = [row[figure] for row in rows.values()]
    drawn = axes.barh(list(rows), values, height=0.7,
                      color=[color(n) for n in rows])
    axes.bar_label(drawn, [form(v) for v in values], padding=4, fontsize=9)
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.invert_yaxis()
    axes.set_xlim(0, max(values, default=1) * 1.22)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: plain(v)))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(axis="y", length=0)


def grid_of(count, columns, height):
    """Axes for `count` panels; what is left over is not shown."""
    lines = -(-count // columns)
    figure, axes = pyplot.subplots(lines, min(columns, count), squeeze=False,
                                   figsize=(WIDTH, height * lines))
    flat = list(axes.flat)
    for unused in flat[count:]:
        unused.set_visible(False)
    return figure, flat


def per_core(scenarios, folder):
    titles = {"A1": "1 stream, 1,000 subscribers",
              "A64": "the same, bursts of 64",
              "B": "1,000 streams, 1 subscriber",
              "E": "100 streams, 10 subscribers"}
    shown = [n for n in titles if n in scenarios]
    if not shown:
        return
    figure, panels = grid_of(len(shown), 2, 2.5)
    for axes, name in zip(panels, shown):
        rows = {n: r for n, r in scenarios[name]["rows"].items()
                if n != "raw, no Redis"}
        bars(axes, rows, "per_core", titles[name],
             "deliveries per core and second")
    save(figure, folder, "deliveries-per-core")


def label_points(axes, places, values):
    for place, value in zip(places, values):
        if value:
            axes.annotate(f"{value:.3g}", (place, value), (8, 8),
                          textcoords="offset points", fontsize=9,
                          color=COLORS["relay"], weight="bold")


def against_coalescing(scenarios, folder):
    bursts = [b for b in (1, 16, 64) if f"A{b}" in scenarios]
    if len(bursts) < 2:
        return
    figure, axes = pyplot.subplots(figsize=(WIDTH, 4.5))
    for name in scenarios[f"A{bursts[0]}"]["rows"]:
        costs = [scenarios[f"A{b}"]["rows"].get(name, {}).get("cpu_us")
                 for b in bursts]
        is_floor = name in LINES
        axes.plot(bursts, costs, marker=MARKS.get(name, "o"), label=name,
                  color=color(name), linestyle=LINES.get(name, "-"),
                  linewidth=3 if is_floor else 2,
                  markersize=11 if is_floor else 7,
                  markerfacecolor="none" if is_floor else color(name),
                  markeredgewidth=1.5, zorder=1 if is_floor else 2)
        if name == "relay":
            label_points(axes, bursts, costs)
    axes.set(xscale="log", yscale="log", xticks=bursts,
             xlabel="events in a burst (1 stream, 1,000 subscribers)",
             ylabel="CPU µs a delivery")
    axes.set_title("CPU per delivery against coalescing")
    axes.set_xticklabels(bursts)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    save(figure, folder, "cpu-against-coalescing")


def latencies(scenarios, folder):
    titles = {"B": "B: 1,000 streams\n20,000 events/s",
              "C": "C: 10,000 subscribers\n5 events/s",
              "E": "E: 100 streams × 10\n10,000 events/s"}
    shown = [n for n in titles if n in scenarios]
    if not shown:
        return
    figure, panels = grid_of(len(shown), 3, 3.2)
    for axes, name in zip(panels, shown):
        percentiles(axes, scenarios[name]["rows"], titles[name])
    for axes in panels[1:len(shown)]:
        axes.set_yticklabels([])
    marks = [Line2D([], [], marker=mark, linestyle="", markersize=size,
                    color="#444444", label=label)
             for _, mark, size, label in PERCENTILES]
    figure.legend(handles=marks, ncol=3, loc="upper center",
                  bbox_to_anchor=(0.5, 0.02))
    save(figure, folder, "latency")


def duration(ms, _):
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"


def percentiles(axes, rows, title):
    rows = {n: r for n, r in rows.items() if r.get("p99_us")}
    names = list(rows)
    for place, (name, row) in enumerate(rows.items()):
        ends = [row["p50_us"] / 1000,
                (row.get("p999_us") or row["p99_us"]) / 1000]
        axes.plot(ends, [place, place], color=color(name), linewidth=2,
                  zorder=1)
    for figure, mark, size, _ in PERCENTILES:
        axes.scatter([(r.get(figure) or r["p99_us"]) / 1000
                      for r in rows.values()],
                     range(len(rows)), marker=mark, s=size * size, zorder=2,
                     color=[color(n) for n in rows])
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(duration))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("from publishing to arrival")
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)


def memory(scenarios, folder):
    if "D" not in scenarios:
        return
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3))
    bars(axes, scenarios["D"]["rows"], "bytes",
         "Memory of an idle connection",
         "bytes a connection (proportional, user space; 10,000 of them)",
         lambda v: f"{v:,.0f}")
    save(figure, folder, "memory")


def line(axes, rows, kind, label):
    points = sorted((int(n.split()[0].replace(",", "")), r["cpu_us"])
                    for n, r in rows.items()
                    if n.endswith(kind) and r.get("cpu_us"))
    if points:
        axes.plot(*zip(*points), "o-", color=COLORS["relay"], linewidth=2)
        axes.set_ylim(0, max(cost for _, cost in points) * 1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axes.set_title(label)
    axes.set_xlabel(kind)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(axis="y")


def sizes(scenarios, folder):
    swept = scenarios.get("sweep", {}).get("rows", {})
    workers = scenarios.get("workers", {}).get("rows", {})
    if not swept and not workers:
        return
    figure, panels = grid_of(3 if workers else 2, 3, 3)
    line(panels[0], swept, "streams", "Streams, 10,000 events/s")
    line(panels[1], swept, "subscribers", "Subscribers of 1 stream")
    panels[0].set_ylabel("CPU µs a delivery")
    if workers:
        rows = {name.split(", ")[1].split()[0]: row
                for name, row in workers.items()}
        drawn = panels[2].bar(list(rows),
                              [r["cpu_us"] for r in rows.values()],
                              color=COLORS["relay"], width=0.5)
        panels[2].bar_label(drawn, [f"{r['cpu_us']:.3g}"
                                    for r in rows.values()], padding=2)
        panels[2].set_title("Workers")
        panels[2].set_xlabel("workers (not pinned)")
        panels[2].margins(y=0.15)
        panels[2].grid(axis="y")
    save(figure, folder, "cost-against-size")


def draw(folder, scenarios):
    for plot in (per_core, against_coalescing, latencies, memory, sizes):
        plot(scenarios, folder)
