# SPDX-License-Identifier: MIT
"""Sentences that outside programs rely on and no other scene looks at: names
of metrics, what each listener knows, odd cursors, records of requests, Redis by
TCP with a password, the end of the private Redis."""

import contextlib
import json
import os
import random
import re
import signal
import urllib.request

import pytest
import redis

from harness import (CHAT, EVENTS, Publisher, RedisServer, bound, closed_with,
                     completed, connect, dumps, events_key, receive_json,
                     receive_type, run, until, wait_for)

METRICS = {
    "relay_events_read_total": set(),
    "relay_events_delivered_total": {"endpoint", "mode"},
    "relay_events_refused_total": {"reason"},
    "relay_commands_total": {"outcome"},
    "relay_clients": {"endpoint"},
    "relay_gaps_total": {"reason"},
    "relay_blocks_bytes": set(),
    "relay_behind_clients": set(),
    "relay_redis_reconnects_total": {"reason"},
    "relay_delivery_seconds_count": set(),
    "relay_contract_violations_total": {"endpoint", "direction", "type",
                                        "rule"},
}


def message(number, session="s"):
    return dumps({"type": "message", "content": f"m{number}",
                  "session_id": session})


def numbered(store, *numbers):
    """Entries with ids that a test can name: 1000-0 and so on."""
    for number in numbers:
        store.xadd(events_key("s"), {"event": dumps(completed(number))},
                   id=f"{number}-0")


async def replayed(relay, **query):
    """Gaps and cursors up to relay.live."""
    async with connect(relay.ws(EVENTS, session_id="s", **query)) as ws:
        await receive_type(ws, "relay.hello")
        gaps, cursors = [], []
        while True:
            frame = await receive_json(ws)
            if frame["type"] == "relay.live":
                assert frame["replayed"] == len(cursors)
                return gaps, cursors, frame["cursor"]
            if frame["type"] == "relay.gap":
                gaps.append((frame["reason"], frame["after"],
                             frame["through"], frame["resumes_at"]))
            else:
                cursors.append(frame["cursor"])


def test_the_metrics_that_dashboards_know(relay, store):
    store.xadd(events_key("s"), {"event": '{"type": "nope"}'})
    run(replayed(relay, after="0-0"))
    found = {}
    for name in wait_for(relay.metrics, what="metrics"):
        labels = set(re.findall(r'([a-z]+)="', name))
        found[name.split("{")[0]] = labels
    assert {n: found.get(n) for n in METRICS} == METRICS
    for name in found:
        assert re.fullmatch(r"relay_[a-z0-9_]+", name), name


def test_openmetrics_when_it_is_asked_for(relay):
    request = urllib.request.Request(
        f"http://{relay.admin}/metrics",
        headers={"Accept": "application/openmetrics-text"})
    with urllib.request.urlopen(request) as answer:
        kind, text = answer.headers["Content-Type"], answer.read().decode()
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("\n# EOF\n")
    assert "# TYPE relay_events_read counter\n" in text


@pytest.mark.parametrize("admin", [False, True])
def test_each_listener_knows_its_own_paths(relay, admin):
    public_only = {CHAT, EVENTS, "/api/v1/auth/ws-ticket"}
    admin_only = {"/metrics", "/api/v1/runtime/status",
                  "/api/v1/contract/drift"}
    known = {"/health", "/ready"} | (admin_only if admin else public_only)
    foreign = public_only if admin else admin_only
    for path in (*foreign, "/", "/health/", "/console", "/api/v1/contract",
                 "/api/v1/contract/asyncapi.json",
                 "/api/v1/sessions/s/events"):
        code, headers, body = relay.get(path, admin=admin)
        assert (code, headers["Content-Type"]) == (404, "application/json")
        assert set(json.loads(body)["paths"]) == known, path


@pytest.mark.parametrize("query,gaps,cursors", [
    ({"after": "0-0"}, [("trimmed", "0-0", "1002-max", "1003-0")], 3),
    ({"after": "1-0"}, [("trimmed", "1-0", "1002-max", "1003-0")], 3),
    ({"after": "1002-0"}, [("trimmed", "1002-0", "1002-max", "1003-0")], 3),
    ({"after": "1003-0"}, [], 2),
    ({"after": "1005-0"}, [], 0),
    ({"after": "01003-00"}, [], 2),
    ({"after": "1005-1"}, [("rewound", "1005-1", "0-0", "1003-0"),
                           ("trimmed", "0-0", "1002-max", "1003-0")], 3),
    ({"after": "18446744073709551615-18446744073709551615"},
     [("rewound", "max-max", "0-0", "1003-0"),
      ("trimmed", "0-0", "1002-max", "1003-0")], 3),
    ({"since": "0"}, [("trimmed", "0-0", "1002-max", "1003-0")], 3),
    ({"since": "1001"}, [("trimmed", "1000-max", "1002-max", "1003-0")], 3),
    ({"since": "1003"}, [], 3),
    ({"since": "1004"}, [], 2),
    ({"since": "9223372036854775807"}, [], 0),
    ({}, [], 0),
])
def test_each_start_in_a_trimmed_stream(relay, store, query, gaps, cursors):
    numbered(store, *range(1000, 1006))
    store.xtrim(events_key("s"), maxlen=3, approximate=False)
    greatest = str(2**64 - 1)
    expected = [tuple(part.replace("max", greatest) for part in gap)
                for gap in gaps]
    got = run(replayed(relay, **query))
    assert got == (expected, [f"{n}-0" for n in
                              range(1006 - cursors, 1006)], "1005-0")


