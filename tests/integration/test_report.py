# SPDX-License-Identifier: MIT
"""relayctl report: one redacted text with all that can be had, whatever is
down; what was planted comes out nowhere."""

import base64
import json
import os
import re
import signal
import stat
import subprocess

import pytest

from auth_kit import Keys, token
from harness import RELAYCTL, SLOW, Publisher, RedisServer, wait_for

MARK = "PLANTEDSECRET"
PARTS = {"summary", "config", "status", "ready", "host", "libraries",
         "contract", "drift", "metrics", "redis", "log"}


def report(*arguments, code=0, env=None, cwd=None):
    done = subprocess.run(
        [RELAYCTL, "report", *map(str, arguments)], capture_output=True,
        text=True, timeout=60 * SLOW, cwd=cwd,
        env=dict(os.environ, **(env or {})))
    assert done.returncode == code, done.stdout + done.stderr
    return done


def parts_of(*arguments, **options):
    answer = json.loads(report("--json", *arguments, **options).stdout)
    assert answer["ok"] and answer["command"] == "report"
    assert set(answer["result"]) == {"version", "file", "parts"}
    assert set(answer["result"]["parts"]) == PARTS
    return answer["result"]["parts"]


def assert_failed(parts, *names):
    assert {n for n, part in parts.items() if not part["ok"]} == set(names)
    for name in names:
        assert parts[name]["error"]


def test_everything_of_a_relay_that_lives(relay, redis_server, store):
    publisher = Publisher(store)
    publisher.publish_many("s", range(1, 8))
    parts = parts_of("--port-file", relay.port_file, "--redis",
                     redis_server.url, "--log", relay.log_path)
    # Of a sandboxed relay only root may see what it has loaded.
    assert_failed(parts, *[n for n in ("libraries", "host")
                           if not parts[n]["ok"] and os.getuid() != 0])
    status = parts["status"]["data"]
    assert status["version"] in parts["libraries"]["text"]
    assert parts["ready"]["data"]["ready"] is True
    assert "cells" in parts["drift"]["data"]
    assert "relay_events_read_total" in parts["metrics"]["text"]
    assert "the two are the same" in parts["contract"]["text"]
    assert status["contract"]["hash"] in parts["contract"]["text"]
    assert f"the relay is process {relay.pid}" in parts["host"]["text"]
    assert "Max open files" in parts["host"]["text"]
    assert "libwebsockets" in parts["libraries"]["text"]
    info = parts["redis"]["text"]
    for word in ("redis_version:", "used_memory:", "role:", "aof_enabled:",
                 "tracking_clients:", "dead letters relay:dead-letters: 0"):
        assert word in info
    assert re.search(r"streams of sessions .*: [1-9]", info)
    assert '"action":' in parts["log"]["text"]
    assert "relay: answers" in parts["summary"]["text"]


def test_neither_bodies_nor_names_of_sessions(relay, redis_server, store):
    store.xadd("relay:events:{default/anonymous/" + MARK + "}",
               {"event": json.dumps({"type": "x", "text": MARK})})
    store.xadd("relay:commands", {"frame": MARK})
    store.xadd("relay:dead-letters", {"event": MARK})
    store.xgroup_create("relay:commands", "workers", "0")
    done = report("--relay", relay.admin, "--redis", redis_server.url)
    assert "=== Redis ===" in done.stdout and MARK not in done.stdout
    assert "dead letters relay:dead-letters: 1 entries" in done.stdout
    assert "commands relay:commands: 1 entries" in done.stdout
    assert "group name=workers consumers=0 pending=0" in done.stdout


def test_a_relay_that_is_dead(relay, redis_server):
    relay.process.kill()
    relay.process.wait()
    parts = parts_of("--port-file", relay.port_file, "--redis",
                     redis_server.url, "--log", relay.log_path)
    assert {"status", "ready", "drift", "metrics"} < {
        n for n, part in parts.items() if not part["ok"]}
    assert "NO ANSWER" in parts["summary"]["text"]
    assert parts["redis"]["ok"] and parts["log"]["ok"]
    assert parts["contract"]["ok"] and parts["config"]["ok"]
    done = report("--relay", relay.admin)
    assert "NO ANSWER" in done.stdout and "=== Metrics ===" in done.stdout


def test_a_relay_without_redis(start_relay, tmp_path):
    relay = start_relay(f"unix:{tmp_path}/none.sock")
    wait_for(lambda: relay.status()["mode"] == "degraded")
    parts = parts_of("--relay", relay.admin, "--log", relay.log_path)
    assert_failed(parts, "redis")
    assert "none.sock" in parts["redis"]["error"]
    assert parts["ready"]["data"]["ready"] is False
    assert "mode degraded" in parts["summary"]["text"]


