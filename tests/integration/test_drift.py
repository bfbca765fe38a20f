# SPDX-License-Identifier: MIT
"""Drift: what traffic showed against what the contract says. The cases D1 to
D12 happened to a real platform; each must be named with its pointer and with
both names, the one that was seen and the declared one, within a second."""

import json
import subprocess
import time
import xml.etree.ElementTree

import pytest

from harness import (CHAT, EVENTS, RELAYCTL, ROOT, SLOW, connect, dumps,
                     events_key, receive_event, receive_type, run, step,
                     until, wait_for)

KEY = events_key("s")


def drift(relay):
    status, headers, body = relay.get("/api/v1/contract/drift")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    return json.loads(body)


def cells(relay, **wanted):
    report = drift(relay)
    return [cell for cell in report["cells"] + report["undeclared"]
            if all(cell[name] == value for name, value in wanted.items())]


def event(kind="status", **changes):
    """The wrapped event of G3; changes to None leave a member out."""
    data = {"kind": kind, "text": "", "payload": None,
            "timestamp": "2026-05-30T09:00:00Z", "version": 3,
            "event_id": "20260530090000100000"}
    data.update(changes)
    data = {name: value for name, value in data.items()
            if value is not None or name == "payload"}
    return {"type": "event", "data": data}


def changed_step(**changes):
    frame = step(1)
    frame["step"].update(changes)
    return frame


def changed_frame(**changes):
    frame = step(1)
    frame.update(changes)
    return frame


# (name, frame, pointer, rule, seen, nearest declared)
SERVER_CASES = [
    ("D2 a kind was renamed", event("final"),
     "/data/kind", "const", "final", "status"),
    ("D3 the flat frame came wrapped", event("execution_step"),
     "/data/kind", "const", "execution_step", "status"),
    ("D3 the frame came without its wrapper", event()["data"],
     "/type", "missing_type", None, "event"),
    ("D3 kind stands for type",
     {"kind": "execution_step", "sequence": 1},
     "/type", "missing_type", "kind", "type"),
    ("D6 completion leaks onto chat", event("execution_completed"),
     "/data/kind", "const", "execution_completed", "status"),
    ("D7 an older version", event(version=2),
     "/data/version", "const", "2", "3"),
    ("D7 no timestamp", event(timestamp=None),
     "/data", "required", None, "timestamp"),
    ("D8 a step type beyond the list", changed_step(type="turn_inputs"),
     "/step/type", "enum", "turn_inputs", "output"),
    ("D8 an actor kind beyond the list",
     changed_step(actor_kind="subagent"),
     "/step/actor_kind", "enum", "subagent", "sub_agent"),
    ("D12 a number for a date", changed_frame(timestamp=1780142402.5),
     "/timestamp", "type", "number", "string"),
    ("D12 a date for a number",
     changed_step(timestamp="2026-05-30T12:00:03Z"),
     "/step/timestamp", "type", "string", "number"),
]


@pytest.mark.parametrize(
    "frame, pointer, rule, seen, nearest",
    [pytest.param(*row[1:], id=row[0]) for row in SERVER_CASES])
@pytest.mark.parametrize("mode", ["warn", "enforce"])
def test_drift_of_events_is_named_within_a_second(
        start_relay, redis_server, store, mode, frame, pointer, rule, seen, nearest):
    relay = start_relay(redis_server, "--mode", mode)

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            entry = store.xadd(
                KEY, {"event": dumps(frame), "producer": "agent-7"})
            began = time.monotonic()
            found = await until(
                lambda: cells(relay, pointer=pointer, rule=rule), 1.0,
                f"a cell {pointer} {rule}")
            assert time.monotonic() - began < 1.0 * SLOW
        cell = found[0]
        assert cell["nearest"] == nearest
        if seen is not None:
            assert cell["seen"] == seen
        assert cell["direction"] == "server"
        assert cell["producer"] == "agent-7"
        assert cell["count"] == 1
        assert cell["id"] == entry.decode()
        assert cell["first_seen"] <= cell["last_seen"]
        if "type" in frame:
            assert cell["type"] == frame["type"]
    run(scene())


