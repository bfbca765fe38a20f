# SPDX-License-Identifier: MIT
"""One over each limit: exactly the answer that the README names, and a witness
on the same relay notices nothing. And memory that runs out: nobody new comes
in, nobody is dropped."""

import asyncio
import json
import os
import pathlib
import signal
import socket

import pytest

from checker import assert_six_zeros
from harness import (CHAT, SLOW, Publisher, Subscriber, closed_with, connect,
                     dumps, events_key, is_sanitized, receive_json,
                     receive_type, run, step, until, wait_for)
from heads import GOOD, request, status_of


# What a sanitizer itself takes and keeps is no measure of anything.
sane_memory = pytest.mark.skipif(
    is_sanitized(),
    reason="a sanitizer is built in")


class Witness:
    """Follows a session of its own and must go on undisturbed."""

    def __init__(self, relay, store):
        self.subscriber = Subscriber(relay, "witness")
        self.publisher = Publisher(store)
        self.count = 0

    async def __aenter__(self):
        await self.subscriber.connect()
        await self.sees_news()
        return self

    async def sees_news(self):
        self.publisher.publish("witness", self.count)
        self.count += 1
        await self.subscriber.read_until(
            lambda log: len(log.got) == self.count, 10)

    async def __aexit__(self, kind, *_):
        if kind is None:
            await self.sees_news()
            assert self.subscriber.connects == 1
        await self.subscriber.socket.close()


def limited(start_relay, redis_server, *arguments, **limits):
    workers = limits.pop("workers", 1)
    flags = [f"--limits-{k.replace('_', '-')}={v}" for k, v in limits.items()]
    return start_relay(redis_server, *arguments, *flags, workers=workers)


def message(size=10, depth=1, session="s", number=0):
    frame = {"type": "message", "content": "x" * size + str(number),
             "session_id": session}
    text = dumps(frame)
    if depth > 1:
        text = text[:-1] + ',"extra":' + "[" * (depth - 1) + \
            "]" * (depth - 1) + "}"
    return text


async def chat(relay):
    ws = await connect(relay.ws(CHAT))
    await receive_type(ws, "relay.hello")
    return ws


async def error_code(ws):
    while True:
        frame = await receive_json(ws)
        if frame["type"] == "error":
            return frame["code"]


# --- frames ---

def test_a_frame_over_its_bytes_is_1009(start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, frame_bytes=1024)

    async def scene():
        async with Witness(relay, store):
            ws = await chat(relay)
            fits = message(1024 - len(message(0)))
            assert len(fits) == 1024
            await ws.send(fits)
            await receive_type(ws, "relay.ack")
            await ws.send(fits + " ")
            assert await closed_with(ws) == (1009, "")
    run(scene())


def test_a_frame_over_its_depth_is_too_deep(start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, frame_depth=4)

    async def scene():
        async with Witness(relay, store):
            ws = await chat(relay)
            await ws.send(message(depth=4))
            assert await error_code(ws) == "invalid_payload"
            await ws.send(message(depth=5))
            assert await error_code(ws) == "too_deep"
            await ws.send(message())
            await receive_type(ws, "relay.ack")
            await ws.close()
    run(scene())


def test_a_message_in_too_many_fragments_is_1008(
        start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, fragments=4)

    async def scene():
        async with Witness(relay, store):
            ws = await chat(relay)
            text = message(40)
            await ws.send([text[:10], text[10:20], text[20:]])  # and its end
            await receive_type(ws, "relay.ack")
            await ws.send([text[:10], text[10:20], text[20:30], text[30:]])
            assert await closed_with(ws) == (1008, "")
    run(scene())


def test_frames_over_the_rate_are_rate_limited(
        start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, frames_per_second=1,
                    frames_burst=3)

    async def scene():
        async with Witness(relay, store):
            ws = await chat(relay)
            for number in range(4):
                await ws.send(message(number=number))
            kinds = [await answer(ws) for _ in range(4)]
            assert kinds.count("relay.ack") == 3
            assert kinds.count("rate_limited") == 1
            await asyncio.sleep(1.2)
            await ws.send(message(number=5))
            assert await answer(ws) == "relay.ack"
            await ws.close()
    run(scene())


async def bound_to(relay, session):
    """A chat whose session is read already: its next frame is stored at once."""
    ws = await chat(relay)
    await ws.send(message(session=session, number="first"))
    assert await answer(ws) == "relay.ack"
    return ws


async def answer(ws):
    while True:
        frame = await receive_json(ws)
        if frame["type"] in ("relay.ack", "error"):
            return frame.get("code", frame["type"])


@pytest.mark.parametrize("limit", [
    {"commands": 1}, {"commands_bytes": 1048576}])
