# SPDX-License-Identifier: MIT
"""relayctl bench: verifies what a relay delivers, and tells when a server
loses, doubles or refuses something."""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from harness import (BUILD, EVENTS, ROOT, connect, dumps, events_key,
                     receive_event, receive_type, run, wait_for)

sys.path.insert(0, str(ROOT / "tools" / "bench" / "driver"))

import client  # noqa: E402
import scenarios  # noqa: E402
import systems  # noqa: E402

STAMP = re.compile(rb"bench=(\d{8})")


def bench(*arguments, **options):
    done = subprocess.run(
        [BUILD / "relayctl", "bench", "--json", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, **options)
    return done.returncode, json.loads(done.stdout)


def test_all_events_of_a_relay_are_verified(start_relay, redis_server):
    relay = start_relay(redis_server, "--mode", "enforce")
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 50,
                         "--streams", 10, "--events", 2000, "--burst", 4)
    result = answer["result"]
    assert code == 0 and answer["ok"], answer
    assert result["delivered"] == result["expected"] == 10000
    assert result["missing"] == result["repeated"] == 0
    latency = result["latency_us"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert result["server"]["pss_bytes"] > 0
    # It takes its streams away again.
    with redis_server.client() as client:
        assert not client.keys("relay:events:*")


def test_what_was_there_before_is_caught_up_with(start_relay, redis_server):
    relay = start_relay(redis_server)
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 20,
                         "--streams", 4, "--prefill", 500, "--events", 400,
                         "--rate", 4000)
    assert code == 0, answer
    assert answer["result"]["delivered"] == 20 * 500 + 5 * 400


def test_compressed_events_are_verified(start_relay, redis_server):
    relay = start_relay(redis_server, "--mode", "enforce", "--deflate")
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 40,
                         "--events", 200, "--deflate")
    assert code == 0, answer
    result = answer["result"]
    assert result["delivered"] == result["expected"] == 8000
    assert result["compressed"] >= 8000
    # What all subscribers get is the same, byte by byte.
    assert 200 <= result["inflated"] < 1000


def test_a_relay_without_compression_is_not_taken_for_one_with(
        start_relay, redis_server):
    relay = start_relay(redis_server)
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 1,
                         "--events", 10, "--deflate")
    assert code == 4
    assert "no permessage-deflate" in answer["error"]["message"]


def test_latencies_are_told_over_time(start_relay, redis_server):
    relay = start_relay(redis_server)
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 5,
                         "--events", 40, "--rate", 100, "--slices", 50)
    assert code == 0, answer
    result = answer["result"]
    told = result["latency_slices"]
    assert told["slice_us"] == 50000
    counts = [sum(cells[1::2]) for cells in told["slices"]]
    assert sum(counts) == 200
    assert sum(1 for count in counts if count) >= 5
    assert abs(told["began_us"] - result["began_us"]) < 1000000
    slowest = max(cells[-2] for cells in told["slices"] if cells)
    assert slowest / 1000 >= result["latency_us"]["max"] - 1
    assert result["client"]["cpu_us"] > 0


def test_streams_may_lie_idle_before_their_first_event(
        start_relay, redis_server):
    relay = start_relay(redis_server)
    began = time.monotonic()
    code, answer = bench("--port-file", relay.port_file, "--subscribers", 20,
                         "--streams", 20, "--events", 20, "--idle", 2)
    assert code == 0, answer
    assert answer["result"]["delivered"] == 20
    assert time.monotonic() - began >= 2
    assert answer["result"]["seconds"] < 2


class FakeServer(threading.Thread):
    """One WebSocket client, and a Redis that passes each XADD on to it as a
    frame; `edit` may change the list of frames, by number."""

    def __init__(self, edit):
        super().__init__(daemon=True)
        self.edit = edit
        self.web = socket.create_server(("127.0.0.1", 0))
        self.redis = socket.create_server(("127.0.0.1", 0))
        self.arguments = (
            "--url", "ws://127.0.0.1:%d/x" % self.web.getsockname()[1],
            "--redis", "redis://127.0.0.1:%d" % self.redis.getsockname()[1],
            "--subscribers", 1, "--events", 20, "--stall", 1)
        self.start()

    def run(self):
        producer, _ = self.redis.accept()
        client, _ = self.web.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        self.commands = producer.makefile("rb")
        with contextlib.suppress(ConnectionResetError):
            while line := self.commands.readline():
                words = [self.read_bulk() for _ in range(int(line[1:]))]
                self.answer(producer, client, words[-1])

    def read_bulk(self):
        length = int(self.commands.readline()[1:])
        return self.commands.read(length + 2)[:-2]

    def answer(self, producer, client, text):
        stamp = STAMP.search(text)
        if not stamp:
            return producer.sendall(b"+OK\r\n")
        for frame in self.edit(int(stamp.group(1)), text):
            client.sendall(struct.pack(">BBH", 0x81, 126, len(frame)) + frame)
        producer.sendall(b"$3\r\n1-0\r\n")


