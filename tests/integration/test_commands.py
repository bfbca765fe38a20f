# SPDX-License-Identifier: MIT
"""Client frames: stored honestly, refused by name, never run twice."""

import asyncio
import json
import os
import pathlib
import threading

import pytest

from harness import (CHAT, EVENTS, ROOT, Publisher, bound, closed_with,
                     completed, connect, cut, dumps, events_key,
                     receive_event,
                     receive_json, receive_type, run, split_cursor, step, until)

CASES = pathlib.Path(os.environ.get(
    "RELAY_FRAME_CASES", ROOT / "tests" / "data" / "frames-g3.jsonl"))


def cases(direction):
    rows = []
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        if case["dir"] == direction and "G3" in case["gen"]:
            rows.append(pytest.param(case, id=case["why"][:60]))
    return rows


def expected_of(case):
    expect = case.get("expect")
    if expect and "frame" not in expect:
        expect = expect.get("G3")
    return expect


async def chat(relay, **query):
    socket = await connect(relay.ws(CHAT, **query))
    await receive_type(socket, "relay.hello")
    return socket


@pytest.mark.parametrize("case", cases("c2s"))
def test_every_known_client_frame_gets_its_verdict(relay, store, case):
    frame = dumps(case["frame"])

    async def scene():
        if case["endpoint"] == "execution":
            ws = await connect(relay.ws(EVENTS, session_id="s"))
        else:
            ws = await chat(relay)
            await ws.send(dumps({"type": "message", "content": "first"}))
            await receive_type(ws, "relay.ack")
        before = store.xlen("relay:commands")
        await ws.send(frame)
        if case["valid"]:
            ack = await receive_type(ws, "relay.ack")
            assert ack["type"] == "relay.ack"
            stored = store.xrange("relay:commands", ack["command_id"])[0][1]
            assert stored[b"frame"].decode() == frame
            assert stored[b"type"].decode() == case["frame"]["type"]
        else:
            answer = await receive_type(ws, "error")
            expect = expected_of(case)
            if expect:
                for name, value in expect["frame"].items():
                    assert answer[name] == value, answer
                if expect["close"]:
                    assert (await closed_with(ws)) == (expect["close"], "")
            assert store.xlen("relay:commands") == before
            if not expect or not expect["close"]:
                await ws.send('{"type":"cancel"}')
                await receive_type(ws, "relay.ack")
        await ws.close()
    run(scene())


@pytest.fixture
def enforcing(start_relay, redis_server):
    return start_relay(redis_server, "--mode", "enforce")


@pytest.mark.parametrize("case", cases("s2c"))
def test_every_known_server_frame_gets_its_verdict(enforcing, store, case):
    key = events_key("s")
    text = dumps(case["frame"])

    async def scene():
        if case["endpoint"] == "execution":
            ws = await connect(enforcing.ws(EVENTS, session_id="s"))
            await receive_type(ws, "relay.live")
        else:
            ws = await chat(enforcing)
            await ws.send(dumps({"type": "message", "content": "go",
                                 "session_id": "s"}))
            await bound(ws)
        entry = store.xadd(key, {"event": text}).decode()
        store.xadd(key, {"event": dumps(completed(99))})
        first = await ws.recv()
        if case["valid"]:
            assert split_cursor(first) == (entry, text)
        else:
            gap = json.loads(first)
            assert gap["type"] == "relay.gap", first
            assert gap["reason"] == "dead_lettered"
            assert gap["through"] == entry
            letter = None
            await until(lambda: store.xlen("relay:dead-letters") == 1)
            letter = store.xrange("relay:dead-letters")[0][1]
            assert letter[b"stream"].decode() == key
            assert letter[b"id"].decode() == entry
            assert letter[b"event"].decode() == text
        last = await receive_type(ws, "execution_completed")
        assert last["sequence"] == 100
        await ws.close()
    run(scene())


