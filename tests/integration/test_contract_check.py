# SPDX-License-Identifier: MIT
"""relayctl contract check, as people and CI jobs run it: formats, files of any
kind and size, terminals, streams that must not change."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import threading
import xml.etree.ElementTree as xml

import pytest

from harness import (RELAYCTL, ROOT, dumps, events_key, step, wait_for)

OLD = ROOT / "schemas/fleet-rlm/2"
NEW = ROOT / "schemas/fleet-rlm/3"
FORMATS = ["text", "json", "github", "junit", "sarif", "markdown"]


def check(*arguments, contract=NEW, **options):
    return subprocess.run(
        [RELAYCTL, "contract", "check", "--contract", str(contract),
         *map(str, arguments)], capture_output=True, text=True, **options)


def result_of(*arguments, **options):
    ran = check("--json", *arguments, **options)
    assert ran.stderr == ""
    return ran.returncode, json.loads(ran.stdout)


def old_frames():
    """Frames of the first generation that are valid there."""
    cases = (ROOT / "tests/data/frames-g1.jsonl").read_text().splitlines()
    cases = [json.loads(case) for case in cases]
    return [json.dumps(case["frame"]) for case in cases if case["valid"]]


@pytest.fixture
def frames(tmp_path):
    def write(content, name="f.ndjson"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return path
    return write


# --- which generation ---


def test_frames_of_another_generation_are_named_in_every_format(
        frames, tmp_path):
    old = old_frames()
    path = frames("\n".join(old))
    outputs = {name: tmp_path / f"report.{name}" for name in FORMATS}
    ran = check("--frames", path, "--format", ",".join(
        f"{name}={file}" for name, file in outputs.items()))
    assert (ran.returncode, ran.stdout) == (1, "")
    told = f"{len(old)} of {len(old)} frames are valid under fleet-rlm/2, "
    for name, file in outputs.items():
        text = file.read_text()
        assert told in text, name
        assert "under fleet-rlm/3" in text, name


def test_the_result_counts_for_each_known_contract(frames):
    code, lines = result_of("--frames", frames("\n".join(old_frames())))
    counts = {entry["contract"]: entry
              for entry in lines["result"]["generations"]}
    assert code == 1
    assert counts["fleet-rlm/3"]["expected"]
    assert counts["fleet-rlm/2"]["valid"] == lines["result"]["frames"]
    assert (counts["fleet-rlm/3"]["valid"] ==
            lines["result"]["frames"] - lines["result"]["invalid"])
    rules = [finding["rule"] for finding in lines["result"]["findings"]]
    assert rules.count("generation") == 1


def test_frames_that_fit_say_nothing_of_generations(frames):
    path = frames("\n".join(old_frames()))
    ran = check("--frames", path, contract=OLD)
    assert ran.returncode == 0
    assert "generation" not in ran.stdout


def test_a_folder_beside_the_expected_one_is_known(frames, tmp_path):
    """Nothing of any platform is known to the program: only folders."""
    other = ROOT / "tests/data/contract-other"
    for version in "ab":
        folder = tmp_path / "contracts" / version
        shutil.copytree(other, folder)
        text = (folder / "contract.json").read_text()
        (folder / "contract.json").write_text(
            text.replace("2024.1", version).replace(
                '"stop"', '"stop"' if version == "a" else '"halt"'))
    path = frames('{"meta":{"kind":"halt"}}\n')
    code, lines = result_of(
        "--frames", path, contract=tmp_path / "contracts/a")
    last = lines["result"]["findings"][-1]
    assert code == 1
    assert (last["rule"], last["got"]) == ("generation", "workshop/b")
    assert last["hint"].startswith("1 of 1 frames are valid under workshop/b")


def test_a_summary_is_told_behind_the_last_finding_that_has_room(
        frames, tmp_path):
    path = frames("\n".join(old_frames() * 80))
    ran = check("--frames", path, "--format",
                f"markdown={tmp_path}/md,github={tmp_path}/gh")
    assert ran.returncode == 1
    markdown = (tmp_path / "md").read_text()
    assert " more\n" in markdown and "`generation`" in markdown
    assert "generation" in (tmp_path / "gh").read_text()


# --- formats ---


HOSTILE = ('{"type":"message","content":"x","100%: a,b\\r\\n::error::<b>&":1}\n'
           '[]\n"\\u0000"\n{"type":"a\\u001b[31m"}\n{"type":\n\xff\n')


def test_formats_that_programs_read_can_be_read(frames, tmp_path):
    path = frames(HOSTILE.encode("latin-1"), "a b%,:#.ndjson")
    ran = check("--frames", path, "--format", ",".join(
        f"{name}={tmp_path}/{name}" for name in ("junit", "sarif", "json")))
    assert ran.returncode == 1
    suites = xml.parse(tmp_path / "junit").getroot()
    assert suites.tag == "testsuites"
    for suite in suites:
        assert int(suite.get("tests")) == len(suite)
        failures = suite.findall("testcase/failure")
        assert int(suite.get("failures")) == len(failures)
        for case in suite:
            assert case.get("name") and case.get("classname")
            assert len(case) <= 1
    sarif = json.loads((tmp_path / "sarif").read_text())
    rules = [rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
    broken = {result["ruleId"] for result in sarif["runs"][0]["results"]}
    assert broken == set(rules)
    validated = subprocess.run(
        [RELAYCTL, "schema", "validate", "--draft", "7", "--schema",
         ROOT / "tests/data/sarif.schema.json", "-"],
        input=(tmp_path / "sarif").read_text().replace("\n", ""),
        capture_output=True, text=True)
    assert validated.stdout == "valid\n"
    json.loads((tmp_path / "json").read_text())


def test_an_annotation_is_one_line_whatever_is_in_it(frames):
    path = frames(HOSTILE.encode("latin-1"), "a,b:c%\n.ndjson")
    ran = check("--frames", path, "--format", "github")
    lines = ran.stdout.splitlines()
    assert len(lines) == len(re.findall(r"^::(error|warning|notice) ",
                                        ran.stdout, re.M))
    for line in lines[:-1]:
        file = re.match(r"::\w+ file=([^,]*),", line).group(1)
        assert file.endswith("a%2Cb%3Ac%25%0A.ndjson")


# --- files of any kind ---


@pytest.mark.parametrize("content,frames_count,invalid", [
    ('{"type":"cancel"}', 1, 0),
    ('{"type":"cancel"}\r\n\r\n \t \n{"type":"cancel"}\r\n', 2, 0),
    ("", 0, 0),
    ("\n\n", 0, 0),
    ('\ufeff{"type":"cancel"}\n', 1, 1),
    ('{"type":"cancel"}\0\n', 1, 1),
    ("\0" * 100, 1, 1),
])
def test_lines_are_what_people_take_for_lines(
        frames, content, frames_count, invalid):
    code, lines = result_of("--frames", frames(content))
    assert lines["result"]["frames"] == frames_count
    assert lines["result"]["invalid"] == invalid
    assert code == (1 if invalid else 0)


def test_a_line_that_is_too_long_is_named_and_the_next_one_judged(frames):
    long = '{"type":"message","content":"%s"}\n'
    code, lines = result_of("--frames", frames(
        long % ("x" * (5 << 20)) + '{"type":"cancle"}\n' +
        long % ("x" * (2 << 20))))
    found = [(finding["line"], finding["rule"])
             for finding in lines["result"]["findings"]]
    assert found == [(1, "too_large"), (2, "enum")]
    assert lines["result"]["frames"] == 3


@pytest.mark.parametrize("size,rules", [
    (4 << 20, []), ((4 << 20) + 1, ["too_large"]), ((4 << 20) + 5000,
                                                    ["too_large"])])
def test_the_limit_is_that_of_an_event(frames, size, rules):
    head = '{"type":"message","content":"'
    frame = head + "x" * (size - len(head) - 2) + '"}'
    _, lines = result_of("--frames", frames(frame))
    assert [finding["rule"] for finding in lines["result"]["findings"]] == rules
    if rules:
        assert lines["result"]["findings"][0]["got"] == f"{size} bytes"


def test_clients_have_the_smaller_limit(frames):
    path = frames('{"type":"message","content":"%s"}' % ("x" * (1 << 20)))
    code, lines = result_of("--frames", path, "--direction", "client")
    assert (code, lines["result"]["findings"][0]["rule"]) == (1, "too_large")


def test_what_cannot_be_read_is_in_the_report_too(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        code, lines = result_of("--frames", path)
        assert (code, lines["ok"]) == (3, False)
        assert lines["error"]["code"] == "unreadable"
        assert lines["result"]["findings"][0]["rule"] == "unreadable"
        ran = check("--frames", path, "--format", "junit")
        assert len(xml.fromstring(ran.stdout).findall(".//failure")) == 1


def test_standard_input_is_a_file(frames):
    ran = check("--frames", "-", input='{"type":"cancel"}\n{"type":"x"}')
    assert ran.returncode == 1
    assert "-:2:9: error: /type" in ran.stdout


# --- what a newcomer reads ---


@pytest.mark.parametrize("frame,advice", [
    ("{'type':'cancel'}", "Strings stand in double quotes."),
    ("{type:1}", "Names of members stand in double quotes."),
    ('{"a":None}', "None is Python: write null."),
    ('{"a":NaN}', "NaN is no JSON number: write null."),
    ('{"a":1,}', "Leave out the comma before the bracket."),
    ('{"a":1 "b":2}', "A comma or a colon is missing before this."),
    ('{"a":1 // b', "JSON has no comments."),
    ('{"type":', "does one frame stand on several lines?"),
    ('[{"type":"cancel"}]', "No array around them."),
    ('"{\\"type\\":\\"cancel\\"}"', "This is JSON inside a string"),
    ('{"event":{"type":"cancel"}}', 'send what stands under "event" alone'),
    ('{"type":"Message","content":"a"}', 'Did you mean "message"?'),
    ('{"type":"message","content":"a","max_depth":3}',
     "to do     Daytona websocket requests no longer accept max_depth"),
    ('{"type":"message","content":7}', "Its type must be string."),
])
def test_the_text_says_what_to_change(frames, frame, advice):
    ran = check("--frames", frames(frame + "\n"))
    assert ran.returncode == 1
    assert advice.lower() in ran.stdout.lower()


def test_a_member_is_not_refused_twice(frames):
    path = frames('{"type":"message","content":"a","workspace_id":"w"}')
    _, lines = result_of("--frames", path)
    found = [finding for finding in lines["result"]["findings"]
             if finding["rule"] != "generation"]
    assert [finding["code"] for finding in found] == [
        "unsupported_identity_fields"]


# --- size and terminals ---


def run_on_terminal(arguments):
    """What a terminal shows, the exit code, and the most memory in bytes."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(RELAYCTL, [str(part) for part in arguments])
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    _, status, usage = os.wait4(pid, 0)
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024