def test_a_server_that_sends_all_is_fine():
    code, answer = bench(*FakeServer(lambda _, text: [text]).arguments)
    assert code == 0, answer
    assert answer["result"]["delivered"] == 20


def test_the_contract_really_judges_the_events(start_relay, redis_server,
                                               store):
    texts = []
    bench(*FakeServer(lambda _, text: texts.append(text) or [text]).arguments)
    good = json.loads(texts[-1])

    def spoilt():
        for name in good:
            yield name, good | {name: False}
        for name in good["step"]:
            yield f"step.{name}", good | {"step": good["step"]
                                          | {name: False}}
    relay = start_relay(redis_server, "--mode", "enforce")

    async def scene():
        passed = []
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            for name, event in (("as it is", good), *spoilt()):
                store.xadd(events_key("s"), {"event": dumps(event)})
                store.xadd(events_key("s"), {"event": dumps(good | {
                    "sequence": 99})})
                while json.loads(await receive_event(ws))["sequence"] != 99:
                    passed.append(name)
        return passed
    # Any value may be in these two.
    assert run(scene()) == ["as it is", "step.input", "step.output"]


def test_streams_are_left_alone_while_they_are_idle():
    numbers = []
    server = FakeServer(lambda n, text: numbers.append(n) or [text])
    code, answer = bench(*server.arguments, "--idle", 2)
    assert code == 0, answer
    # Probes bear no number; a second may be out before the first is back.
    assert 1 <= numbers.count(0) <= 2
    assert answer["result"]["delivered"] == 20


def test_a_server_that_loses_an_event_is_found_out():
    server = FakeServer(lambda n, text: [] if n == 7 else [text])
    code, answer = bench(*server.arguments, "--window", 4)
    assert code == 1 and answer["error"]["code"] == "incomplete"
    assert answer["result"]["missing"] == 1
    assert answer["result"]["delivered"] == 19


def test_a_server_that_loses_the_last_event_is_found_out():
    server = FakeServer(lambda n, text: [] if n == 20 else [text])
    code, answer = bench(*server.arguments)
    assert code == 1
    assert answer["error"]["message"] == "nothing came any more"


def test_a_server_that_doubles_the_last_event_is_found_out():
    server = FakeServer(lambda n, text: [text] * (2 if n == 20 else 1))
    code, answer = bench(*server.arguments)
    assert code == 1
    assert answer["result"]["repeated"] == 1


def test_a_server_that_mixes_up_streams_is_found_out():
    def edit(number, text):
        # The stream stands behind number and time.
        at = text.index(b"bench=") + 6 + 8 + 16
        return [text[:at] + b"%08d" % (number == 7) + text[at + 8:]]
    code, answer = bench(*FakeServer(edit).arguments, "--window", 4)
    assert code == 1 and answer["error"]["code"] == "incomplete"
    assert answer["result"]["strayed"] == 1
    assert answer["result"]["delivered"] == 19


class Planner:
    """Takes down what a scenario asks of relayctl bench."""

    quick, long = True, False

    def kinds(self):
        return list(systems.ALL.values())

    def amount(self, events):
        return events

    def subscribers(self, wanted):
        return wanted

    def in_turn(self, streams, options, kinds=None, **_):
        self.options = dict(zip(options[::2], options[1::2]))
        self.measured = kinds or self.kinds()
        return {}


@pytest.mark.parametrize("scenario", ["many_streams", "mixed"])
def test_the_relay_stands_beside_a_raw_server_that_pauses_as_it_may(
        scenario, redis_server, tmp_path):
    planner = Planner()
    getattr(scenarios, scenario)(planner)
    pausing = [kind for kind in planner.measured
               if kind.name == "raw, 1 ms pause"]
    assert len(pausing) == 1 and systems.Raw in planner.measured
    redis_server.run = lambda *_: None
    raw = pausing[0](tmp_path, redis_server, 1)
    try:
        code, answer = bench(*raw.client, "--subscribers", 1, "--events",
                             2000, "--rate", 5000)
    finally:
        raw.stop()
    assert code == 0, answer
    # What comes at some time in the pause waits for its end.
    assert answer["result"]["latency_us"]["p90"] > 700


@pytest.mark.parametrize("scenario", ["idle", "hold"])
def test_a_connection_that_is_forgotten_does_not_pass_for_an_idle_one(
        scenario):
    planner = Planner()
    getattr(scenarios, scenario)(planner)
    for edit, code in ((lambda n, text: [text], 0),
                       (lambda n, text: [], 1),
                       (lambda n, text: [text] if n == 0 else [], 1)):
        few = planner.options | {"--subscribers": 1, "--streams": 1,
                                 "--stall": 1}
        done, answer = bench(*FakeServer(edit).arguments,
                             *sum(few.items(), ()))
        assert done == code, answer


