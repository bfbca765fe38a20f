# SPDX-License-Identifier: MIT
"""What a newcomer sees first: hello, live, events, refusals, plain HTTP."""

import asyncio
import json
import socket
import time

import pytest

from harness import (CHAT, EVENTS, Publisher, Subscriber, closed_with,
                     completed, connect, digest, dumps, events_key,
                     receive_event,
                     receive_json, receive_type, run, split_cursor, step,
                     until, wait_for)


def test_hello_then_live_then_events_in_order(relay, store):
    async def scene():
        subscriber = await Subscriber(relay, "s", start=None).connect()
        hello = await receive_json(subscriber.socket)
        assert hello["type"] == "relay.hello"
        assert hello["endpoint"] == "execution"
        assert hello["session_id"] == "s"
        assert hello["mode"] == "live"
        assert hello["oldest"] is None and hello["newest"] is None
        assert hello["contract"]["name"] == "fleet-rlm"
        assert hello["contract"]["version"] == "3"
        assert len(hello["contract"]["hash"]) == 64
        assert hello["ping_interval_ms"] == 20000
        live = await receive_json(subscriber.socket)
        assert live == {"type": "relay.live", "cursor": "0-0", "replayed": 0}
        publisher = Publisher(store)
        ids = [publisher.publish("s", n) for n in range(20)]
        await subscriber.read_until(lambda log: len(log.got) == 20)
        assert [cursor for cursor, _ in subscriber.log.got] == ids
    run(scene())


def test_hello_names_the_oldest_and_newest_entry(relay, store):
    ids = [Publisher(store).publish("s", n) for n in range(3)]

    async def scene():
        subscriber = await Subscriber(relay, "s", start=None).connect()
        hello = await receive_json(subscriber.socket)
        assert (hello["oldest"], hello["newest"]) == (ids[0], ids[2])
        live = await receive_json(subscriber.socket)
        assert live["cursor"] == ids[2]
    run(scene())


def test_without_the_sub_protocol_only_contract_frames_are_seen(relay, store):
    publisher = Publisher(store)
    publisher.publish("s", 0)

    async def scene():
        subscriber = Subscriber(relay, "s", start="0-0", notices=False)
        await subscriber.connect()
        await subscriber.read_until(lambda log: len(log.got) == 1)
        publisher.publish("s", 1)
        await subscriber.read_until(lambda log: len(log.got) == 2)
        assert subscriber.log.notices == []
    run(scene())


def test_after_and_since_choose_the_start(relay, store):
    publisher = Publisher(store)
    ids = [publisher.publish("s", n) for n in range(10)]

    async def read(query, count):
        async with connect(relay.ws(EVENTS, session_id="s", **query)) as ws:
            await receive_type(ws, "relay.hello")
            return [split_cursor(await ws.recv())[0] for _ in range(count)], \
                await receive_type(ws, "relay.live")

    async def scene():
        got, live = await read({"after": "0-0"}, 10)
        assert got == ids
        assert live == {"type": "relay.live", "cursor": ids[9], "replayed": 10}
        got, live = await read({"after": ids[6]}, 3)
        assert got == ids[7:] and live["replayed"] == 3
        got, live = await read({"after": ids[9]}, 0)
        assert live == {"type": "relay.live", "cursor": ids[9], "replayed": 0}
        since = int(ids[4].split("-")[0])
        expected = [i for i in ids if int(i.split("-")[0]) >= since]
        got, live = await read({"since": since}, len(expected))
        assert got == expected
        far = int(ids[9].split("-")[0]) + 10_000_000
        got, live = await read({"since": far}, 0)
        assert live["cursor"] == ids[9]
    run(scene())