CLIENT_CASES = [
    ("D1 a member the model does not have",
     {"type": "message", "content": "x", "analytics_enabled": False},
     "/analytics_enabled", "additionalProperties", "analytics_enabled", None),
    ("a misspelt member",
     {"type": "message", "content": "x", "repoUrl": "https://x"},
     "/repoUrl", "additionalProperties", "repoUrl", "repo_url"),
    ("D4 an argument was renamed",
     {"type": "command", "command": "resolve_hitl", "session_id": "s",
      "args": {"message_id": "hitl-1", "action_label": "Approve"}},
     "/args/action_label", "undeclared_member", "action_label",
     "resolution"),
    ("an enum value that never was",
     {"type": "message", "content": "x", "execution_mode": "direct"},
     "/execution_mode", "enum", "direct", None),
]


@pytest.mark.parametrize(
    "frame, pointer, rule, seen, nearest",
    [pytest.param(*row[1:], id=row[0]) for row in CLIENT_CASES])
def test_drift_of_client_frames_is_named_within_a_second(
        relay, frame, pointer, rule, seen, nearest):
    async def scene():
        async with connect(relay.ws(CHAT)) as ws:
            await receive_type(ws, "relay.hello")
            await ws.send(dumps(frame))
            found = await until(
                lambda: cells(relay, pointer=pointer, rule=rule), 1.0,
                f"a cell {pointer} {rule}")
        assert found[0]["seen"] == seen
        assert found[0]["nearest"]
        if nearest:
            assert found[0]["nearest"] == nearest
        assert found[0]["direction"] == "client"
        assert found[0]["endpoint"] == "chat"
        assert found[0]["type"] == frame["type"]
        assert found[0]["count"] == 1
    run(scene())


@pytest.mark.parametrize("mode", ["warn", "enforce"])
def test_a_new_type_is_visible_within_a_second(start_relay, redis_server, store, mode):
    relay = start_relay(redis_server, "--mode", mode)

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            store.xadd(KEY, {"event": '{"type":"execution_paused","x":1}'})
            found = await until(
                lambda: cells(relay, type="execution_paused"), 1.0,
                "the new type")
        assert found[0]["rule"] == "unknown_type"
        assert found[0]["nearest"].startswith("execution_")
        assert found[0]["sample"] == {"type": "string", "x": "number"}
        assert relay.metrics()[
            'relay_contract_violations_total{endpoint="chat",'
            'direction="server",type="execution_paused",'
            'rule="unknown_type"}'] == 1
    run(scene())


def test_members_that_open_objects_hide_are_told(relay, store):
    frame = changed_step(durationMs=5)
    frame["step"]["output"]["anything"] = {"goes": "here"}

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            for _ in range(3):
                store.xadd(KEY, {"event": dumps(frame)})
            for _ in range(3):
                await receive_event(ws)
        found = wait_for(lambda: cells(relay, rule="undeclared_member"))
        assert [c["pointer"] for c in found] == ["/step/durationMs"]
        assert found[0]["count"] == 3
        assert drift(relay)["cells"] == []
        assert relay.metric("relay_contract_violations_total") == 0
        status = relay.status()
        assert status["contract"]["drift"]["undeclared"] == 3
        assert any("contract drift" in text for text in status["guidance"])
    run(scene())


def test_what_is_declared_and_never_comes_is_told_with_its_sample(
        relay, store):
    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            for number in range(5):
                store.xadd(KEY, {"event": dumps(step(number))})
            for _ in range(5):
                await receive_event(ws)
    run(scene())
    report = wait_for(
        lambda: drift(relay)["messages"] and drift(relay))
    assert report["messages"] == [
        {"direction": "server", "endpoint": "chat",
         "type": "execution_step", "count": 5}]
    never = report["never_seen"]
    assert {t["type"] for t in never["types"]} == {
        "execution_started", "execution_completed", "event",
        "command_result", "error"}
    assert all(t["sample_size"] == 5 for t in never["types"])
    values = {(v["pointer"], v["value"]) for v in never["values"]}
    assert ("/step/type", "repl") in values
    assert ("/step/type", "llm") not in values
    assert ("/step/actor_kind", "delegate") in values


