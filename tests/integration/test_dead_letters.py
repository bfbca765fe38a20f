# SPDX-License-Identifier: MIT
"""Dead letters from the operator's side: list, show, replay, purge."""

import json
import re
import shutil
import subprocess

import pytest

from harness import (EVENTS, RELAYCTL, ROOT, connect, dumps, events_key,
                     receive_event, receive_type, run, split_cursor, step,
                     wait_for)

KEY = events_key("s")
SECRET = "correct horse battery"


def bad_event():
    frame = step(1)
    frame["step"]["type"] = "turn_inputs"
    frame["step"]["output"] = {"text": SECRET}
    return frame


@pytest.fixture
def letters(start_relay, redis_server, store):
    """A relay in enforce mode that refused three events; their ids."""
    relay = start_relay(redis_server, "--mode", "enforce")

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            for event in (dumps(bad_event()), "{not json " + SECRET,
                          '{"type":"paused","x":1}', dumps(step(2))):
                store.xadd(KEY, {"event": event, "producer": "agent-7",
                                 "traceparent": "00-ab-cd-01"})
            await receive_event(ws)
    run(scene())
    return wait_for(lambda: store.xlen("relay:dead-letters") == 3 and [
        entry.decode() for entry, _ in store.xrange("relay:dead-letters")])


@pytest.fixture
def ctl(redis_server):
    def call(*arguments, code=0):
        done = subprocess.run(
            [str(RELAYCTL), "dead-letters", *map(str, arguments),
             "--redis", redis_server.url],
            capture_output=True, text=True, cwd=str(ROOT))
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout
    return call


@pytest.fixture
def newer_contract(tmp_path):
    """The bundled contract, one step type richer."""
    folder = tmp_path / "newer"
    shutil.copytree(ROOT / "schemas" / "fleet-rlm" / "3", folder)
    path = folder / "execution.schema.json"
    path.write_text(path.read_text().replace(
        '"memory", "output"]', '"memory", "output", "turn_inputs"]'))
    return folder


def test_list_shows_where_and_why_and_hides_bodies(letters, ctl):
    text = ctl("list")
    assert SECRET not in text
    assert "/step/type enum: expected one of" in text
    assert "(producer agent-7)" in text
    assert "invalid_json" in text and "unknown_type" in text
    assert "3 of 3 dead letters" in text
    assert len(re.findall(
        rf"^\d+-\d+ 20\d\d-\S+Z \w+ {re.escape(KEY)} \d+-\d+$", text,
        re.M)) == 3
    assert text.index(letters[2]) < text.index(letters[0])  # newest first
    assert SECRET in ctl("list", "--bodies")
    assert "1 of 3" in ctl("list", "--code", "unknown_type")
    assert "2 of 3" in ctl("list", "--last", "2")
    assert "0 of 3" in ctl("list", "--producer", "nobody")


def test_list_answers_programs(letters, ctl):
    answer = json.loads(ctl("list", "--json"))
    assert answer["ok"] and answer["result"]["total"] == 3
    first = answer["result"]["letters"][-1]
    assert first["letter"] == letters[0]
    assert first["stream"] == KEY
    assert first["code"] == "invalid_payload"
    assert first["pointer"] == "/step/type"
    assert first["rule"] == "enum"
    assert first["producer"] == "agent-7"
    assert first["event_bytes"] == len(dumps(bad_event()))
    assert "event" not in first
    answer = json.loads(ctl("list", "--json", "--bodies"))
    assert json.loads(answer["result"]["letters"][-1]["event"]) == bad_event()


def test_show_tells_all_of_one(letters, ctl):
    text = ctl("show", letters[0])
    assert SECRET not in text
    for line in ("code       invalid_payload", "pointer    /step/type",
                 "contract   fleet-rlm/3", "--bodies"):
        assert line in text
    assert SECRET in ctl("show", letters[0], "--bodies")
    ctl("show", "5-5", code=3)
    ctl("show", "nonsense", code=2)
    ctl("show", code=2)


def test_replay_validates_again(letters, ctl, store):
    before = store.xlen(KEY)
    text = ctl("replay", "--all", code=1)
    assert store.xlen(KEY) == before
    assert "0 replayed, 0 already, 3 refused" in text
    assert "/step/type is not one of the values" in text
    assert SECRET not in text
    answer = json.loads(ctl("replay", letters[1], "--json", code=1))
    assert answer["result"]["findings"][0]["rule"] == "json"
    assert answer["result"]["refused"] == 1
    assert store.xlen(KEY) == before


