# SPDX-License-Identifier: MIT
"""What relayctl says to those who hold it wrong: exit 2 for what was typed, 3
for what cannot be read, 4 only for what is not there; and nothing is echoed
that may be a secret."""

import http.server
import json
import os
import shutil
import subprocess
import threading

import pytest

from harness import RELAYCTL, ROOT, dumps, events_key, step

CONTRACT = str(ROOT / "schemas" / "fleet-rlm" / "3")
RUN = str(ROOT / "tests" / "data" / "run.ndjson")
REDIS_COMMANDS = [
    ("dead-letters", "list"), ("dead-letters", "show", "1-0"),
    ("dead-letters", "replay", "--all"),
    ("dead-letters", "purge", "--all", "--yes"),
    ("stream", "peek", "s"), ("stream", "publish", "s", RUN),
    ("stream", "replay", "s", RUN),
    ("contract", "check", "--contract", CONTRACT, "--stream", "s"),
    ("bench", "--url", "ws://127.0.0.1:1/x")]
RELAY_COMMANDS = [("status",), ("contract", "drift")]
PASSWORD = "geheim"


@pytest.fixture
def ctl(tmp_path):
    def call(*arguments, code, **environment):
        done = subprocess.run(
            [str(RELAYCTL), *map(str, arguments)], capture_output=True,
            text=True, cwd=tmp_path, stdin=subprocess.DEVNULL,
            env={**os.environ, **environment})
        assert done.returncode == code, (done.stdout, done.stderr)
        assert PASSWORD not in done.stdout + done.stderr
        return done.stdout + done.stderr
    return call


@pytest.mark.parametrize("command", REDIS_COMMANDS, ids=" ".join)
def test_a_wrong_url_of_redis_is_a_usage_error(ctl, command):
    assert "--redis: expected redis://" in ctl(
        *command, "--redis", "bogus://x", code=2)
    assert "--redis: the port must be" in ctl(
        *command, "--redis", f"redis://u:{PASSWORD}@h:99999/0", code=2)
    assert "not yet available" in ctl(
        *command, "--redis=rediss://h", code=2)


@pytest.mark.parametrize("command", REDIS_COMMANDS, ids=" ".join)
def test_a_wrong_url_in_the_configuration_is_invalid_input(ctl, command):
    said = ctl(*command, code=3, RELAY_REDIS=f"redis://u:{PASSWORD}@h:99999")
    assert "the port must be" in said and "RELAY_REDIS" in said


def test_a_report_is_written_all_the_same(ctl):
    said = ctl("report", "--redis", f"redis://u:{PASSWORD}@h:99999", "--relay",
               "bogus", code=0)
    assert "the port must be" in said and "bogus: not ADDR:PORT" in said


def test_a_redis_that_is_not_there_is_unreachable(ctl):
    for command in REDIS_COMMANDS[:-1]:
        said = ctl(*command, "--redis", "unix:no.sock", code=4)
        assert "unix:no.sock" in said


def test_a_long_url_of_redis_is_not_cut(ctl):
    """A token in place of a password may have a thousand bytes."""
    url = f"redis://:{PASSWORD * 200}@127.0.0.1:1/0"
    assert "redis://127.0.0.1:1/0: Redis: Connection refused" in ctl(
        "stream", "peek", "s", "--redis", url, code=4)
    assert "redis://127.0.0.1:1/0: Redis: Connection refused" in ctl(
        "stream", "peek", "s", code=4, RELAY_REDIS=url)


@pytest.mark.parametrize("command", RELAY_COMMANDS, ids=" ".join)
def test_a_wrong_address_of_the_relay_is_a_usage_error(ctl, command):
    for address in ("bogus", "https://127.0.0.1:1", "127.0.0.1:99999",
                    "127.0.0.1:0", "http://127.0.0.1:1/metrics", "unix:",
                    f"http://u:{PASSWORD}@127.0.0.1:1", ":1", ""):
        assert "--relay: wants ADDR:PORT" in ctl(
            *command, f"--relay={address}", code=2)


def test_a_relay_that_is_not_there_is_unreachable(ctl):
    for address in ("127.0.0.1:1", "http://127.0.0.1:1/", "unix:no.sock",
                    "[::1]:1"):
        ctl("status", "--relay", address, code=4)


