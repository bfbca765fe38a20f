# SPDX-License-Identifier: MIT
"""What tools/bench/validate measures: events of the bundled contract, cut or
padded to one size, and a message whose payload is one of many kinds. The same
bytes in every run."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVENTS = 16
RUN = ("6a1d7c52-0c1e-4f7a-9d2e-3b4c5d6e7f90:"
       "b2f0a1c4-7d3e-4a59-8c60-1f2b3c4d5e6f:")


def text_of(event):
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def fit(event, size, holder, name):
    """Words at the end of holder[name] until the event has the size."""
    lines = "\nThe reader goes on behind the last entry that it has seen."
    missing = size - len(text_of(event).encode())
    for letter in (lines * (max(missing, 0) // len(lines) + 1)):
        grown = holder[name] + letter
        taken = len(text_of({"": grown})) - len(text_of({"": holder[name]}))
        if taken <= missing:
            holder[name] = grown
            missing -= taken
    text = text_of(event)
    assert len(text.encode()) == size, (len(text.encode()), size)
    return text


def recorded():
    path = ROOT / "tests" / "data" / "run.ndjson"
    for line in path.read_text().splitlines():
        yield json.loads(line)["event"]


def started(number):
    """The start of a run whose owner has ids of the usual length."""
    return {"type": "execution_started", "run_id": f"{RUN}{number}",
            "workspace_id": "default", "user_id": "anonymous",
            "session_id": "", "step": None, "summary": None, "sequence": 1,
            "timestamp": f"2026-05-30T12:00:{number:02}.150000Z"}


def small_events(size):
    wrapped = [e for e in recorded() if e["type"] == "event"]
    for number in range(EVENTS // 2):
        event = wrapped[number % len(wrapped)]
        yield fit(event, size, event["data"], "text")
        event = started(number)
        yield fit(event, size, event, "session_id")


def step_events(size):
    """Steps of tools whose output makes up the size."""
    found = 0
    for event in recorded():
        output = (event.get("step") or {}).get("output")
        if not isinstance(output, dict) or found == EVENTS:
            continue
        output["tool_output"] = ""
        if len(text_of(event).encode()) > size:
            continue
        found += 1
        yield fit(event, size, output, "tool_output")
    assert found == EVENTS, found


def branch(number):
    """One kind of payload: its name, and members of the usual sorts."""
    return {
        "type": "object",
        "required": ["kind", "text", "step", "status"],
        "properties": {
            "kind": {"const": f"kind.number_{number}"},
            "text": {"type": "string", "maxLength": 4096},
            "step": {"type": "integer", "minimum": 0},
            "status": {"enum": ["queued", "running", "done", "failed"]},
            "final": {"type": "boolean"},
            "parent": {"type": ["string", "null"]},
            "depth": {"type": "integer", "minimum": 0, "maximum": 8},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
            f"only_{number}": {"type": "string"}}}


def union_schema(branches):
    text = {"type": "string", "minLength": 1, "maxLength": 128}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["type", "version", "id", "session", "time", "payload"],
        "properties": {
            "type": {"const": "event"}, "version": {"const": 2},
            "id": text, "session": text, "user": text, "time": text,
            "sequence": {"type": "integer", "minimum": 0},
            "payload": {"oneOf": [branch(i) for i in range(branches)]}}}


def union_events(size):
    for number in range(EVENTS):
        event = {
            "type": "event", "version": 2, "id": f"evt-{number:04}",
            "session": f"{RUN}{number}"[:40], "user": "user-7c1d2f0a",
            "time": f"2026-05-30T12:00:{number:02}.150000Z",
            "sequence": 1000 + number,
            "payload": {"kind": f"kind.number_{number % 2}", "text": "",
                        "step": number, "status": "running", "final": False,
                        "parent": None, "depth": number % 8, "score": 0.25,
                        "tags": ["a", "bc"]}}
        yield fit(event, size, event["payload"], "text")


def spoilt(event):
    """More mistakes than are told of."""
    bad = json.loads(event)
    step = bad["step"]
    for name in ("id", "parent_id", "label", "lane_key"):
        step[name] = 7
    step["actor_kind"] = "sub_agnt"
    step["type"] = "tol"
    step["timestamp"] = "soon"
    bad["sequence"] = -1
    for name in ("run_id", "user_id", "timestamp"):
        bad[name] = None
    del bad["session_id"]
    bad["sesion_id"] = "x"
    return text_of(bad)


def write(folder):
    """Files by name; returns nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "events_300.ndjson": small_events(300),
        "events_550.ndjson": step_events(550),
        "events_800.ndjson": step_events(800),
        "spoilt.ndjson": map(spoilt, step_events(550)),
        "union.ndjson": union_events(446),
        "union_28.schema.json": [json.dumps(union_schema(28), indent=1)],
        "union_2.schema.json": [json.dumps(union_schema(2), indent=1)]}
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