def test_the_private_redis_is_found(start_relay):
    relay = start_relay(None)
    wait_for(lambda: relay.get("/ready")[0] == 200)
    parts = parts_of("--relay", relay.admin, "--log", relay.log_path)
    assert_failed(parts)
    assert "redis_version:" in parts["redis"]["text"]


def test_a_config_that_is_wrong_takes_only_itself_away(relay, tmp_path):
    config = tmp_path / "bad.json"
    config.write_text('{"listne": "127.0.0.1:1"}')
    parts = parts_of("--config", config, "--relay", relay.admin,
                     "--log", relay.log_path)
    assert not parts["config"]["ok"] and "listen" in parts["config"]["error"]
    assert parts["status"]["ok"] and parts["metrics"]["ok"]
    assert "--check-config" in parts["summary"]["text"]


def test_a_relay_that_is_named_goes_before_the_configuration(relay, tmp_path):
    config = tmp_path / "good.json"
    config.write_text('{"admin_listen": "127.0.0.1:1"}')
    parts = parts_of("--config", config, "--relay", relay.admin,
                     "--log", relay.log_path)
    assert parts["config"]["ok"] and parts["status"]["ok"]
    parts = parts_of("--config", config, "--log", relay.log_path)
    assert parts["config"]["ok"] and not parts["status"]["ok"]
    assert "relay: not known" in parts["contract"]["text"]


def test_secrets_of_a_config_that_is_wrong(tmp_path):
    config = tmp_path / "bad.json"
    config.write_text('{"redis": "redis://:' + MARK + '@h:1/0", "listne": 1}')
    log = tmp_path / "log"
    log.write_text(f"nothing tells what {MARK} is\n")
    parts = parts_of("--config", config, "--log", log)
    assert not parts["config"]["ok"]
    assert parts["log"]["text"].endswith("nothing tells what *** is\n")


def test_a_relay_and_a_redis_that_hang(relay, redis_server):
    relay.process.send_signal(signal.SIGSTOP)
    redis_server.freeze()
    try:
        parts = parts_of("--relay", relay.admin, "--redis", redis_server.url,
                         "--log", relay.log_path)
    finally:
        redis_server.thaw()
        relay.process.send_signal(signal.SIGCONT)
    assert_failed(parts, "status", "ready", "drift", "metrics", "redis")
    assert "NO ANSWER" in parts["summary"]["text"]


def test_a_redis_that_allows_little(relay, redis_server, store):
    store.execute_command("ACL", "SETUSER", "default", "-info", "-scan")
    parts = parts_of("--relay", relay.admin, "--redis", redis_server.url,
                     "--log", relay.log_path)
    store.execute_command("ACL", "SETUSER", "default", "+@all")
    assert_failed(parts, "redis")
    assert "INFO" in parts["redis"]["error"]
    assert "dead letters relay:dead-letters: 0" in parts["redis"]["text"]


def test_logs_that_cannot_be_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    good = tmp_path / "good"
    good.write_text("".join(f"line {n}\n" for n in range(1000)))
    for bad in (tmp_path / "none", tmp_path, pipe):
        parts = parts_of("--log", bad, "--log", good)
        assert str(bad) in parts["log"]["error"]
        assert f"--- {bad}: " in parts["log"]["text"]
        assert "line 800\n" in parts["log"]["text"]
        assert "line 799\n" not in parts["log"]["text"]
        assert parts["host"]["ok"]


def test_of_a_huge_log_only_whole_lines_of_its_end(tmp_path):
    log = tmp_path / "log"
    log.write_text("access_token=" + "a" * 300000 + MARK + "\nlast\x1b[31m")
    text = parts_of("--log", log)["log"]["text"]
    assert text.endswith("last?[31m\n") and "aaaa" not in text
    assert MARK not in text
    log.write_text("access_token=" + "a" * 300000 + MARK)
    assert MARK not in parts_of("--log", log)["log"]["text"]


def test_a_file_of_its_own(tmp_path):
    path = tmp_path / "out.txt"
    done = report("--out", path)
    assert done.stdout == f"{path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "=== Summary ===" in text
    done = report("--out", path, code=3)
    assert "File exists" in done.stderr and "overwritten" in done.stderr
    assert path.read_text() == text
    named = report("--out", tmp_path).stdout.strip()
    assert re.fullmatch(re.escape(str(tmp_path)) +
                        r"/relay-report-\d{8}T\d{6}Z\.txt", named)
    answer = json.loads(report("--json", "--out", tmp_path / "b").stdout)
    assert answer["result"]["file"] == str(tmp_path / "b")
    assert "=== Host" in (tmp_path / "b").read_text()
    refused = json.loads(report(
        "--json", "--out", tmp_path / "no" / "such", code=3).stdout)
    assert refused["error"]["code"] == "unwritable"