@pytest.mark.parametrize("query,code", [
    ({"after": "x"}, "invalid_cursor"),
    ({"after": ""}, "invalid_cursor"),
    ({"after": "1"}, "invalid_cursor"),
    ({"after": "-1-0"}, "invalid_cursor"),
    ({"after": "1-"}, "invalid_cursor"),
    ({"after": "18446744073709551616-0"}, "invalid_cursor"),
    ({"after": "$"}, "invalid_cursor"),
    ({"after": "*"}, "invalid_cursor"),
    ({"since": "yesterday"}, "invalid_cursor"),
    ({"after": "1-0", "since": "5"}, "invalid_cursor"),
])
def test_a_bad_cursor_is_refused_by_code(relay, query, code):
    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s", **query)) as ws:
            frame = await receive_json(ws)
            assert (frame["type"], frame["code"]) == ("error", code)
            assert await closed_with(ws) == (1008, "")
    run(scene())


@pytest.mark.parametrize("session,code", [
    (None, "missing_session_id"), ("", "missing_session_id"),
    ("  ", "missing_session_id"), ("a" * 257, "invalid_session_id"),
    ("a\x07b", "invalid_session_id"), ("a\x00b", "invalid_session_id"),
])
def test_a_bad_session_id_is_refused_by_code(relay, session, code):
    query = {} if session is None else {"session_id": session}

    async def scene():
        async with connect(relay.ws(EVENTS, **query)) as ws:
            frame = await receive_json(ws)
            assert frame["code"] == code
            if code == "missing_session_id":
                assert frame["message"] == \
                    "Missing required query param: session_id"
            assert await closed_with(ws) == (1008, "")
    run(scene())


@pytest.mark.parametrize("session", [
    "a/b", "{x}", "a b", "s:1", "*?[]", "../..", "日本", "a" * 256, "%41"])
def test_strange_session_ids_are_kept_apart(relay, store, session):
    publisher = Publisher(store)
    publisher.publish(session, 1)
    publisher.publish("plain", 2)

    async def scene():
        subscriber = await Subscriber(relay, session, "0-0").connect()
        await subscriber.read_until(
            lambda log: any(n["type"] == "relay.live" for n in log.notices))
        assert len(subscriber.log.got) == 1
    run(scene())


def test_identity_in_the_query_is_refused_first(relay):
    async def scene():
        for path in (CHAT, EVENTS):
            for name in ("workspace_id", "user_id"):
                for value in ("x", ""):
                    url = relay.ws(path) + f"?{name}={value}&after=bad"
                    async with connect(url) as ws:
                        frame = await receive_json(ws)
                        assert frame == {
                            "type": "error",
                            "code": "unsupported_identity_query_params",
                            "message": "Execution stream identity is derived "
                            "from auth. Remove workspace_id/user_id query "
                            "params and use session_id only."}
                        assert await closed_with(ws) == (1008, "")
        async with connect(relay.ws(CHAT, session_id="s1")) as ws:
            frame = await receive_json(ws)
            assert frame["code"] == "execution_query_session_id_removed"
            assert EVENTS in frame["message"]
            assert await closed_with(ws) == (1008, "")
    run(scene())


def test_each_endpoint_sees_its_own_types(relay, store):
    event = {"type": "event", "data": {
        "kind": "status", "text": "Preparing Daytona workspace...",
        "payload": {"phase": "startup",
                    "runtime": {"runtime_mode": "daytona_pilot"}},
        "timestamp": "2026-05-30T12:00:00.100000+00:00", "version": 3,
        "event_id": "20260530120000100000"}}
    key = events_key("s")

    async def scene():
        chat = await connect(relay.ws(CHAT))
        hello = await receive_json(chat)
        assert hello["type"] == "relay.hello" and hello["session_id"] is None
        await chat.send(dumps({"type": "message", "content": "hi",
                               "session_id": "s"}))
        ack = await receive_type(chat, "relay.ack")
        assert ack["session_id"] == "s" and not ack["deduplicated"]
        watcher = await Subscriber(relay, "s", "0-0").connect()
        store.xadd(key, {"event": dumps(event)})
        store.xadd(key, {"event": dumps(step(1))})
        store.xadd(key, {"event": dumps(completed(2))})
        types = [json.loads(await receive_event(chat))["type"]
                 for _ in range(3)]
        assert types == ["event", "execution_step", "execution_completed"]
        await watcher.read_until(lambda log: len(log.got) == 2)
        await chat.close()
    run(scene())