def test_a_command_entry_has_exactly_the_fields_of_the_wire(relay, store):
    async def scene():
        ws = await chat(relay)
        await ws.send(dumps({"type": "message", "content": "hi"}))
        ack = await receive_type(ws, "relay.ack")
        fields = {k.decode(): v.decode() for k, v in
                  store.xrange("relay:commands")[0][1].items()}
        assert set(fields) == {
            "frame", "type", "tenant", "user", "session", "events",
            "connection", "received_at", "contract", "traceparent"}
        assert fields["tenant"] == "default"
        assert fields["user"] == "anonymous"
        assert fields["session"] == ack["session_id"]
        assert fields["events"] == events_key(ack["session_id"])
        assert fields["contract"] == "fleet-rlm/3"
        assert len(ack["session_id"]) == 36 and ack["session_id"][14] == "4"
        await ws.close()
    run(scene())


def test_cancel_or_command_without_a_session_is_refused(relay, store):
    async def scene():
        for frame in ({"type": "cancel"},
                      {"type": "command", "command": "reset"}):
            ws = await chat(relay)
            await ws.send(dumps(frame))
            error = await receive_type(ws, "error")
            assert error["code"] == "initial_message_required"
            assert await closed_with(ws) == (1008, "")
        ws = await chat(relay)
        await ws.send(dumps({"type": "command", "command": "resolve_hitl",
                             "session_id": "s"}))
        ack = await receive_type(ws, "relay.ack")
        assert ack["session_id"] == "s"
        await ws.close()
    run(scene())


@pytest.mark.parametrize("text,code", [
    ("", "invalid_json"), ("{", "invalid_json"), ("{'a':1}", "invalid_json"),
    ('{"type":"cancel","type":"cancel"}', "invalid_json"),
    ('{"type":"cancel",}', "invalid_json"), ("NaN", "invalid_json"),
    ('{"a\\u0000b":1}', "invalid_json"), ("[]", "invalid_payload"),
    ("5", "invalid_payload"), ('"text"', "invalid_payload"),
    ("[" * 65 + "]" * 65, "too_deep"),
    ('{"type":"command","command":""}', "empty_command"),
    ('{"type":""}', "invalid_payload"),
])
def test_what_is_no_frame_is_refused_and_the_socket_stays(relay, text, code):
    async def scene():
        ws = await chat(relay)
        await ws.send(text)
        error = await receive_type(ws, "error")
        assert error["code"] == code, error
        await ws.send(dumps({"type": "message", "content": "still here"}))
        await receive_type(ws, "relay.ack")
        await ws.close()
    run(scene())


def test_violations_name_member_rule_and_nearest_name(relay):
    async def scene():
        ws = await chat(relay)
        await ws.send(dumps({"type": "message", "content": "go",
                             "repoUrl": "x", "trace": "yes",
                             "context_paths": ["a", 7]}))
        error = await receive_type(ws, "error")
        assert error["code"] == "invalid_payload"
        assert error["message"].startswith("Invalid payload: ")
        assert error["details"]["error_type"] == "contract_violation"
        found = {v["pointer"]: v for v in error["details"]["violations"]}
        assert set(found) == {"/repoUrl", "/trace", "/context_paths/1"}
        assert "repo_url" in found["/repoUrl"]["hint"]
        assert found["/trace"]["rule"] == "type"
        for violation in found.values():
            assert set(violation) >= {"pointer", "rule", "expected", "got"}
        await ws.close()
    run(scene())


def test_the_same_message_after_a_cut_is_run_once(relay, store):
    frame = dumps({"type": "message", "content": "work", "session_id": "s"})
    publisher = Publisher(store)

    async def scene():
        first = await chat(relay)
        await first.send(frame)
        ack = await receive_type(first, "relay.ack")
        ids = [publisher.publish("s", n) for n in range(5)]
        got = [split_cursor(await receive_event(first))[0]
               for _ in range(5)]
        assert got == ids
        cut(first)
        again = await chat(relay)
        await again.send(frame)
        repeat = await receive_type(again, "relay.ack")
        assert repeat["deduplicated"] is True
        assert repeat["command_id"] == ack["command_id"]
        replayed = []
        while len(replayed) < 5:
            replayed.append(split_cursor(await receive_event(again))[0])
        assert replayed == ids
        cut(again)
        third = await chat(relay, after=ids[2])
        await third.send(frame)
        replayed = []
        while len(replayed) < 2:
            replayed.append(split_cursor(await receive_event(third))[0])
        assert replayed == ids[3:]
        assert store.xlen("relay:commands") == 1
        # The run ends; the owner has seen it; the same bytes are new work.
        store.xadd(events_key("s"), {"event": dumps(completed(9))})
        await receive_type(third, "execution_completed")
        await third.close()
        dedup = "relay:dedup:{relay:commands}:default/anonymous/s"
        await until(lambda: store.hlen(dedup) == 0, 10, "the record to end")
        fourth = await chat(relay)
        await fourth.send(frame)
        fresh = await receive_type(fourth, "relay.ack")
        assert not fresh["deduplicated"]
        assert store.xlen("relay:commands") == 2
        await fourth.close()
    run(scene())


