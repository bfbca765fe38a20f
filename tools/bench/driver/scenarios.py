# SPDX-License-Identifier: MIT
"""What is measured. A scenario is a title and a function that measures:
(bench) -> {row: [figures of each round]}."""

import dataclasses
import json
import os
import subprocess
import typing

import behind
import systems
from bench import turned
from client import Failed
from machine import CLIENT_CORE, SERVER_CORE, pin
from systems import variant

# For very many connections.
PATIENT = ["--connecting", 64, "--stall", 60, "--limit", 5000]
SWEEP_SECONDS = 30  # the relay reads each followed stream again that often
HOLD_SECONDS = 600
REST_SECONDS = 6  # what an event needed has been given back by then
# One on each of 100 streams: who is forgotten is no idle subscriber.
PROOF = ["--streams", 100, "--events", 100, "--rate", 100]
IDLE_SECONDS = 3600


def fan_out(burst, events):
    """Each burst is published when the one before has arrived everywhere. The
    raw server without Redis besides: the limit of the machine, and where the
    bench's own client has its."""
    def measure(bench):
        count = bench.amount(events) // burst * burst
        options = ["--subscribers", 1000, "--burst", burst]
        inside = variant(systems.RawInside, "raw, no Redis", events=count,
                         burst=burst)
        rounds = bench.in_turn(1, options, events=count)
        if "raw" in bench.names:
            rounds |= bench.in_turn(1, options, [inside], count, fresh=True)
        return rounds
    return measure


def with_raw(bench, *more):
    """The systems that are compared, and behind the raw server, if it is one,
    others of its kind. The targets are held against the first."""
    kinds = bench.kinds()
    if systems.Raw in kinds:
        at = kinds.index(systems.Raw) + 1
        kinds[at:at] = more
    return kinds


def many_streams(bench):
    """The raw server from one Redis stream for all, and from one for each."""
    kinds = with_raw(bench, systems.RawPausing, systems.RawKeys)
    return bench.in_turn(1000, ["--subscribers", 1000, "--streams", 1000,
                                "--rate", 20000,
                                "--events", bench.amount(60000)], kinds)


def crowd(bench):
    return bench.in_turn(1, ["--subscribers", bench.subscribers(10000),
                             "--rate", 5, "--events",
                             5 if bench.quick else 25, *PATIENT])


def mixed(bench):
    return bench.in_turn(100, ["--subscribers", 1000, "--streams", 100,
                               "--rate", 10000,
                               "--events", bench.amount(30000)],
                         with_raw(bench, systems.RawPausing))


def idle(bench):
    """Subscribed: each has got an event before it lies idle."""
    return bench.in_turn(
        100, ["--subscribers", bench.subscribers(10000), *PROOF,
              "--hold", REST_SECONDS, *PATIENT],
        [*bench.kinds(), systems.RelayDeflate], fresh=True)


def hold(bench):
    """As many connections as the descriptors allow; no drop, and in the end
    an event that must arrive on every one."""
    seconds = HOLD_SECONDS if bench.long else 5 if bench.quick else 30
    rounds = bench.in_turn(
        100, ["--subscribers", bench.subscribers(100000), *PROOF,
              "--idle", seconds, *PATIENT],
        [systems.Relay], fresh=True)
    for row in rounds.get("relay", []):
        row["held_seconds"] = seconds
    return rounds


def deflate(bench):
    """The same relay with clients that negotiated compression and inflate
    what they get, and with clients that did not."""
    rounds = {}
    for burst, events in ((1, 1000), (16, 6400), (64, 12800)):
        kinds = [variant(kind, f"{way}, bursts of {burst}")
                 for kind, way in ((systems.Relay, "off"),
                                   (systems.RelayDeflate, "on"))]
        count = bench.amount(events) // burst * burst
        rounds |= bench.in_turn(1, ["--subscribers", 1000, "--burst", burst],
                                kinds, count)
    return rounds


def followed(bench):
    """Many followed streams, one in a hundred active, beside a thousand: with
    as many sockets as descriptors allow, and without sockets."""
    rounds = {}
    many = bench.subscribers(100000)
    active = many // 100
    for streams in (active * 5, many):
        kind = variant(systems.Relay, f"{streams:,} streams, sockets")
        rounds |= bench.in_turn(
            streams, ["--subscribers", streams, "--streams", streams,
                      "--active", active, "--rate", 10000,
                      "--idle", 3 if bench.quick else 10, *PATIENT],
            [kind], bench.amount(30000), fresh=True)
    for number in range(bench.rounds):
        for streams in turned((1000, 100000), number):
            with bench.attempt(f"{streams:,} streams"):
                rounds.setdefault(f"{streams:,} streams", []).append(
                    followed_inside(bench, streams))
    return rounds


