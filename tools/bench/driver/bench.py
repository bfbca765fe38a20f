# SPDX-License-Identifier: MIT
"""One scenario being measured: its Redis, its systems, its rounds."""

import resource

import client
import figures
import systems
from systems import Missing

DESCRIPTORS_KEPT = 2000  # for Redis, files and what a system needs itself


def turned(items, number):
    return list(items) if number % 2 == 0 else list(reversed(items))


class Bench:
    """folder: temporary; names: of the systems that are compared; quick: as
    little of everything as makes sense; long: as long as is promised."""

    def __init__(self, folder, redis, names, rounds, quick=False, long=False,
                 say=print):
        self.folder = folder
        self.redis = redis
        self.names = names
        self.rounds = rounds
        self.quick = quick
        self.long = long
        self.say = say
        self.skipped = {}
        self.failed = 0
        self.counted = 0

    def kinds(self):
        return [systems.ALL[name] for name in self.names]

    def amount(self, events):
        """Of events, in one run."""
        return max(events // 4, 64) if self.quick else events

    def subscribers(self, wanted):
        """The client and the server hold one descriptor for each."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if wanted > limit - DESCRIPTORS_KEPT:
            self.skipped[f"{wanted:,} connections"] = (
                f"{limit - DESCRIPTORS_KEPT:,} instead, the limit of "
                f"descriptors (RLIMIT_NOFILE) is {limit:,}")
        return min(wanted, limit - DESCRIPTORS_KEPT)

    def started(self, kinds, streams):
        """Those of the kinds that can run here."""
        running = []
        for kind in kinds:
            try:
                running.append(kind(self.folder, self.redis, streams))
            except Missing as reason:
                self.skipped[kind.name] = str(reason)
        return running

    def in_turn(self, streams, options, kinds=None, events=None, fresh=False):
        """Every system once a round, in turn, every other round from the last
        to the first: {name: [figures]}, in the order of kinds. `events` may
        be fewer for a system that is slow. `fresh`: a new process for each
        run."""
        kinds = self.kinds() if kinds is None else kinds
        rounds = {kind.name: [] for kind in kinds}
        running = [] if fresh else self.started(kinds, streams)
        try:
            for number in range(self.rounds):
                for each in (self.each_fresh(turned(kinds, number), streams)
                             if fresh else turned(running, number)):
                    self.one(each, options, events, rounds)
        finally:
            for each in running:
                each.stop()
        return {name: values for name, values in rounds.items() if values}

    def each_fresh(self, kinds, streams):
        for kind in kinds:
            for each in self.started([kind], streams):
                try:
                    yield each
                finally:
                    each.stop()

    def one(self, system, options, events, rounds):
        if events is not None:
            count = min(events, system.events_max or events)
            options = [*options, "--events", count]
        with self.attempt(system.name):
            result = client.measure(system, *options)
            rounds[system.name].append(figures.of_run(result))

    def attempt(self, name):
        return Attempt(self, name)


class Attempt:
    """A run that may fail: then it does not count, and it is told."""

    def __init__(self, bench, name):
        self.bench = bench
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, reason, trace):
        if kind is None:
            self.bench.counted += 1
            return False
        if not issubclass(kind, client.Failed):
            return False
        self.bench.failed += 1
        self.bench.skipped[f"{self.name} (a run)"] = str(reason)
        self.bench.say(f"    {self.name}: does not count: {reason}",
                       flush=True)
        return True