def test_the_last_look_goes_over_what_is_in_no_part(tmp_path):
    path = tmp_path / f"of-{MARK}-itself"
    done = report("--json", "--out", path, env={"X_PASSWORD": MARK})
    assert path.exists() and MARK not in done.stdout
    assert json.loads(done.stdout)["result"]["file"].endswith("of-***-itself")


@pytest.mark.parametrize("arguments", [("stray",), ("--bogus",), ("--out",)])
def test_usage(arguments):
    report(*arguments, code=2)


def planted_log(tmp_path, secret):
    lines = [
        f"GET /api/v1/ws/execution?access_token={MARK}1&x=1 HTTP/1.1",
        f"GET /api/v1/ws/execution?ticket={MARK}2",
        f"Authorization: Bearer {MARK}3 {MARK}4",
        f'{{"headers":{{"authorization":"Basic {MARK}5","b":1}}}}',
        f"connect redis://u:{MARK}6@127.0.0.1:6379/0 failed",
        f"proxy https://{MARK}7@host/path",
        f'config {{"password":"{MARK}8\\"{MARK}9"}}',
        f"Set-Cookie: session={MARK}10; Path=/",
        f"DB_PASSWORD='{MARK}11 {MARK}12'",
        f"msg token=\"{token(sub=MARK)}\"",
        f"a token alone: {token()} in a line",
        f"Sec-WebSocket-Protocol: relay.v1, ticket.{MARK}13",
        "-----BEGIN PRIVATE KEY-----", MARK * 3, "-----END PRIVATE KEY-----",
        f"in the middle of{secret}nothing telling",
        f"{MARK}word/ and {MARK}word%2F and {MARK}env are told by nothing",
        "the last line"]
    path = tmp_path / "foreign.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_planted_secrets_come_out_nowhere(start_relay, tmp_path):
    """Query and header (in a log), config, environment, URL of Redis, files of
    secrets, arguments."""
    keys = Keys(tmp_path)
    secret = f"{MARK}secret-of-thirty-two-bytes-and-more"
    keys.secret.write_text(secret + "\n")
    url = f"redis://{MARK}user:{MARK}word%2F@127.0.0.1:1/0"
    config = tmp_path / "relay.json"
    config.write_text(json.dumps({
        "auth": {"mode": "jwt", "secret_file": str(keys.secret)},
        "redis": url}))
    relay = start_relay(url, "--config", config)
    log = planted_log(tmp_path, secret)
    environment = {"RELAY_REDIS": f"redis://:{MARK}env@127.0.0.1:1/0",
                   "RELAY_TOKEN": f"{MARK}token",
                   "RELAY_AUTH_JWKS": f"http://a:{MARK}b@h.invalid/?k={MARK}",
                   "MY_API_KEY": f"{MARK}key"}
    hidden = [MARK, token()[-40:], secret,
              base64.b64encode(MARK.encode()).decode()[:16]]
    for form in ((), ("--json",), ("--redis", url + "x"),
                 ("--redis", f"bad://{MARK}@h", "--json"),
                 ("--relay", f"http://{MARK}:{MARK}@127.0.0.1:1")):
        done = report("--relay", relay.admin, "--config", config, "--log", log,
                      "--port-file", relay.port_file, *form, env=environment)
        for text in hidden:
            assert text not in done.stdout + done.stderr, (form, text)
        assert "***" in done.stdout and "the last line" in done.stdout


def test_a_password_that_a_real_redis_asks_for(start_relay, tmp_path):
    """The last look goes over all of the output; JSON stays JSON even when the
    password is a word of it."""
    for number, password in enumerate((f"{MARK}pass", "true", 'a"b\\c')):
        server = RedisServer(tmp_path / str(number))
        try:
            server.client().config_set("requirepass", password)
            server.client(password=password).ping()
            quoted = "".join(f"%{byte:02X}" for byte in password.encode())
            log = tmp_path / "log"
            log.write_text(f"it was {password} all the time\n")
            arguments = ("--redis", f"unix:{server.socket}", "--log", log)
            parts = parts_of(*arguments)
            assert "NOAUTH" in json.dumps(parts["redis"])
            environment = {"X_PASSWORD": password,
                           "X_URL": f"redis://:{quoted}@h/0"}
            done = report(*arguments, "--json", env=environment)
            answer = json.loads(done.stdout)
            assert password not in json.dumps(answer["result"]) \
                .replace('"ok": true', ""), password
            done = report(*arguments, env=environment)
            assert password not in done.stdout
            assert "it was *** all the time" in done.stdout
        finally:
            server.stop()
