# SPDX-License-Identifier: MIT
"""The second bundled contract, fleet-rlm/2: open client frames, a type that
may be left out, wrapped events of which some kinds end a run."""

import json
import os
import pathlib

import pytest

from harness import (CHAT, EVENTS, ROOT, SLOW, bound, closed_with, completed,
                     connect, cut, dumps, events_key, receive_event,
                     receive_type, run, split_cursor, until)

CONTRACT = ROOT / "schemas" / "fleet-rlm" / "2"
CASES = pathlib.Path(os.environ.get(
    "RELAY_FRAME_CASES", ROOT / "tests" / "data" / "frames-g1.jsonl"))


def cases(direction):
    rows = []
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        if case["dir"] == direction and "G1" in case["gen"]:
            rows.append(pytest.param(case, id=case["why"][:60]))
    return rows


def expected_of(case):
    expect = case.get("expect")
    if expect and "frame" not in expect:
        expect = expect.get("G1")
    return expect


def event(kind, number, payload=None):
    """A wrapped event that the contract accepts."""
    return {"type": "event", "data": {
        "kind": kind, "text": "", "payload": payload,
        "timestamp": "2026-04-30T09:00:02+00:00", "version": 2,
        "event_id": f"{number:032x}"}}


@pytest.fixture
def relay(start_relay, redis_server):
    return start_relay(redis_server, "--contract", CONTRACT,
                       "--mode", "enforce")


async def chat(relay):
    socket = await connect(relay.ws(CHAT))
    hello = await receive_type(socket, "relay.hello")
    assert hello["contract"]["version"] == "2"
    return socket


@pytest.mark.parametrize("case", cases("c2s"))
def test_every_known_client_frame_gets_its_verdict(relay, store, case):
    frame = dumps(case["frame"])

    async def scene():
        ws = await chat(relay)
        await ws.send(dumps({"content": "first"}))
        await receive_type(ws, "relay.ack")
        before = store.xlen("relay:commands")
        await ws.send(frame)
        if case["valid"]:
            ack = await receive_type(ws, "relay.ack")
            stored = store.xrange("relay:commands", ack["command_id"])[0][1]
            assert stored[b"frame"].decode() == frame
            assert stored[b"type"].decode() == case["frame"].get(
                "type", "message")
            assert stored[b"contract"] == b"fleet-rlm/2"
        else:
            answer = await receive_type(ws, "error")
            expect = expected_of(case)
            for name, value in expect["frame"].items() if expect else ():
                assert answer[name] == value, answer
            assert store.xlen("relay:commands") == before
            await ws.send('{"type":"cancel"}')
            await receive_type(ws, "relay.ack")
        await ws.close()
    run(scene())


@pytest.mark.parametrize("case", cases("s2c"))
def test_every_known_server_frame_gets_its_verdict(relay, store, case):
    key = events_key("s")
    text = dumps(case["frame"])
    on_chat = case["endpoint"] == "chat"
    last = dumps(event("final", 99) if on_chat else completed(99))

    async def scene():
        if on_chat:
            ws = await chat(relay)
            await ws.send(dumps({"content": "go", "session_id": "s"}))
            await bound(ws)
        else:
            ws = await connect(relay.ws(EVENTS, session_id="s"))
            await receive_type(ws, "relay.live")
        entry = store.xadd(key, {"event": text}).decode()
        end = store.xadd(key, {"event": last}).decode()
        first = await ws.recv()
        if case["valid"]:
            assert split_cursor(first) == (entry, text)
        else:
            gap = json.loads(first)
            assert gap["type"] == "relay.gap", first
            assert gap["reason"] == "dead_lettered"
            assert gap["through"] == entry
            await until(lambda: store.xlen("relay:dead-letters") == 1)
            letter = store.xrange("relay:dead-letters")[0][1]
            assert letter[b"id"].decode() == entry
            assert letter[b"contract"] == b"fleet-rlm/2"
        assert split_cursor(await ws.recv()) == (end, last)
        await ws.close()
    run(scene())


def test_each_endpoint_sees_its_own_frames_of_the_stream(relay, store):
    key = events_key("s")

    async def scene():
        ws = await chat(relay)
        await ws.send(dumps({"content": "go", "session_id": "s"}))
        await bound(ws)
        watcher = await connect(relay.ws(EVENTS, session_id="s"))
        await receive_type(watcher, "relay.live")
        flat = store.xadd(key, {"event": dumps(completed(1))}).decode()
        wrapped = store.xadd(key, {"event": dumps(event("final", 1))}).decode()
        assert split_cursor(await ws.recv())[0] == wrapped
        assert split_cursor(await watcher.recv())[0] == flat
        await watcher.close()
        await ws.close()
    run(scene())


@pytest.mark.parametrize("kind", ["final", "cancelled", "error"])
def test_a_terminal_kind_ends_the_run_and_others_do_not(relay, store, kind):
    """Re-sent on another connection the message is a repeat until the run has
    ended, and a new request from then on."""
    key = events_key("s")
    frame = dumps({"content": "work", "session_id": "s"})

    async def scene():
        ws = await chat(relay)
        await ws.send(frame)
        first = await receive_type(ws, "relay.ack")
        store.xadd(key, {"event": dumps(event("assistant_token", 1))})
        await receive_event(ws)
        cut(ws)
        ws = await chat(relay)
        await ws.send(frame)
        again = await receive_type(ws, "relay.ack")
        assert again["deduplicated"] is True
        assert again["command_id"] == first["command_id"]
        store.xadd(key, {"event": dumps(event(kind, 2))})
        while f'"kind":"{kind}"' not in await receive_event(ws):
            pass
        await ws.close()
        await until(lambda: not store.keys("relay:dedup:*"))
        ws = await chat(relay)
        await ws.send(frame)
        third = await receive_type(ws, "relay.ack")
        assert third["deduplicated"] is False
        await ws.close()
    run(scene())
    assert store.xlen("relay:commands") == 2


def test_what_the_contract_ignores_is_told_as_drift(relay):
    def undeclared():
        report = json.loads(relay.get("/api/v1/contract/drift")[2])
        return {(cell["pointer"], cell["nearest"])
                for cell in report["undeclared"]}

    async def scene():
        ws = await chat(relay)
        for frame in ({"type": "message", "content": "go", "sessionId": "x",
                       "repoUrl": "u", "analytics_enabled": False},
                      {"type": "command", "command": "resolve_hitl",
                       "args": {"message_id": "h", "resolution": "Yes"}},
                      {"type": "command", "command": "triage_logs",
                       "args": {"query": "q", "anything": 1}}):
            await ws.send(dumps(frame))
            await receive_type(ws, "relay.ack")
        await until(lambda: len(undeclared()) == 4, SLOW)
        await ws.close()
    run(scene())
    assert {("/sessionId", "session_id"), ("/repoUrl", "repo_url")} <= \
        undeclared()
    assert {pointer for pointer, _ in undeclared()} == {
        "/sessionId", "/repoUrl", "/analytics_enabled", "/args/resolution"}


def test_a_refusal_without_a_code_has_none(relay):
    async def scene():
        ws = await chat(relay)
        await ws.send('{"content":" "}')
        answer = await receive_type(ws, "error")
        assert "code" not in answer
        assert answer["message"] == "Message content cannot be empty"
        assert answer["details"]["violations"][0]["pointer"] == "/content"
        await ws.close()
        ws = await connect(relay.ws(EVENTS, session_id="s"))
        await ws.send("{}")
        answer = await receive_type(ws, "error")
        assert answer["code"] == "passive_subscription_only"
        assert await closed_with(ws) == (1008, "")
    run(scene())