def test_an_entry_counts_once_whoever_reads_it(start_relay, redis_server, store):
    """Two workers, both endpoints, replays and reconnects: still one."""
    relay = start_relay(redis_server, "--mode", "warn", workers=2)
    bad = dumps(changed_step(type="turn_inputs"))

    async def scene():
        sockets = []
        for number in range(12):
            ws = await connect(relay.ws(EVENTS, session_id="s"))
            await receive_type(ws, "relay.live")
            sockets.append(ws)
        store.xadd(KEY, {"event": bad})
        store.xadd(KEY, {"event": "not json"})
        store.xadd(KEY, {"event": dumps(step(1))})
        for ws in sockets:
            await receive_event(ws)
            await receive_event(ws)
            await ws.close()
        for number in range(6):
            async with connect(relay.ws(
                    EVENTS, session_id="s", after="0-0")) as ws:
                await receive_event(ws)
                await receive_event(ws)
    run(scene())
    counts = {cell["rule"]: cell["count"] for cell in cells(relay)}
    assert counts == {"enum": 1, "invalid_json": 1}


def test_the_modes_differ_in_delivery_and_not_in_what_is_told(
        start_relay, redis_server, store):
    relay = start_relay(redis_server, "--mode", "off")

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            store.xadd(KEY, {"event": dumps(changed_step(type="new"))})
            store.xadd(KEY, {"event": "not json"})
            store.xadd(KEY, {"event": dumps(step(1))})
            await receive_event(ws)
            await receive_event(ws)
        # off: not looked at; what cannot be delivered is told all the same
        assert [c["rule"] for c in cells(relay)] == ["invalid_json"]
    run(scene())


def test_neither_values_nor_identities_are_in_the_report(relay, store):
    frame = changed_step(type="hunter2 is my password", label=17)
    frame["step"]["input"] = {"password": "correct horse"}

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            store.xadd(KEY, {"event": dumps(frame)})
            await receive_event(ws)
        assert wait_for(lambda: cells(relay, rule="enum"))
        text = relay.get("/api/v1/contract/drift")[2].decode()
        for secret in ("hunter2", "horse", "anonymous", "relay:events"):
            assert secret not in text
        metrics = relay.get("/metrics")[2].decode()
        for label in ("session", "user", "tenant"):
            assert f"{label}=" not in metrics
    run(scene())


