# SPDX-License-Identifier: MIT
"""What is measured. A scenario is a name, a sentence, and a function that
measures: (bench) -> {system: [figures of each round]}."""

import os
import resource
import statistics

import client
import systems
from systems import Missing

EVENT_FRAME_BYTES = 430  # 400 of event, the cursor, the header
WINDOW_BYTES = 256 * 1024
# For very many connections.
PATIENT = ["--connecting", 64, "--stall", 60, "--limit", 1800]


class Bench:
    """The Redis, the systems and the number of rounds of one invocation."""

    def __init__(self, folder, redis, names, rounds, long, say):
        self.folder = folder
        self.redis = redis
        self.names = names
        self.rounds = rounds
        self.long = long
        self.say = say
        self.skipped = {}

    def started(self, kinds, streams):
        """Those of the kinds that can run here."""
        running = []
        for kind in kinds:
            try:
                running.append(kind(self.folder, self.redis, streams))
            except Missing as reason:
                self.skipped[kind.name] = str(reason)
        return running

    def in_turn(self, streams, options, kinds=None, fresh=False):
        """Every system once a round, in the same order; the first of them
        warms up besides. `fresh`: a new process for each run."""
        kinds = kinds or [systems.ALL[name] for name in self.names]
        rounds = {}
        running = [] if fresh else self.started(kinds, streams)
        try:
            for _ in range(self.rounds):
                for each in (self.fresh(kinds, streams) if fresh
                             else running):
                    self.one(each, options, rounds)
        finally:
            for each in running:
                each.stop()
        return rounds

    def fresh(self, kinds, streams):
        for kind in kinds:
            for each in self.started([kind], streams):
                yield each
                each.stop()

    def one(self, system, options, rounds):
        try:
            result = client.figures(client.measure(system, *options))
        except client.Failed as reason:
            self.say(f"    {system.name}: does not count: {reason}")
            self.skipped[f"{system.name} (a run)"] = str(reason)
            return
        rounds.setdefault(system.name, []).append(result)


def fan_out(burst, events):
    def measure(bench):
        return bench.in_turn(1, ["--subscribers", 1000, "--events", events,
                                 "--burst", burst])
    return measure


def many_streams(bench):
    return bench.in_turn(1000, ["--subscribers", 1000, "--streams", 1000,
                                "--rate", 20000, "--events", 60000])


def crowd(bench):
    return bench.in_turn(1, ["--subscribers", subscribers(10000), "--rate", 5,
                             "--events", 15])


def mixed(bench):
    return bench.in_turn(100, ["--subscribers", 1000, "--streams", 100,
                               "--rate", 10000, "--events", 30000])


def idle(bench):
    return bench.in_turn(
        100, ["--subscribers", subscribers(10000), "--streams", 100,
              "--events", 0, "--hold", 1], fresh=True)


def hold(bench):
    """As many connections as the descriptors allow; no drop."""
    seconds = 600 if bench.long else 25
    return bench.in_turn(
        100, ["--subscribers", subscribers(100000), "--streams", 100,
              "--events", 0, "--hold", seconds, *PATIENT],
        [systems.Relay], fresh=True)