def test_a_repeat_without_session_id_finds_the_first_session(relay, store):
    frame = dumps({"type": "message", "content": "no session yet"})
    publisher = Publisher(store)

    async def scene():
        first = await chat(relay)
        await first.send(frame)
        ack = await receive_type(first, "relay.ack")
        publisher.publish(ack["session_id"], 1)
        await receive_type(first, "execution_step")
        cut(first)
        again = await chat(relay)
        await again.send(frame)
        repeat = await receive_type(again, "relay.ack")
        assert repeat["deduplicated"]
        assert repeat["session_id"] == ack["session_id"]
        await receive_type(again, "execution_step")
        assert store.xlen("relay:commands") == 1
        await again.close()
    run(scene())


def test_the_same_bytes_on_the_owners_connection_are_new_work(relay, store):
    frame = dumps({"type": "message", "content": "twice", "session_id": "s"})

    async def scene():
        ws = await chat(relay)
        for _ in range(2):
            await ws.send(frame)
            assert not (await receive_type(ws, "relay.ack"))["deduplicated"]
        assert store.xlen("relay:commands") == 2
        await ws.close()
    run(scene())


def test_direct_answers_reach_only_their_connection(relay, store):
    async def scene():
        one, two = await chat(relay), await chat(relay)
        acks = []
        for ws in (one, two):
            await ws.send(dumps({"type": "command", "command": "resolve_hitl",
                                 "session_id": "s"}))
            acks.append(await receive_type(ws, "relay.ack"))
        result = {"type": "command_result", "command": "resolve_hitl",
                  "result": {"status": "ok"}, "version": 1,
                  "event_id": "6f1c0a52-4c3e-4f7a-8d2e-3b4c5d6e7f80"}
        key = events_key("s")
        store.xadd(key, {"event": dumps(result),
                         "command": acks[1]["command_id"]})
        store.xadd(key, {"event": dumps(result)})
        store.xadd(key, {"event": dumps(completed(1))})

        async def types(ws):
            seen = []
            while "execution_completed" not in seen:
                seen.append((await receive_json(ws))["type"])
            return [t for t in seen if not t.startswith("relay.")]
        assert await types(one) == ["command_result", "execution_completed"]
        assert await types(two) == [
            "command_result", "command_result", "execution_completed"]
        await one.close()
        await two.close()
    run(scene())


class Worker(threading.Thread):
    """A back end that answers each command at once, with one event."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client
        self.stopping = False
        self.answered = 0

    def run(self):
        last = "0-0"
        while not self.stopping:
            reply = self.client.xread({"relay:commands": last}, block=200)
            for _, entries in reply or []:
                pipe = self.client.pipeline(transaction=False)
                for entry, fields in entries:
                    last = entry
                    self.answered += 1
                    pipe.xadd(fields[b"events"].decode(), {
                        "event": dumps(step(self.answered)),
                        "command": entry})
                pipe.execute()


def test_the_first_event_is_never_missed(relay, redis_server, store):
    rounds, lanes = 10_000, 20
    worker = Worker(redis_server.client())
    worker.start()
    missed = []

    async def lane(number):
        for n in range(rounds // lanes):
            ws = await connect(relay.ws(CHAT), notices=False)
            await ws.send(f'{{"type":"message","content":"x",'
                          f'"session_id":"{number}.{n}"}}')
            try:
                frame = await receive_json(ws, 5)
                assert frame["type"] == "execution_step", frame
            except asyncio.TimeoutError:
                missed.append((number, n))
            cut(ws)

    async def scene():
        await asyncio.gather(*(lane(n) for n in range(lanes)))
    try:
        run(scene(), 300)
    finally:
        worker.stopping = True
        worker.join()
    assert missed == []
    assert store.xlen("relay:commands") == rounds