@pytest.mark.parametrize("body", [b"[]", b"7", b"<html>"])
def test_what_answers_and_is_no_relay_is_unreachable(ctl, body):
    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            assert "is no relay" in ctl(
                "status", "--relay", f"127.0.0.1:{server.server_port}", code=4)
        finally:
            server.shutdown()
            thread.join()


def test_a_wrong_address_of_a_server_is_a_usage_error(ctl):
    for url in ("http://h:1", "wss://h:1", "h:1", "ws://", ""):
        assert "--url: wants ws://HOST:PORT" in ctl(
            "stream", "tail", "s", f"--url={url}", code=2)
        assert "--url: wants ws://HOST:PORT/PATH" in ctl(
            "bench", "--no-publish", f"--url={url}", code=2)
    assert "--url" in ctl(
        "stream", "tail", "s", f"--url=ws://u:{PASSWORD}@h:1", code=2)
    assert "--publish: wants http://HOST:PORT/PATH" in ctl(
        "bench", "--url", "ws://h:1/", "--publish", "ftp://h", code=2)


def test_tail_names_the_server_that_it_did_not_reach(ctl):
    said = ctl("stream", "tail", "s", "--url", "ws://127.0.0.1:1", code=4)
    assert "ws://127.0.0.1:1: cannot connect" in said
    assert "fix: " in said and "--url" in said


def test_tail_refuses_a_start_that_it_cannot_keep(ctl):
    for after in ("nonsense", "1" * 80 + "-0", "-", ""):
        assert "--after: " in ctl(
            "stream", "tail", "s", f"--after={after}", code=2)
    assert "--since: " in ctl("stream", "tail", "s", "--since=soon", code=2)
    assert "--after or --since, not both" in ctl(
        "stream", "tail", "s", "--since=1", "--after=0-0", code=2)


def test_tail_prints_nothing_but_its_object_with_json(
        ctl, start_relay, redis_server, store):
    relay = start_relay(redis_server)
    store.xadd(events_key("s"), {"event": dumps(step(1))})
    said = ctl("--json", "stream", "tail", "s", "--url",
               f"ws://{relay.address}", "--after", "0-0", "--count", "1",
               code=0)
    assert json.loads(said)["result"]["events"] == 1


def test_a_slash_behind_the_url_does_no_harm(
        ctl, start_relay, redis_server, store):
    relay = start_relay(redis_server)
    store.xadd(events_key("s"), {"event": dumps(step(1))})
    assert "cursor" in ctl(
        "stream", "tail", "s", "--url", f"ws://{relay.address}/", "--after",
        "0-0", "--count", "1", code=0)


def test_a_folder_is_no_file_of_events(ctl, redis_server, tmp_path):
    for verb in ("publish", "replay"):
        assert f"{tmp_path}: " in ctl(
            "stream", verb, "s", tmp_path, "--redis", redis_server.url, code=3)
    assert "Is a directory" in ctl(
        "stream", "tail", "s", "--expect", tmp_path, code=3)


def test_numbers_are_looked_at_before_redis_is(ctl):
    for text in ("x", "-1", "", "1" * 20):
        for option, command in (
                ("--last", ("stream", "peek", "s")),
                ("--last", ("dead-letters", "list")),
                ("--maxlen", ("stream", "publish", "s", RUN)),
                ("--maxlen", ("stream", "replay", "s", RUN))):
            assert f"{option} wants a number" in ctl(
                *command, f"{option}={text}", "--redis=unix:no.sock", code=2)


def test_a_session_without_a_name_is_refused(ctl):
    for command in (("stream", "peek", ""), ("stream", "publish", "", RUN),
                    ("contract", "check", "--contract", CONTRACT,
                     "--stream", "")):
        assert "session id" in ctl(*command, "--redis=unix:no.sock", code=2)


def test_a_key_that_holds_something_else_is_invalid_input(
        ctl, redis_server, store):
    store.set(events_key("s"), "text")
    store.set("relay:dead-letters", "text")
    for command in REDIS_COMMANDS[:-1]:
        if command[1] == "peek":  # whose finding it is
            continue
        assert "holds no stream" in ctl(
            *command, "--redis", redis_server.url, code=3), command