def subscribers(wanted):
    """The client and the server hold one descriptor for each, and the server
    keeps some back for Redis and files."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(wanted, limit - 2000)


def followed(bench):
    """Many followed streams, one in a hundred active, beside a thousand."""
    rounds = {}
    many = subscribers(100000)
    active = many // 100
    for streams in (1000, many):
        kind = type("Followed", (systems.Relay,),
                    {"name": f"{streams} streams"})
        rounds |= bench.in_turn(
            streams, ["--subscribers", streams, "--streams", streams,
                      "--active", min(active, streams), "--rate", 10000,
                      "--events", 30000, *PATIENT], [kind])
    return rounds


def catch_up(bench):
    """One subscriber far behind while a thousand live ones are served."""
    rounds = {}
    live = ["--subscribers", 1000, "--rate", 100, "--events"]
    relays = bench.started([systems.Relay], 1)
    for relay in relays:
        for _ in range(bench.rounds):
            alone = client.measure(relay, *live, 300)
            beside = client.start(relay, *live, 500)
            behind = client.measure(relay, "--subscribers", 1, "--prefill",
                                    100000, "--events", 0)
            beside = client.finish(beside)
            add(rounds, "catching up", behind)
            add(rounds, "1,000 live, alone", alone)
            add(rounds, "1,000 live, beside it", beside)
        relay.stop()
    return rounds


def add(rounds, name, result, **more):
    rounds.setdefault(name, []).append(client.figures(result) | more)


def herd(bench):
    """2,000 clients come back at once; ranges of 20 streams are read."""
    rounds = {}
    ranges = 20 * -(-1000 * EVENT_FRAME_BYTES // WINDOW_BYTES)
    for relay in bench.started([systems.Relay], 20):
        for _ in range(bench.rounds):
            before = bench.redis.calls("xread", "xrange")
            result = client.measure(
                relay, "--subscribers", 2000, "--streams", 20, "--prefill",
                1000, "--events", 0, "--connecting", 2000)
            reads = bench.redis.calls("xread", "xrange") - before
            add(rounds, "relay", result, reads=reads, ranges=ranges)
        relay.stop()
    return rounds


def workers(bench):
    """Not pinned: on two cores the client has one of them half the time."""
    kinds = [systems.RelayOneWorkerFree, systems.RelayTwoWorkers]
    options = ["--subscribers", 1000, "--events", 600]
    return bench.in_turn(1, options, kinds)


def sweep(bench):
    """The relay alone: cost against streams and subscribers."""
    rounds = {}
    for streams in (1, 10, 100, 1000, 5000):
        kind = type("Swept", (systems.Relay,), {"name": f"{streams} streams"})
        rounds |= bench.in_turn(
            streams, ["--subscribers", max(1000, streams), "--streams",
                      streams, "--rate", 2000, "--events", 4000], [kind])
    for count in (10, 100, 1000, 5000):
        kind = type("Swept", (systems.Relay,),
                    {"name": f"{count} subscribers"})
        rounds |= bench.in_turn(
            1, ["--subscribers", count, "--events", 200000 // count], [kind])
    return rounds


ALL = {
    "A1": ("1 stream, 1,000 subscribers, bursts of 1", fan_out(1, 1000)),
    "A16": ("1 stream, 1,000 subscribers, bursts of 16", fan_out(16, 12800)),
    "A64": ("1 stream, 1,000 subscribers, bursts of 64", fan_out(64, 25600)),
    "B": ("1,000 streams, 1 subscriber each, 20,000 events/s", many_streams),
    "C": ("1 stream, 10,000 subscribers, 5 events/s", crowd),
    "D": ("10,000 idle connections", idle),
    "E": ("100 streams, 10 subscribers each, 10,000 events/s", mixed),
    "hold": ("as many idle connections as descriptors allow", hold),
    "followed": ("followed streams, 1 % of many active", followed),
    "catchup": ("one subscriber 100,000 events behind", catch_up),
    "herd": ("2,000 clients resume 1,000 events each", herd),
    "workers": ("1 stream, 1,000 subscribers, 1 and 2 workers", workers),
    "sweep": ("cost against streams and subscribers", sweep),
}
GROUPS = {"A": ["A1", "A16", "A64"]}


def medians(rounds):
    """Of each figure, over the rounds; with the spread of the CPU time."""
    result = {}
    for name, values in rounds.items():
        row = {"rounds": len(values)}
        for figure in values[0]:
            numbers = [v[figure] for v in values if v[figure] is not None]
            row[figure] = statistics.median(numbers) if numbers else None
        costs = [v["cpu_us"] for v in values]
        row["cpu_us_min"], row["cpu_us_max"] = min(costs), max(costs)
        result[name] = row
    return result