def test_the_producers_bytes_are_untouched_behind_the_cursor(relay, store):
    texts = [
        dumps(step(1)),
        "  \n\t" + json.dumps(step(2), indent=3),
        dumps(step(3)).replace("token", "t\\u006fken"),
        dumps(step(4)).replace('"depth":0', '"depth":0.0e0'),
        dumps(step(5)) + " \n",
        dumps(dict(step(6), extra={"ü": "日本 \U0001f600", "n": 10**40})),
    ]
    key = events_key("s")

    async def scene():
        subscriber = await Subscriber(relay, "s", "0-0").connect()
        for text in texts:
            store.xadd(key, {"event": text})
        await subscriber.read_until(lambda log: len(log.got) == len(texts))
        assert [d for _, d in subscriber.log.got] == \
            [digest(text.lstrip()) for text in texts]
    run(scene())


def test_a_client_frame_on_the_read_only_endpoint_ends_it(relay, store):
    async def scene():
        for frame in ('{"type":"cancel"}', "not json"):
            ws = await connect(relay.ws(EVENTS, session_id="s"))
            await ws.send(frame)
            error = await receive_type(ws, "error")
            assert error["code"] == "passive_subscription_only"
            assert await closed_with(ws) == (1008, "")
        assert store.exists("relay:commands") == 0
    run(scene())


def test_frames_of_the_wrong_kind_close_with_their_code(start_relay,
                                                        redis_server):
    relay = start_relay(redis_server)

    async def one(payload, code):
        ws = await connect(relay.ws(CHAT))
        await receive_type(ws, "relay.hello")
        await ws.send(payload)
        assert (await closed_with(ws))[0] == code

    async def scene():
        await one(b"binary", 1003)
        await one("x" * (1024 * 1024 + 1), 1009)
        ws = await connect(relay.ws(CHAT))
        await receive_type(ws, "relay.hello")
        # A text frame, masked with zeros, whose two bytes are no UTF-8.
        ws.transport.write(b"\x81\x82\0\0\0\0\xff\xfe")
        assert (await closed_with(ws))[0] == 1007
        await one([b"a", b"b"], 1003)
        ws = await connect(relay.ws(CHAT))
        parts = dumps({"type": "message", "content": "in pieces"})
        await ws.send([parts[i:i + 7] for i in range(0, len(parts), 7)])
        await receive_type(ws, "relay.ack")
        await ws.close()
    run(scene())