def test_commands_over_those_in_flight_are_overloaded(
        start_relay, redis_server, store, limit):
    relay = limited(start_relay, redis_server, "--commands-timeout-ms=20000",
                    pong_ms=60000, **limit)
    size = 600000 if "commands_bytes" in limit else 10

    async def scene():
        ws = await bound_to(relay, "s")
        other = await bound_to(relay, "t")
        async with Witness(relay, store):
            redis_server.freeze()
            await ws.send(message(size))
            await asyncio.sleep(0.2)
            await other.send(message(size, session="t"))
            assert await answer(other) == "overloaded"
            redis_server.thaw()
            assert await answer(ws) == "relay.ack"
            await other.send(message(size, session="t", number=1))
            assert await answer(other) == "relay.ack"
        await ws.close()
        await other.close()
    run(scene())


def test_who_has_eight_frames_unanswered_is_not_read(
        start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, "--commands-timeout-ms=20000",
                    pong_ms=60000, unanswered=8)

    async def scene():
        ws = await bound_to(relay, "s")
        redis_server.freeze()
        for number in range(20):
            await ws.send(message(number=number))
        await asyncio.sleep(0.3)
        # The ninth was not even looked at: what is wrong is not answered.
        await ws.send("nonsense")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.5)
        redis_server.thaw()
        answers = [await answer(ws) for _ in range(21)]
        assert sorted(answers) == ["invalid_json"] + ["relay.ack"] * 20
        await ws.close()
    run(scene())


# --- events ---

@pytest.mark.parametrize("limit,good,bad,code", [
    ({"event_bytes": 2048}, {"pad": 500}, {"pad": 2048}, "too_large"),
    ({"event_depth": 4}, {}, {"deep": 9}, "too_deep")])
def test_events_over_their_limits_are_dead_letters(
        start_relay, redis_server, store, limit, good, bad, code):
    relay = limited(start_relay, redis_server, **limit)

    def event(pad=0, deep=0):
        text = dumps(step(1, "s", pad))
        return text[:-1] + ',"x":' + "[" * deep + "]" * deep + "}" \
            if deep else text

    async def scene():
        async with Witness(relay, store):
            subscriber = await Subscriber(relay, "s").connect()
            for text in (event(**good), event(**bad), event(**good)):
                store.xadd(events_key("s"), {"event": text})
            await subscriber.read_until(lambda log: len(log.got) == 2)
            assert [g["reason"] for g in subscriber.log.gaps] == \
                ["dead_lettered"]
            await subscriber.socket.close()
    run(scene())
    letters = wait_for(lambda: store.xrange("relay:dead-letters"))
    assert [fields[b"code"].decode() for _, fields in letters] == [code]


# --- connections ---

def dial(relay):
    host, port = relay.address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), 5 * SLOW)
    peer.settimeout(5 * SLOW)
    return peer


def ask(relay, data=request()):
    """The answer of one more, which then hangs up."""
    with dial(relay) as peer:
        peer.sendall(data)
        return peer.recv(65536)


@pytest.mark.parametrize("limit,status", [
    ({"connections_per_address": 4}, 429), ({"connections": 4}, 503)])
def test_one_connection_too_many_is_told_so(
        start_relay, redis_server, store, limit, status):
    relay = limited(start_relay, redis_server, workers=2, **limit)

    async def scene():
        async with Witness(relay, store):
            others = [await chat(relay) for _ in range(3)]
            for _ in range(6):  # whatever worker it comes to
                text = ask(relay)
                head, body = text.split(b"\r\n\r\n", 1)
                assert status_of(text) == status
                assert b"\r\nRetry-After: 1" in head
                assert json.loads(body)["error"] == "too_many_connections"
            assert relay.get("/health", admin=False)[0] == 200
            for ws in others:
                await (await ws.ping())
            await others.pop().close()
            await until(lambda: status_of(ask(relay)) == 101)
            for _ in range(12):  # who has left takes no place
                await until(lambda: status_of(ask(relay)) == 101)
            for ws in others:
                await ws.close()
    run(scene())


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_a_crowd_that_comes_at_once_is_counted_exactly(
        start_relay, redis_server, limit):
    relay = limited(start_relay, redis_server, workers=4, **{limit: 10})
    peers = [dial(relay) for _ in range(60)]
    for peer in peers:
        peer.sendall(request())
    answers = [status_of(peer.recv(65536)) for peer in peers]
    over = 503 if limit == "connections" else 429
    assert sorted(set(answers)) == [101, over]
    assert answers.count(101) == 10
    for peer in peers:
        peer.close()


def test_a_head_over_its_bytes_is_431(start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, handshake_bytes=1024)

    def head(size):
        fill = size - len(request(headers=GOOD + "X: \r\n"))
        data = request(headers=GOOD + "X: " + "a" * fill + "\r\n")
        assert len(data) == size
        return data

    async def scene():
        async with Witness(relay, store):
            assert status_of(ask(relay, head(1024))) == 101
            assert status_of(ask(relay, head(1025))) == 431
    run(scene())
    roomy = limited(start_relay, redis_server, handshake_bytes=65536)
    assert status_of(ask(roomy, head(30000))) == 101
    assert status_of(ask(roomy, head(65536))) == 101