def followed_inside(bench, streams):
    command = [systems.BUILD / "bench_follow", "--redis", bench.redis.url,
               "--redis-pid", bench.redis.process.pid, "--streams", streams,
               "--active", 1000, "--rate", 10000,
               "--events", bench.amount(30000),
               "--idle", 3 if bench.quick else 30]
    if os.cpu_count() > 1:
        command += ["--core", SERVER_CORE]
    done = subprocess.run(list(map(str, pin(command, CLIENT_CORE))),
                          capture_output=True, text=True, timeout=600)
    bench.redis.run("FLUSHALL")
    if done.returncode != 0:
        last = done.stderr.strip().split("\n")[-1]
        raise Failed(f"bench_follow: {last or done.stdout.strip()}")
    told = json.loads(done.stdout)
    if told["wakeup"] != "tracking":
        raise Failed(f"bench_follow: woken up by {told['wakeup']}")
    return {"cpu_us": told["cpu_us_per_event"], "p50_us": told["p50_us"],
            "p99_us": told["p99_us"], "max_us": told["max_us"],
            "deliveries": told["delivered"],
            "idle_core": told["idle_core"],
            "idle_redis_core": told["idle_redis_core"],
            "redis_us": told["redis_us_per_event"],
            "sweeps_per_s": told["idle_reads"] / told["idle_seconds"]}


def first(bench):
    """The first event on each of many streams that have been idle for longer
    than the sweep takes to read every one of them again: nothing else in the
    relay depends on how long a stream was idle."""
    seconds = (IDLE_SECONDS if bench.long else 3 if bench.quick
               else 3 * SWEEP_SECONDS // 2)
    streams = 1000 if bench.quick else 5000
    rounds = bench.in_turn(
        streams, ["--subscribers", streams, "--streams", streams, "--events",
                  streams, "--rate", 500, "--idle", seconds, *PATIENT],
        [systems.Relay], fresh=True)
    for row in rounds.get("relay", []):
        row["idle_seconds"] = seconds
    return rounds


def workers(bench):
    """Not pinned: with two cores the client has one of them half the time."""
    cores = os.cpu_count()
    kinds = [systems.RelayFree]
    for count in (2, 4, 8, 16):
        # From four on there must be cores for the client and Redis besides.
        if count > 2 and count + 2 > cores:
            bench.skipped[f"{count} workers"] = (
                f"there are {cores} cores, and client and Redis need two")
            continue
        kinds.append(variant(systems.RelayFree, f"relay, {count} workers",
                             workers=count))
    return bench.in_turn(1, ["--subscribers", 1000], kinds,
                         bench.amount(1000))


def sweep(bench):
    """The relay alone: the same events over more and more streams with one
    subscriber each; and one stream with more and more subscribers."""
    rounds = {}
    for streams in (10, 100, 1000, 5000, 15000):
        kind = variant(systems.Relay, f"{streams:,} streams")
        rounds |= bench.in_turn(
            streams, ["--subscribers", streams, "--streams", streams,
                      "--rate", 10000, "--idle", 3, *PATIENT], [kind],
            bench.amount(60000))
    for count in (10, 100, 1000, 10000):
        kind = variant(systems.Relay, f"{count:,} subscribers")
        rounds |= bench.in_turn(1, ["--subscribers", count, *PATIENT], [kind],
                                bench.amount(600000 // count))
    return rounds


@dataclasses.dataclass
class Scenario:
    title: str
    measure: typing.Callable
    minutes: float  # about, with all systems, on a quiet machine
    rounds: int = 5  # at most
    long_minutes: float = 0  # with --long, in one round; 0: no difference


ALL = {
    "A1": Scenario("1 stream, 1,000 subscribers, bursts of 1",
                   fan_out(1, 1000), 3),
    "A16": Scenario("1 stream, 1,000 subscribers, bursts of 16",
                    fan_out(16, 12800), 3),
    "A64": Scenario("1 stream, 1,000 subscribers, bursts of 64",
                    fan_out(64, 25600), 3),
    "B": Scenario("1,000 streams, 1 subscriber each, 20,000 events/s",
                  many_streams, 3),
    "C": Scenario("1 stream, 10,000 subscribers, 5 events/s", crowd, 5),
    "D": Scenario("10,000 idle connections", idle, 6),
    "E": Scenario("100 streams, 10 subscribers each, 10,000 events/s",
                  mixed, 3),
    "deflate": Scenario("1 stream, 1,000 subscribers, compression off and on",
                        deflate, 2),
    "followed": Scenario("followed streams, few of many active", followed,
                         11),
    "first": Scenario("first event on streams that were idle", first, 5,
                      long_minutes=62),
    "catchup": Scenario("one subscriber 100,000 events behind, 1,000 live",
                        behind.catch_up, 2),
    "herd": Scenario("2,000 clients resume 1,000 events each", behind.herd,
                     0.5),
    "workers": Scenario("1 stream, 1,000 subscribers, 1 and more workers",
                        workers, 1),
    "sweep": Scenario("cost against streams and subscribers", sweep, 7),
    "hold": Scenario("as many idle connections as descriptors allow", hold,
                     1, rounds=1, long_minutes=11),
}
GROUPS = {"A": ["A1", "A16", "A64"]}