def test_plain_http_explains_itself(relay):
    def raw(request):
        with socket.create_connection(
                tuple(relay.address.rsplit(":", 1)), 5) as peer:
            peer.sendall(request.encode())
            answer = b""
            while chunk := peer.recv(65536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    status, body = raw("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status == 404 and CHAT in json.dumps(body)
    status, body = raw(f"GET {CHAT} HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status == 426 and "Upgrade" in json.dumps(body)
    status, body = raw(f"GET {CHAT} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket"
                       "\r\nConnection: close\r\nSec-WebSocket-Version: 13"
                       "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert status == 426 and "Connection" in json.dumps(body)
    status, body = raw(f"GET {CHAT} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket"
                       "\r\nConnection: Upgrade"
                       "\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    assert status == 426 and "Sec-WebSocket-Version" in json.dumps(body)
    assert relay.get("/health", admin=False)[0] == 200
    assert relay.get("/metrics", admin=False)[0] == 404
    assert relay.get("/api/v1/runtime/status", admin=False)[0] == 404


def test_health_ready_metrics_and_status(relay, store):
    code, _, body = relay.get("/health", admin=False)
    assert code == 200 and json.loads(body)["ok"] is True
    for admin in (True, False):
        code, _, body = relay.get("/ready", admin=admin)
        ready = json.loads(body)
        assert code == 200 and ready["ready"] is True, ready
        assert ready["components"]["redis"] == "ready"
        assert ready["components"]["auth"] == "disabled"
    status = relay.status()
    assert status["contract"]["name"] == "fleet-rlm"
    assert "relay_events_read_total" in relay.metrics()

    async def scene():
        subscriber = await Subscriber(relay, "s").connect()
        publisher = Publisher(store)
        before = relay.metric("relay_events_delivered_total")
        publisher.publish_many("s", range(10))
        await subscriber.read_until(lambda log: len(log.got) == 10)
        assert relay.metric("relay_events_delivered_total") - before == 10
        assert relay.metric("relay_clients") == 1
        await subscriber.drop()
    run(scene())


def test_the_relay_is_ready_though_its_canary_has_expired(relay, store):
    assert relay.get("/ready")[0] == 200
    [canary] = store.keys("relay:canary:*")
    assert store.pttl(canary) > 0
    for _ in range(2):
        store.pexpire(canary, 1)
        wait_for(lambda: not store.exists(canary), what="its end")

        def is_written_again():
            code, _, body = relay.get("/ready")
            assert code == 200, body
            return store.exists(canary)
        wait_for(is_written_again, what="the next probe")


def test_after_the_last_client_nothing_is_left(relay, store):
    async def scene():
        publisher = Publisher(store)
        subscribers = [await Subscriber(relay, f"s{n % 3}").connect()
                       for n in range(12)]
        for n in range(3):
            publisher.publish_many(f"s{n}", range(50), pad=500)
        for subscriber in subscribers:
            await subscriber.read_until(lambda log: len(log.got) == 50)
            await subscriber.drop()
        from harness import until
        await until(lambda: relay.metric("relay_clients") == 0)
        await until(lambda: relay.metric("relay_blocks_bytes") == 0)
        assert relay.metric("relay_subscriptions") == 0
        assert relay.metric("relay_streams_followed") == 0
    run(scene())


def test_a_key_of_another_type_is_said(relay, store):
    store.set(events_key("odd"), "not a stream")

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="odd")) as ws:
            error = await receive_type(ws, "error")
            assert error["code"] == "stream_unusable"
            assert await closed_with(ws) == (1011, "")
        other = await Subscriber(relay, "fine").connect()
        Publisher(store).publish("fine", 1)
        await other.read_until(lambda log: len(log.got) == 1)
    run(scene())


def test_a_relay_with_its_private_redis(start_relay):
    relay = start_relay(None)
    assert "redis" in relay.ports and relay.ports["redis"]
    import redis as redis_module
    client = redis_module.Redis(
        unix_socket_path=relay.ports["redis"].removeprefix("unix:"))
    info = client.info()
    pid = info["process_id"]
    assert info["aof_enabled"] == 1

    async def scene():
        subscriber = await Subscriber(relay, "s").connect()
        Publisher(client).publish("s", 1)
        await subscriber.read_until(lambda log: len(log.got) == 1)
    run(scene())
    relay.kill()
    from harness import wait_for
    import os
    wait_for(lambda: not os.path.exists(f"/proc/{pid}")
             or "Z" in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1][:3],
             10, "the private redis to end with a killed relay")


def test_what_nobody_gets_makes_no_later_delivery_look_slow(relay, store):
    """The time of a delivery counts from its own event on."""
    publisher = Publisher(store)

    def seconds():
        return relay.metric("relay_delivery_seconds_sum")

    async def scene():
        subscriber = await Subscriber(relay, "s", start=None).connect()
        await subscriber.read_until(lambda log: len(log.notices) == 2)
        store.xadd(events_key("s"), {"event": dumps(
            {"type": "error", "code": "c", "message": "of the other view"})})
        await until(
            lambda: relay.metric("relay_events_filtered_total") == 1)
        read = time.monotonic()
        await until(lambda: time.monotonic() - read > 1)
        sent = time.monotonic()
        publisher.publish("s", 0)
        await subscriber.read_until(lambda log: len(log.got) == 1)
        await until(lambda: seconds() > 0)
        assert seconds() <= time.monotonic() - sent
    run(scene())
