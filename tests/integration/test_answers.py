# SPDX-License-Identifier: MIT
"""relayctl as programs meet it: with --json one object on stdout and nothing
else, whatever the command and whatever fails; and the exit codes."""

import json
import os
import subprocess

import pytest

from harness import RELAYCTL, ROOT, Publisher, dumps, events_key


def relayctl(*arguments, code=0, **environment):
    ran = subprocess.run(
        [RELAYCTL, *map(str, arguments)], capture_output=True, text=True,
        env=dict(os.environ, **environment), timeout=60,
        stdin=subprocess.DEVNULL)
    assert ran.returncode == code, ran
    return ran


def answer(*arguments, code=0, **environment):
    """The one object; an error may be beside it on stderr only as text."""
    ran = relayctl("--json", *arguments, code=code, **environment)
    got = json.loads(ran.stdout)
    assert got["ok"] == (code == 0)
    assert ("error" in got) == (code > 0) or code == 1
    assert {"command", "result", "fix", "next"} <= got.keys()
    return got


@pytest.fixture
def tail(relay, store):
    publisher = Publisher(store)
    for number in range(3):
        publisher.publish("s", number)

    def run(*arguments, session="s", **options):
        return answer("stream", "tail", session, "--url",
                      f"ws://{relay.address}", *arguments, **options)
    return run


def test_a_tail_is_one_object_with_its_frames(tail):
    got = tail("--after", "0-0", "--idle-ms", "500")["result"]
    types = [frame["type"] for frame in got["frames"]]
    assert types == ["relay.hello", *["execution_step"] * 3, "relay.live"]
    assert (got["events"], got["gaps"], got["omitted"]) == (3, 0, 0)
    assert got["cursor"] == got["frames"][3]["cursor"]


def test_a_tail_without_frames_is_one_object_too(tail):
    for arguments in (("--quiet",), ("--quiet", "--view")):
        got = tail("--after", "0-0", "--count", "2", *arguments)["result"]
        assert got["frames"] == [] and got["events"] == 2
    assert tail("--after", "0-0", "--count", "1", "--view")[
        "result"]["frames"][1]["type"] == "execution_step"


def test_a_tail_that_is_refused_is_one_object_too(tail):
    got = tail(session="a" * 257, code=1)
    assert got["error"]["code"] == "refused"
    assert got["result"]["frames"][0]["code"] == "invalid_session_id"


def test_a_tail_keeps_only_so_many_bytes_of_frames(tail, store):
    filler = "x" * (1 << 20)
    for number in range(20):
        store.xadd(events_key("s"), {"event": dumps(
            {"type": "execution_step", "number": number, "x": filler})})
    got = tail("--after", "0-0", "--count", "23")["result"]
    assert got["events"] == 23
    assert len(got["frames"]) + got["omitted"] == 24
    assert 4 <= got["omitted"] <= 10


def test_a_peek_that_fails_half_way_is_one_object_too(store, redis_server):
    Publisher(store).publish("s", 0)
    store.execute_command("ACL", "SETUSER", "default", "-xrevrange")
    got = answer("stream", "peek", "s", "--redis", redis_server.url, code=4)
    assert got["result"] is None and "xrevrange" in got["error"]["message"]


def test_every_finding_has_the_members_of_one(tmp_path):
    schema = tmp_path / "s.json"
    schema.write_text('{"properties": {"a": {"type": "integer"}}}')
    frames = tmp_path / "f.ndjson"
    frames.write_text('{"a": "x"}\n')
    one = answer("schema", "validate", "--schema", schema, frames, code=1)
    other = answer("contract", "check", "--contract",
                   ROOT / "schemas/fleet-rlm/3", "--frames", frames, code=1)
    for finding in (one["result"]["instances"][0]["findings"][0],
                    other["result"]["findings"][0]):
        assert {"source", "line", "type", "pointer", "rule", "expected", "got",
                "hint"} <= finding.keys()
