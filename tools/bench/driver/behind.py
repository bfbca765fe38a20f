# SPDX-License-Identifier: MIT
"""Clients that are behind: how fast they catch up, what that does to those
who are not, and how often Redis is read for them."""

import contextlib
import time

import client
import figures
import systems

EVENT_FRAME_BYTES = 430  # 400 of event, the cursor, the header
WINDOW_BYTES = 256 * 1024
RATE = 50  # events/s to each of the live ones
BEFORE_SECONDS = 4
MEANWHILE_SECONDS = 16  # one after another catches up
LAST_SECONDS = 6  # nobody begins to so shortly before the end
# From the last subscription to the first event: probes, then half a second.
SETTLE_SECONDS = 1.5
WARM_US = 500000  # the first events of a run are left out


def catch_up(bench):
    """One after another, subscribers that are 100,000 events behind, while a
    thousand others get 50 events/s. What those others see is told for events
    made before and for those made while one was catching up."""
    rounds = {}
    for relay in bench.started([systems.Relay], 1):
        try:
            for _ in range(bench.rounds):
                with bench.attempt("catching up"):
                    one_round(bench, relay, rounds)
        finally:
            relay.stop()
    return rounds


def one_round(bench, relay, rounds):
    seconds = BEFORE_SECONDS + (12 if bench.quick else MEANWHILE_SECONDS)
    frames = relay.frames()
    live = client.start(relay, "--subscribers", 1000, "--rate", RATE,
                        "--events", RATE * seconds, "--slices", 10)
    try:
        behinds, since_us = run_behinds(
            relay, live, 20000 if bench.quick else 100000,
            seconds - BEFORE_SECONDS)
        beside = client.finish(live)
    finally:
        client.stop(live)
    check_counts(relay, frames, [beside, *behinds])
    add(rounds, beside, behinds, since_us)


def run_behinds(relay, live, events, seconds):
    """As many, one after another, as there is time for; and since when."""
    while relay.metrics().get("relay_subscriptions") != 1000:
        if live.poll() is not None:
            raise client.Failed("the live clients ended at once")
        time.sleep(0.05)
    time.sleep(SETTLE_SECONDS + BEFORE_SECONDS)
    since_us = time.monotonic_ns() // 1000
    last_us = since_us + (seconds - LAST_SECONDS) * 1000000
    behinds = []
    while time.monotonic_ns() // 1000 < last_us:
        behinds.append(client.finish(client.start(
            relay, "--subscribers", 1, "--prefill", events, "--events", 0)))
    return behinds, since_us


def check_counts(relay, frames, results):
    arrived = sum(r["delivered"] + r["probes"] for r in results)
    counted = relay.frames() - frames
    if counted != arrived:
        raise client.Failed(f"the relay counts {counted} frames as sent, "
                            f"{arrived} arrived")


def span_us(result):
    return (result["began_us"],
            result["began_us"] + round(result["seconds"] * 1e6))


def add(rounds, beside, behinds, since_us):
    begin, end = span_us(beside)
    meanwhile = [span_us(b) for b in behinds]
    if any(done > end for _, done in meanwhile):
        raise client.Failed("catching up outlasted the live clients")
    if not meanwhile or since_us <= begin + WARM_US:
        raise client.Failed("nobody caught up while the live clients were "
                            "served: too slow a machine")
    told = beside["latency_slices"]
    for name, spans in (("1,000 live, before",
                         [(begin + WARM_US, since_us)]),
                        ("1,000 live, meanwhile", meanwhile)):
        cells = figures.merged(told, spans)
        rounds.setdefault(name, []).append({
            "p50_us": figures.quantile_us(cells, 0.5),
            "p99_us": figures.quantile_us(cells, 0.99),
            "max_us": max(cells, default=0) / 1000,
            "deliveries": sum(cells.values())})
    for result in behinds:
        rounds.setdefault("one behind", []).append({
            "rate": result["deliveries_per_second"],
            "client_core": result["client"]["core"],
            "deliveries": result["delivered"]})


def herd(bench):
    """2,000 clients come back at once; ranges of 20 streams are read."""
    rounds = {}
    ranges = 20 * -(-1000 * EVENT_FRAME_BYTES // WINDOW_BYTES)
    for relay in bench.started([systems.Relay], 20):
        with contextlib.closing(Stopping(relay)):
            for _ in range(bench.rounds):
                with bench.attempt("herd"):
                    before = bench.redis.calls("xread", "xrange")
                    result = client.measure(
                        relay, "--subscribers", 2000, "--streams", 20,
                        "--prefill", 1000, "--events", 0,
                        "--connecting", 2000)
                    reads = bench.redis.calls("xread", "xrange") - before
                    rounds.setdefault("relay", []).append(
                        figures.of_run(result)
                        | {"reads": reads, "ranges": ranges,
                           "seconds": result["seconds"]})
    return rounds


class Stopping:
    def __init__(self, system):
        self.close = system.stop
