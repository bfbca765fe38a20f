# SPDX-License-Identifier: MIT
"""What the rounds of a scenario come to. Pure: numbers in, numbers out. A
round is a dictionary of figures, a figure a number or None."""

import statistics


def of_run(result):
    """The numbers of a run of `relayctl bench` that tables and plots show."""
    latency = result["latency_us"] or {}
    server = result["server"] or {}
    return {
        "cpu_us": server.get("cpu_us_per_delivery") or None,
        "core": server.get("core"),
        "rate": result["deliveries_per_second"] or None,
        "p50_us": latency.get("p50"),
        "p99_us": latency.get("p99"),
        "p999_us": latency.get("p999"),
        "max_us": latency.get("max"),
        "bytes": server.get("held_bytes_per_connection"),
        "client_us": result["client"]["cpu_us_per_delivery"] or None,
        "client_core": result["client"]["core"],
        "connections": result["opened"],
        "deliveries": result["delivered"],
    }


def medians(rounds):
    """{row: [round, …]} -> {row: figures}: of each figure the median, with
    the lowest and highest CPU cost and p99."""
    result = {}
    for name, values in rounds.items():
        row = {"rounds": len(values)}
        for figure in dict.fromkeys(key for v in values for key in v):
            numbers = [v[figure] for v in values
                       if v.get(figure) is not None]
            row[figure] = statistics.median(numbers) if numbers else None
            if numbers and figure in ("cpu_us", "p99_us"):
                row[f"{figure}_min"] = min(numbers)
                row[f"{figure}_max"] = max(numbers)
        result[name] = row
    return result


def columns(rounds):
    """{row: {figure: [of each round]}}, to be kept beside the medians."""
    return {name: {figure: [v.get(figure) for v in values]
                   for figure in dict.fromkeys(k for v in values for k in v)}
            for name, values in rounds.items()}


def complete(rows):
    """Adds what follows from the other figures."""
    raw = rows.get("raw", {}).get("cpu_us")
    for row in rows.values():
        cost = row.get("cpu_us")
        row["per_core"] = 1e6 / cost if cost else None
        row["against_raw"] = cost / raw if raw and cost else None
    return rows


# --- latencies by slices of time, as relayctl bench --slices tells them ---

def merged(told, intervals):
    """{longest ns of the cell: count} over all slices that lie in one of the
    intervals [(from us, to us), …] or touch it: of the events that were made
    then."""
    cells = {}
    width = told["slice_us"]
    for index, slice_ in enumerate(told["slices"]):
        start = told["began_us"] + index * width
        if not any(start < end and start + width > begin
                   for begin, end in intervals):
            continue
        for ns, count in zip(slice_[::2], slice_[1::2]):
            cells[ns] = cells.get(ns, 0) + count
    return cells


def quantile_us(cells, share):
    """What the share of all did not exceed, in µs; None when there are none."""
    wanted = share * sum(cells.values())
    seen = 0
    for ns in sorted(cells):
        seen += cells[ns]
        if seen >= wanted:
            return ns / 1000
    return None