def test_replay_marks_the_entry_and_a_second_one_adds_nothing(
        letters, ctl, store, newer_contract):
    original = store.xrange(KEY)[0]
    text = ctl("replay", letters[0], "--contract", newer_contract)
    assert "1 replayed" in text
    entry, fields = store.xrevrange(KEY, count=1)[0]
    assert fields == {**original[1], b"replayed_from": original[0]}
    length = store.xlen(KEY)
    for _ in range(2):
        text = ctl("replay", letters[0], "--contract", newer_contract)
        assert "0 replayed, 1 already" in text
        assert entry.decode() in text
    answer = json.loads(ctl("replay", "--all", "--contract", newer_contract,
                            "--json", code=1))
    outcomes = [l["outcome"] for l in answer["result"]["letters"]]
    assert outcomes == ["already_replayed", "refused", "refused"]
    assert answer["result"]["letters"][0]["replayed_from"] == \
        original[0].decode()
    assert store.xlen(KEY) == length


def test_a_replayed_event_reaches_clients(
        letters, ctl, store, start_relay, redis_server, newer_contract):
    relay = start_relay(redis_server, "--mode", "enforce", "--contract",
                        newer_contract)

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            ctl("replay", letters[0], "--contract", newer_contract)
            event = split_cursor(await receive_event(ws))[1]
            assert json.loads(event) == bad_event()
    run(scene())


def test_replay_needs_no_original_but_a_stream(
        letters, ctl, store, newer_contract):
    store.xdel(KEY, store.xrange(KEY)[0][0])
    ctl("replay", letters[0], "--dry-run", "--contract", newer_contract)
    assert store.xlen(KEY) == 3
    ctl("replay", letters[0], "--contract", newer_contract)
    fields = store.xrevrange(KEY, count=1)[0][1]
    assert json.loads(fields[b"event"]) == bad_event()
    assert fields[b"producer"] == b"agent-7"
    store.delete(KEY, "relay:replayed:{default/anonymous/s}")
    text = ctl("replay", letters[0], "--contract", newer_contract, code=1)
    assert "stream_is_gone" in text
    assert not store.exists(KEY)


def test_an_event_that_was_cut_is_replayed_whole(
        start_relay, redis_server, store, ctl, newer_contract):
    relay = start_relay(redis_server, "--mode", "enforce")
    frame = bad_event()
    frame["step"]["output"] = {"text": "x" * 200_000}

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            store.xadd(KEY, {"event": dumps(frame)})
            store.xadd(KEY, {"event": dumps(step(1))})
            await receive_event(ws)
    run(scene())
    wait_for(lambda: store.xlen("relay:dead-letters") == 1)
    ctl("replay", "--all", "--contract", newer_contract)
    fields = store.xrevrange(KEY, count=1)[0][1]
    assert json.loads(fields[b"event"]) == frame


def test_purge_deletes_nothing_without_yes(letters, ctl, store):
    ctl("purge", "--all", code=2)
    ctl("purge", "--yes", code=2)
    assert store.xlen("relay:dead-letters") == 3
    assert "1 dead letters purged" in ctl("purge", letters[1], "--yes")
    answer = json.loads(ctl("purge", "--code", "unknown_type", "--yes",
                            "--json"))
    assert answer["result"] == {"purged": 1}
    assert [e.decode() for e, _ in store.xrange("relay:dead-letters")] == \
        [letters[0]]
    ctl("purge", "--all", "--yes")
    assert store.xlen("relay:dead-letters") == 0
    assert "0 of 0" in ctl("list")


def test_many_letters_are_read_in_pages(store, ctl):
    pipe = store.pipeline(transaction=False)
    for number in range(500):
        pipe.xadd("relay:dead-letters", {
            "stream": KEY, "id": f"{number}-0", "event": "{}",
            "code": "unknown_type" if number % 5 else "too_deep",
            "message": "m\x1b[31m", "at": "1780142402125"})
    pipe.execute()
    text = ctl("list", "--last", "450")
    assert "450 of 500" in text
    assert "\x1b" not in text
    assert "100 of 500" in ctl("list", "--last", "999", "--code", "too_deep")
    assert "100 dead letters purged" in ctl(
        "purge", "--code", "too_deep", "--yes")
    assert store.xlen("relay:dead-letters") == 400


def test_no_redis_is_unreachable_and_wrong_words_are_usage(tmp_path):
    def code(*arguments):
        return subprocess.run(
            [str(RELAYCTL), "dead-letters", *arguments],
            capture_output=True).returncode
    nowhere = f"unix:{tmp_path}/none.sock"
    assert code("list", "--redis", nowhere) == 4
    assert code("list", "--redis", nowhere, "--last", "x") == 2
    assert code("replay", "--redis", nowhere) == 2
    assert code("list") == 2