def test_a_client_without_notices_goes_on_from_the_tail(relay, store):
    numbered(store, 1000, 1001)

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s", after="2000-0"),
                           notices=False) as ws:
            wait_for(lambda: relay.status()["sessions"]["followed"] == 1)
            wait_for(lambda: relay.status()["gaps"]["rewound"] == 1)
            numbered(store, 3000)
            assert (await receive_json(ws))["cursor"] == "3000-0"
    run(scene())


def test_entries_of_another_view_move_the_cursor(relay, store):
    event = {"type": "command_result", "command": "x", "result": {}}

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            pipe = store.pipeline(transaction=False)
            for _ in range(1000):
                pipe.xadd(events_key("s"), {"event": dumps(event)})
            ids = [entry.decode() for entry in pipe.execute()]
            frame = await receive_json(ws)
            assert frame["type"] == "relay.cursor" and frame["cursor"] in ids
    run(scene())


def test_a_session_remembers_sixteen_requests(relay, store):
    async def scene():
        async with connect(relay.ws(CHAT)) as first:
            for number in range(20):
                await first.send(message(number))
                await receive_type(first, "relay.ack")
            async with connect(relay.ws(CHAT)) as other:
                for number, is_known in ((19, True), (4, True), (3, False)):
                    await other.send(message(number))
                    ack = await receive_type(other, "relay.ack")
                    assert ack["deduplicated"] is is_known, number
    run(scene())
    assert store.hlen("relay:dedup:{relay:commands}:default/anonymous/s") == 16


def test_a_request_is_remembered_as_long_as_its_owner_is_there(
        start_relay, redis_server, store):
    relay = start_relay(redis_server, "--dedup-seconds", "1")
    record = "relay:dedup:{relay:commands}:default/anonymous/s"

    async def ask():
        ws = await connect(relay.ws(CHAT))
        await ws.send(message(1))
        return ws, (await receive_type(ws, "relay.ack"))["deduplicated"]

    async def until_renewed():
        """The time to live falls; renewed, it has risen."""
        lowest = store.pttl(record)

        def has_risen():
            nonlocal lowest
            left = store.pttl(record)
            lowest = min(lowest, left)
            return left > lowest
        await until(has_risen, what="renewal")

    async def scene():
        owner, is_known = await ask()
        assert not is_known
        for _ in range(4):  # more than a second in all
            await until_renewed()
        other, is_known = await ask()
        assert is_known
        await owner.close()
        await until_renewed()
        await other.close()
        await until(lambda: not store.exists(record), what="the end of it")
        last, is_known = await ask()
        assert not is_known
        await last.close()
    run(scene())


def test_at_most_ten_violations_are_named(relay):
    async def scene():
        async with connect(relay.ws(CHAT), notices=False) as ws:
            await ws.send(dumps({"type": "cancel", "session_id": "s",
                                 **{f"k{n}": n for n in range(20)}}))
            error = await receive_json(ws)
            assert len(error["details"]["violations"]) == 10
    run(scene())


def test_the_trace_of_the_handshake_is_that_of_its_commands(relay, store):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def scene(number, text):
        async with connect(relay.ws(CHAT),
                           headers={"traceparent": text}) as ws:
            await ws.send(message(number))
            await bound(ws)
    run(scene(1, trace))
    run(scene(2, "nonsense"))
    given, made = [fields[b"traceparent"].decode() for _, fields in
                   store.xrange("relay:commands")]
    assert given == trace
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", made), made


def test_sigint_drains_like_sigterm(start_relay, redis_server):
    relay = start_relay(redis_server)

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            relay.process.send_signal(signal.SIGINT)
            drain = await receive_type(ws, "relay.drain")
            assert drain["cursor"] == "0-0" and drain["retry_after_ms"] > 0
            assert await closed_with(ws) == (1012, "")
    run(scene())
    assert relay.process.wait(30) == 0


def redis_by_tcp(folder):
    """A server and its port, which is none of those that the kernel gives to
    connections: other tests open them by the thousand."""
    for port in random.sample(range(20000, 30000), 20):
        with contextlib.suppress(AssertionError):
            return RedisServer(folder, "--port", str(port), "--bind",
                               "127.0.0.1"), port
    raise AssertionError("no port could be had")


def test_redis_by_tcp_with_a_password_and_a_database(start_relay, tmp_path):
    server, port = redis_by_tcp(tmp_path / "tcp")
    try:
        with server.client() as client:
            client.config_set("requirepass", "s3cr3t/@x")
        relay = start_relay(f"redis://:s3cr3t%2F%40x@127.0.0.1:{port}/3")
        wait_for(lambda: relay.get("/ready")[0] == 200, 20, "/ready")
        assert relay.ports["redis"] == f"redis://127.0.0.1:{port}/3"
        with server.client(db=3, password="s3cr3t/@x") as store:
            entry = Publisher(store).publish("s", 1)
            got = run(replayed(relay, after="0-0"))
            assert got == ([], [entry], entry)
        for said in (relay.logged(), str(relay.ports), str(relay.status()),
                     open(f"/proc/{relay.pid}/cmdline").read()):
            assert "s3cr3t" not in said
        relay.stop()
    finally:
        server.stop()


def test_a_private_redis_that_dies_is_started_again(start_relay):
    relay = start_relay(None)
    path = relay.ports["redis"].removeprefix("unix:")

    def server():
        try:
            with redis.Redis(unix_socket_path=path) as client:
                return client.info("server")["process_id"]
        except redis.exceptions.RedisError:
            return None

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            first = wait_for(server)
            os.kill(first, signal.SIGKILL)
            await receive_type(ws, "relay.degraded")
            await receive_type(ws, "relay.recovered")
            assert wait_for(server) != first
            with redis.Redis(unix_socket_path=path) as client:
                entry = Publisher(client).publish("s", 1)
            frame = await receive_json(ws)
            assert frame["cursor"] == entry
    run(scene())
    assert relay.stop() == 0
    assert server() is None