def test_ids_and_all_contradict_each_other(ctl):
    for verb in (("replay",), ("purge", "--yes")):
        assert "not both" in ctl("dead-letters", *verb, "--all", "1-0",
                                 "--redis=unix:no.sock", code=2)


def test_a_key_says_why_it_cannot_sign(ctl, tmp_path):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=tmp_path,
                       capture_output=True)
    openssl("genrsa", "-out", "short.pem", "1024")
    openssl("genpkey", "-algorithm", "ed25519", "-aes256", "-pass",
            f"pass:{PASSWORD}", "-out", "locked.pem")
    assert "missing.pem: cannot be read: No such file" in ctl(
        "token", "--key", "missing.pem", code=3)
    assert "Is a directory" in ctl("token", "--key", tmp_path, code=3)
    said = ctl("token", "--key", "locked.pem", code=3)
    assert "locked.pem: is encrypted" in said and "pass phrase" not in said
    assert "short.pem: has 1024 bits" in ctl(
        "token", "--key", "short.pem", code=3)


def test_a_file_that_is_no_suite_is_not_passed_over(ctl, tmp_path):
    folder = tmp_path / "suite"
    folder.mkdir()
    good = [{"description": "d", "schema": True,
             "tests": [{"description": "t", "data": 1, "valid": True}]}]
    (folder / "a.json").write_text(json.dumps(good))
    assert "1 passed, 0 failed" in ctl("schema", "suite", folder, code=0)
    for bad in ({}, 1, [1], [{"schema": True}], [{"schema": True, "tests": 1}],
                [{"tests": []}], [{"schema": True, "tests": [1]}]):
        (folder / "b.json").write_text(json.dumps(bad))
        said = ctl("schema", "suite", folder, code=3)
        assert "b.json: " in said and "passed" not in said, bad


def test_a_contract_that_cannot_be_read_is_no_finding(ctl, tmp_path):
    folder = tmp_path / "contract"
    shutil.copytree(CONTRACT, folder)
    (folder / "more.json").mkdir()
    ctl("contract", "lint", folder, code=0)
    (folder / "contract.json").unlink()
    ctl("contract", "lint", folder, code=1)
    for kind in ("folder", "locked"):
        if kind == "folder":
            (folder / "contract.json").mkdir()
        else:
            (folder / "contract.json").rmdir()
            (folder / "contract.json").write_text("{}")
            (folder / "contract.json").chmod(0)
            if os.access(folder / "contract.json", os.R_OK):
                continue  # root may read it all the same
        assert "contract.json: cannot be read: " in ctl(
            "contract", "lint", folder, code=3)


def test_frames_that_are_not_there_are_told_of(ctl, tmp_path):
    (tmp_path / "empty.ndjson").write_text("\n")
    said = ctl("contract", "check", "--contract", CONTRACT, "--frames",
               "empty.ndjson", code=0)
    assert "fix: no frame was read: is the recording empty?" in said


def test_drift_wants_a_contract_that_is_there(ctl, start_relay, redis_server):
    relay = start_relay(redis_server)
    assert "missing: " in ctl("contract", "drift", "--relay", relay.admin,
                              "--contract", "missing", code=3)
    ctl("contract", "drift", "--relay", relay.admin, "--contract", CONTRACT,
        code=0)


def test_help_of_a_group_lists_its_commands(ctl):
    said = ctl("stream", "--help", code=0)
    assert "stream tail" in said and "status" not in said
    assert "relayctl stream --help" in ctl("stream", code=2)


def test_help_of_a_command_names_the_options_of_all(ctl):
    said = ctl("dead-letters", "list", "--help", code=0)
    for option in ("--json", "--relay ADDR", "--redis URL", "--config FILE"):
        assert option in said


def test_bodies_of_strangers_do_not_steer_the_terminal(
        ctl, redis_server, store):
    store.xadd(events_key("s"), {"event": b"a\x1b[2J\x00b"})
    said = ctl("stream", "peek", "s", "--bodies", "--redis", redis_server.url,
               code=0)
    assert "\x1b" not in said and "\x00" not in said
    assert "b\n" in said


def test_a_count_that_is_too_large_is_not_cut(ctl):
    for option in ("--idle-ms", "--count"):
        assert f"{option} wants a number" in ctl(
            "stream", "tail", "s", f"{option}=4294967296", code=2)