def test_a_head_over_its_time_is_closed_and_counted(
        start_relay, redis_server, store):
    relay = limited(start_relay, redis_server, handshake_ms=300)

    async def scene():
        async with Witness(relay, store):
            with dial(relay) as peer:
                peer.sendall(request()[:-1])
                assert peer.recv(100) == b""
    run(scene())
    assert relay.metric('relay_connections_total{outcome="timeout"}') == 1


# --- memory ---

LAVISH = 64 << 20  # ten times as much as the scene below would ever fill


def hangup(relay):
    before = relay.logged().count('"action":"reloaded"')
    relay.process.send_signal(signal.SIGHUP)
    wait_for(lambda: relay.logged().count('"action":"reloaded"') > before)


def level_of(relay):
    lines = [json.loads(l)["action"] for l in relay.logged().splitlines()
             if '"action":"memory_' in l]
    return lines[-1] if lines else "memory_fine"


@sane_memory
def test_when_memory_runs_out_nobody_new_comes_in_and_nobody_is_dropped(
        start_relay, redis_server, store, tmp_path):
    file = tmp_path / "relay.json"

    def limit(share):
        """So much of it is in use now."""
        used = relay.metric("relay_memory_used_bytes") or relay.rss_bytes()
        file.write_text(json.dumps({"limits": {
            "total_bytes": LAVISH, "client_bytes": LAVISH,
            "memory_bytes": int(used / share) if share else 0}}))
        hangup(relay)

    file.write_text("{}")
    relay = start_relay(redis_server, "--config", file)
    wait_for(lambda: relay.metric("relay_memory_used_bytes") > 0)
    publisher = Publisher(store)

    async def scene():
        async with Witness(relay, store) as witness:
            slow = await Subscriber(relay, "s").connect()
            await slow.read_until(lambda log: len(log.notices) == 2)
            limit(0.885)
            await until(lambda: level_of(relay) != "memory_fine")
            text = ask(relay)
            assert status_of(text) == 503 and b"Retry-After: 1" in text
            assert relay.get("/health", admin=False)[0] == 200
            await witness.sees_news()
            limit(0.97)
            await until(lambda: level_of(relay) == "memory_dire")
            assert status_of(ask(relay)) == 503
            # Who lags goes to Redis, long before it would by the limits of
            # better days; still nothing is lost.
            assert relay.metric("relay_behind_total") == 0
            publisher.publish_many("s", range(2000), pad=3000)
            await until(lambda: relay.metric("relay_behind_total") > 0)
            await witness.sees_news()
            await slow.read_until(lambda log: len(log.got) == 2000)
            limit(0)
            await until(lambda: level_of(relay) == "memory_fine")
            assert status_of(ask(relay)) == 101
            assert slow.connects == 1
            await slow.socket.close()
            return [slow.log, witness.subscriber.log]
    logs = run(scene())
    assert_six_zeros(store, publisher, logs[:1])


def own_group():
    """A control group of version 1 or 2 to make others in, or None."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            folder = pathlib.Path("/sys/fs/cgroup/memory" + path)
            names = "memory.limit_in_bytes"
        elif controllers == "":
            folder = pathlib.Path("/sys/fs/cgroup" + path)
            names = "memory.max"
        else:
            continue
        if (folder / names).exists() and os.access(folder, os.W_OK):
            return folder, names
    return None


@sane_memory
@pytest.mark.skipif(own_group() is None, reason="no control group to use")
def test_the_limit_of_the_control_group_counts(
        start_relay, redis_server, store):
    folder, limit = own_group()
    group = folder / f"relay-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("no control group can be made")
    relay = None
    try:
        relay = start_relay(redis_server, wrapper=[
            "sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"])
        wait_for(lambda: relay.metric("relay_memory_used_bytes") > 0)

        def squeezed():
            """The kernel may take file pages away to keep within it."""
            used = relay.metric("relay_memory_used_bytes")
            (group / limit).write_text(str(int(used / 0.9)))
            return level_of(relay) != "memory_fine"

        async def scene():
            async with Witness(relay, store) as witness:
                (group / limit).write_text(str(64 << 20))
                await until(lambda: relay.metric(
                    "relay_memory_limit_bytes") == 64 << 20)
                await until(squeezed)
                assert status_of(ask(relay)) == 503
                await witness.sees_news()
                (group / limit).write_text("-1" if "in_bytes" in limit
                                           else "max")
                await until(lambda: level_of(relay) == "memory_fine")
                assert status_of(ask(relay)) == 101
        run(scene())
        assert relay.stop() == 0
    finally:
        if relay and relay.process.poll() is None:
            relay.kill()
        group.rmdir()