def test_many_names_keep_the_report_bounded(relay, store):
    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            pipe = store.pipeline(transaction=False)
            for number in range(3000):
                letters = "".join(
                    chr(97 + number // 26 ** i % 26) for i in range(3))
                frame = changed_step(type="kind_" + letters)
                frame["step"]["m_" + letters] = 1
                pipe.xadd(KEY, {"event": dumps(frame)})
            pipe.execute()
            for _ in range(3000):
                await receive_event(ws)
    run(scene())
    report = wait_for(lambda: sum(
        c["count"] for c in drift(relay)["cells"]) == 3000 and drift(relay))
    assert len(report["cells"]) <= 65
    assert len(report["undeclared"]) <= 65
    assert sum(c["count"] for c in report["undeclared"]) == 3000


def test_the_report_is_on_the_admin_listener_only(relay):
    assert relay.get("/api/v1/contract/drift", admin=False)[0] == 404


def relayctl(*arguments, code=0):
    done = subprocess.run([str(RELAYCTL), *map(str, arguments)],
                          capture_output=True, text=True, cwd=str(ROOT))
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def drifted(relay, store):
    """A relay that saw one breach, one undeclared member, one good event."""
    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            for frame in (changed_step(type="turn_inputs"),
                          changed_step(labl="x"), step(1)):
                store.xadd(KEY, {"event": dumps(frame), "producer": "a&<b"})
            for _ in range(3):
                await receive_event(ws)
    run(scene())
    return relay


def test_the_command_tells_people_what_to_change(drifted):
    text = relayctl("contract", "drift", "--relay", drifted.admin, code=1)
    assert "error: /step/type is not one of the values" in text
    assert "seen      turn_inputs" in text
    assert "nearest   output" in text
    assert "warning: /step/labl is a member that the contract" in text
    assert "nearest   label" in text
    assert "producer  a&<b" in text
    assert "note: execution_completed is a declared type" in text
    assert "1 error, 1 warning" in text.splitlines()[-1]
    text = relayctl("contract", "drift", "--relay", drifted.admin,
                    "--no-notes", code=1)
    assert "note:" not in text


def test_the_command_answers_programs_in_one_object(drifted):
    answer = json.loads(relayctl(
        "contract", "drift", "--relay", drifted.admin, "--json", code=1))
    assert answer["ok"] is False
    assert answer["command"] == "contract drift"
    found = answer["result"]["findings"]
    assert [f["rule"] for f in found[:2]] == ["enum", "undeclared_member"]
    for name in ("source", "id", "type", "pointer", "rule", "expected",
                 "got", "hint", "direction", "endpoint", "producer", "count",
                 "first_seen", "last_seen", "sample", "fingerprint"):
        assert name in found[0]
    assert answer["result"]["errors"] == 1


def test_every_format_in_one_run(drifted, tmp_path):
    formats = {name: tmp_path / f"out.{name}" for name in (
        "json", "github", "junit", "sarif", "markdown")}
    option = "text," + ",".join(f"{n}={p}" for n, p in formats.items())
    text = relayctl("contract", "drift", "--relay", drifted.admin,
                    "--contract", "schemas/fleet-rlm/3",
                    "--format", option, code=1)
    assert "turn_inputs" in text
    findings = json.loads(formats["json"].read_text())["findings"]
    suites = xml.etree.ElementTree.parse(formats["junit"]).getroot()
    suite = suites.find("testsuite")
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
    assert int(suite.get("failures")) == 1
    sarif = json.loads(formats["sarif"].read_text())
    results = sarif["runs"][0]["results"]
    assert len(results) == len(findings)
    assert results[0]["level"] == "error"
    assert (results[0]["locations"][0]["physicalLocation"]
            ["artifactLocation"]["uri"]
            == "schemas/fleet-rlm/3/execution.schema.json")
    line = tmp_path / "sarif.ndjson"
    line.write_text(json.dumps(sarif) + "\n")
    assert "invalid" not in relayctl(
        "schema", "validate", "--schema", "tests/data/sarif.schema.json",
        "--format-assertion", line)
    github = formats["github"].read_text().splitlines()
    assert github[0].startswith(
        "::error file=schemas/fleet-rlm/3/execution.schema.json,")
    assert github[-1].startswith("::notice title=contract drift::1 error")
    assert "`turn_inputs`" in formats["markdown"].read_text()


def test_a_relay_without_drift_is_fine_and_none_is_unreachable(
        relay, tmp_path):
    assert "no findings" in relayctl(
        "contract", "drift", "--relay", relay.admin)
    answer = json.loads(relayctl(
        "contract", "drift", "--relay", f"unix:{tmp_path}/none", "--json",
        code=4))
    assert answer["error"]["code"] == "unreachable"
    relayctl("contract", "drift", "--relay", relay.admin,
             "--format", "xml", code=2)
    relayctl("contract", "drift", "--relay", relay.admin,
             "--format", "json,sarif", code=2)
    relayctl("contract", "drift", "--relay", relay.admin,
             "--format", f"sarif={tmp_path}/no/such/folder", code=3)