def test_an_event_counts_in_the_slice_in_which_it_was_made():
    kept = []

    def hold_up(number, text):
        kept.append(text)
        if 5 <= number <= 12:
            return []
        arrived, kept[:] = kept[:], []
        return arrived
    code, answer = bench(*FakeServer(hold_up).arguments, "--rate", 20,
                         "--slices", 50)
    assert code == 0, answer
    told = answer["result"]["latency_slices"]
    counts = [sum(cells[1::2]) for cells in told["slices"]]
    # Nine came at once: what held them up did so for as long as it lasted.
    assert sum(counts) == 20 and max(counts) <= 3, counts


def test_a_server_that_is_not_there_is_unreachable():
    code, answer = bench("--url", "ws://127.0.0.1:1/x", "--no-publish",
                         "--subscribers", 1)
    assert code == 4 and "refused" in answer["error"]["message"]
    code, answer = bench("--url", "ws://127.0.0.1:1/x", "--redis",
                         "unix:/nonexistent", "--subscribers", 1)
    assert code == 4 and answer["error"]["code"] == "unreachable"


def test_wrong_options_are_told():
    for wrong in (["--streams", "5", "--subscribers", "4"], ["--burst", "x"],
                  ["--pid", "x"], ["--field", "x"], ["--bytes", "1"]):
        code, answer = bench("--url", "ws://h/x", "--no-publish", *wrong)
        assert code == 2 and answer["error"]["code"] == "usage", wrong
    code, _ = bench(env={k: v for k, v in os.environ.items()
                         if k != "RELAY_REDIS"})
    assert code == 2


@contextlib.contextmanager
def raw_server(*mode):
    """Of four streams: its process, and the URL of a stream."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([BUILD / "raw_server", str(port), "4", *mode])
    try:
        wait_for(lambda: is_open(port))
        yield server, f"ws://127.0.0.1:{port}/?stream={{n}}"
    finally:
        server.kill()
        server.wait()


def test_the_raw_server_makes_events_itself():
    with raw_server("inside", "20", "4000", "10") as (server, url):
        code, answer = bench(
            "--url", url, "--no-publish", "--pid", server.pid,
            "--subscribers", 20, "--streams", 4, "--events", 4000,
            "--burst", 10)
    assert code == 0, answer
    result = answer["result"]
    assert result["delivered"] == result["expected"] == 5 * 4000
    # It waits a while before the first event, which is no part of the figure.
    assert result["seconds"] < 1.4
    assert result["client"]["cpu_us_per_delivery"] > 0


def test_the_raw_server_reads_a_key_for_each_stream(redis_server):
    with raw_server("keys", redis_server.socket, "raw:") as (_, url):
        code, answer = bench(
            "--url", url, "--redis", redis_server.url, "--key", "raw:{n}",
            "--field", "event={event}", "--subscribers", 8, "--streams", 4,
            "--rate", 20000, "--events", 8000)
    assert code == 0, answer
    result = answer["result"]
    assert result["delivered"] == result["expected"] == 2 * 8000


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_streams_are_followed_without_sockets(redis_server):
    done = subprocess.run(
        [BUILD / "bench_follow", "--redis", redis_server.url, "--streams",
         "500", "--active", "50", "--events", "1000", "--rate", "5000",
         "--idle", "1", "--redis-pid", str(redis_server.process.pid)],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wakeup"] == "tracking"
    assert told["delivered"] == told["expected"] == 1000
    assert told["missing"] == told["repeated"] == 0
    assert told["cpu_us_per_event"] > 0 and told["p99_us"] > 0
    assert 0 < told["idle_core"] < 1


def test_what_is_followed_otherwise_than_by_tracking_does_not_count(
        redis_server, monkeypatch):
    monkeypatch.setattr(systems, "BUILD", BUILD)

    class Quick:
        quick = True

        def amount(self, events):
            return 200
    quick = Quick()
    quick.redis = redis_server
    redis_server.run = lambda *_: None
    ran = subprocess.run

    def fallen_back(*arguments, **options):
        done = ran(*arguments, **options)
        done.stdout = done.stdout.replace("tracking", "polling")
        return done
    monkeypatch.setattr(subprocess, "run", fallen_back)
    with pytest.raises(client.Failed, match="polling"):
        scenarios.followed_inside(quick, 1000)


def test_wrong_options_of_the_follower_are_told():
    for wrong in ([], ["--redis", "unix:/x", "--streams", "x"],
                  ["--redis", "unix:/x", "--streams", "5", "--active", "6"],
                  ["--redis", "unix:/nonexistent", "--streams", "5"],
                  ["--redis", "unix:/x", "--what", "5"]):
        done = subprocess.run([BUILD / "bench_follow", *wrong],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, wrong
        assert "bench_follow: " in done.stderr
