# SPDX-License-Identifier: MIT
"""Nothing of any platform is in the code: a contract made only for this test
has other paths, another discriminator, another terminal event."""

import json
import re

import pytest

from harness import (ROOT, closed_with, connect, dumps, events_key,
                     receive_event, receive_json, receive_type, run, split_cursor, until)

CONTRACT = {
    "name": "kitchen", "version": "7",
    "endpoints": {
        "counter": {
            "path": "/kitchen/talk", "direction": "both",
            "client": {
                "discriminator": "/meta/kind", "session": "/meta/table",
                "dedup": ["order"], "creates_session": ["order"],
                "messages": {"order": "kitchen.schema.json#/$defs/order",
                             "call_off": "kitchen.schema.json#/$defs/call_off"}},
            "server": {
                "discriminator": "/meta/kind", "terminal": ["served"],
                "direct": ["receipt"],
                "messages": {"cooking": "kitchen.schema.json#/$defs/cooking",
                             "receipt": "kitchen.schema.json#/$defs/receipt",
                             "served": "kitchen.schema.json#/$defs/served"}}},
        "window": {
            "path": "/kitchen/watch", "direction": "server",
            "session_query": "table",
            "server": {
                "discriminator": "/meta/kind", "terminal": ["served"],
                "messages": {"cooking": "kitchen.schema.json#/$defs/cooking",
                             "served": "kitchen.schema.json#/$defs/served"}}}}}


def message(kind, **more):
    return {"type": "object", "required": ["meta"], "properties": {
        "meta": {"type": "object", "required": ["kind"],
                 "properties": {"kind": {"const": kind},
                                "table": {"type": ["string", "null"]}}},
        **more}}


SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "order": dict(message("order", dish={"type": "string"}),
                      required=["meta", "dish"], additionalProperties=False),
        "call_off": message("call_off"),
        "cooking": message("cooking", minutes={"type": "integer"}),
        "receipt": message("receipt"),
        "served": message("served")}}


@pytest.fixture
def kitchen(tmp_path):
    folder = tmp_path / "kitchen"
    folder.mkdir()
    (folder / "contract.json").write_text(json.dumps(CONTRACT))
    (folder / "kitchen.schema.json").write_text(json.dumps(SCHEMA))
    return folder


def test_another_contract_works_without_recompiling(start_relay, redis_server,
                                                    store, kitchen):
    relay = start_relay(redis_server, "--contract", kitchen,
                        "--mode", "enforce")

    async def scene():
        ws = await connect(relay.ws("/kitchen/talk"))
        hello = await receive_type(ws, "relay.hello")
        assert hello["endpoint"] == "counter"
        assert hello["contract"]["name"] == "kitchen"
        order = {"meta": {"kind": "order", "table": "5"}, "dish": "soup"}
        await ws.send(dumps(order))
        ack = await receive_type(ws, "relay.ack")
        assert (ack["type"], ack["session_id"]) == ("relay.ack", "5")
        stored = store.xrange("relay:commands")[0][1]
        assert stored[b"type"] == b"order"
        assert stored[b"contract"] == b"kitchen/7"
        watch = await connect(relay.ws("/kitchen/watch", table="5"))
        assert (await receive_type(watch, "relay.hello"))["session_id"] == "5"
        await receive_type(watch, "relay.live")
        key = events_key("5")
        texts = [dumps({"meta": {"kind": kind}, **more}) for kind, more in (
            ("cooking", {"minutes": 3}), ("cooking", {"minutes": "three"}),
            ("served", {}))]
        ids = [store.xadd(key, {"event": text}).decode() for text in texts]
        for socket in (ws, watch):
            first = await receive_event(socket)
            assert split_cursor(first) == (ids[0], texts[0])
            gap = await receive_json(socket)
            assert gap["type"] == "relay.gap" and gap["through"] == ids[1]
            assert split_cursor(await socket.recv()) == (ids[2], texts[2])
        await ws.send(dumps({"meta": order["meta"], "dich": "soup"}))
        error = await receive_type(ws, "error")
        assert error["code"] == "invalid_payload"
        hints = {v["pointer"]: v["hint"]
                 for v in error["details"]["violations"]}
        assert "dish" in hints["/dich"], hints
        dedup = "relay:dedup:{relay:commands}:default/anonymous/5"
        await until(lambda: store.hlen(dedup) == 0, 10, "`served` to end it")
        await ws.close()
        await watch.close()
        missing = await connect(relay.ws("/kitchen/watch", session_id="5"))
        assert (await receive_type(missing, "error"))["code"] == \
            "missing_session_id"
        assert await closed_with(missing) == (1008, "")
    run(scene())
    assert relay.get("/api/v1/ws/execution", admin=False)[0] == 404


def test_nothing_of_the_first_contract_is_in_the_code():
    words = ["execution_", "daytona", "fleet_rlm", "resolve_hitl", "repo_url",
             "command_result", "websocket_message_content_required",
             "/api/v1/ws/"]
    for folder in ("protocol", "relay"):
        for path in (ROOT / folder).rglob("*.[chd]*"):
            # Comments may name examples; what is compiled may not.
            code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(),
                          flags=re.S)
            found = [w for w in words if w in code.lower()]
            assert found == [], (path, found)