def test_a_file_of_any_size_takes_constant_memory(frames, tmp_path):
    run_ = (ROOT / "tests/data/run.ndjson").read_bytes()
    arguments = [RELAYCTL, "contract", "check", "--contract", OLD, "--frames"]
    memory = []
    for name, count in (("small", 1), ("large", 300)):
        path = frames(run_ * count, name)
        shown, code, used = run_on_terminal(
            [*arguments, path, "--format", f"junit={tmp_path}/x"])
        memory.append(used)
        assert code == 1
        # Whatever was shown on the way is gone from the screen.
        assert shown == b"" or shown.endswith(b"\r\x1b[K")
    assert memory[1] < memory[0] + (4 << 20)


def test_a_terminal_sees_how_far_it_is(tmp_path):
    """A pipe that is fed slowly stands for a file that takes long."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(RELAYCTL, ["relayctl", "contract", "check", "--contract",
                            str(NEW), "--frames", str(pipe)])
    line = b'{"type":"cancel"}\n' * 256
    shown = b""
    stop = threading.Event()

    def feed():
        with open(pipe, "wb", buffering=0) as file:
            while not stop.is_set():
                file.write(line)

    feeder = threading.Thread(target=feed)
    feeder.start()

    def has_shown():
        nonlocal shown
        if select.select([terminal], [], [], 0)[0]:
            shown += os.read(terminal, 65536)
        return b" frames, 0 invalid" in shown

    try:
        wait_for(has_shown, 30, "a progress line")
    finally:
        stop.set()
        feeder.join()
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        shown += part
    os.waitpid(pid, 0)
    os.close(terminal)
    assert re.search(rb"\r\x1b\[Kcontract check: no findings in \d+ frames",
                     shown)


# --- streams ---


def test_a_stream_is_only_read(redis_server, store):
    key = events_key("s1")
    for number in range(450):
        store.xadd(key, {"event": dumps(step(number, "s1"))})
    store.xadd(key, {"event": '{"type":"executionstep"}'})
    store.xadd(key, {"other": "x"})
    store.config_resetstat()
    code, lines = result_of("--redis", redis_server.url, "--stream", "s1",
                            "--last", "420")
    assert (code, lines["result"]["frames"]) == (1, 420)
    assert [finding["rule"] for finding in lines["result"]["findings"]
            ][:2] == ["missing_field", "enum"]
    assert all(finding["id"] for finding in lines["result"]["findings"]
               if finding["rule"] != "generation")
    code, lines = result_of("--redis", redis_server.url, "--stream", key)
    assert (code, lines["result"]["frames"]) == (1, 452)
    used = {name.removeprefix("cmdstat_")
            for name in store.info("commandstats")}
    allowed = {"xrange", "xrevrange", "hello", "client|setname", "auth",
               "select", "ping", "client|setinfo", "config|resetstat", "info"}
    assert used <= allowed, used - allowed
    assert store.xlen(key) == 452
