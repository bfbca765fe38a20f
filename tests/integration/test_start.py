# SPDX-License-Identifier: MIT
"""Starting and ending: every configuration error has its exit code, one line
and what to do."""

import json
import os
import resource
import socket
import subprocess

import pytest

from harness import (EVENTS, RELAYD, ROOT, Publisher, Relay, Subscriber,
                     closed_with, connect, receive_type, run, wait_for)


def start(*arguments, env=None, preexec=None):
    done = subprocess.run(
        [str(RELAYD), *map(str, arguments)], capture_output=True, timeout=60,
        stdin=subprocess.DEVNULL, cwd=str(ROOT), preexec_fn=preexec,
        env=dict(os.environ, **(env or {})))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def refused(tmp_path, code, *arguments, names=(), **options):
    base = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
            "--state-dir", tmp_path / "state"]
    got, _, errors = start(*base, *arguments, **options)
    assert got == code, (got, errors)
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    for name in names:
        assert name in lines[0], errors
    return lines[0]


def config_file(tmp_path, text):
    path = tmp_path / "relay.json"
    path.write_text(text)
    return path


def test_help_and_version_need_nothing(tmp_path):
    code, out, _ = start("--help")
    assert code == 0
    for flag in ("--listen", "--redis", "--mode", "--workers", "--contract"):
        assert flag in out
    code, out, _ = start("--version")
    assert code == 0
    for word in ("fleet-rlm", "libwebsockets", "hiredis", "json-c", "OpenSSL"):
        assert word in out


def test_usage_errors_are_2(tmp_path):
    refused(tmp_path, 2, "--no-such-flag")
    refused(tmp_path, 2, "--listen-port", "80")
    refused(tmp_path, 2, "stray")
    refused(tmp_path, 2, "--deflate", "false", names=("--flag=false",))


def test_a_path_that_is_taken_is_no_port(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("not a socket")
    line = refused(tmp_path, 66, "--listen", f"unix:{taken}",
                   names=("choose another path",))
    assert "port" not in line


def test_a_port_file_that_cannot_be_written_is_69(tmp_path):
    """Else whoever waits for it would wait for ever."""
    refused(tmp_path, 69, "--port-file", tmp_path / "none" / "port.json",
            names=("none/port.json", "No such file", "--port-file"))
    refused(tmp_path, 69, "--port-file", tmp_path,
            names=(str(tmp_path), "Is a directory", "--port-file"))
    assert not list(tmp_path.parent.glob(f"{tmp_path.name}.*"))


def test_keys_that_nobody_is_asked_for_are_told_of(
        start_relay, redis_server, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 4)
    secret.chmod(0o600)
    for arguments, is_told in (((), False), (
            ("--auth-secret-file", secret), True), (
            ("--auth", "jwt", "--auth-secret-file", secret), False)):
        relay = start_relay(redis_server, *arguments)
        assert ('"action":"keys_unused"' in relay.logged()) == is_told


@pytest.mark.parametrize("text,names", [
    ('{"listne": "127.0.0.1:0"}', ["listne", "listen"]),
    ('{"mode": "strict"}', ["mode"]),
    ('{"workers": -1}', ["workers"]),
    ('{"workers": "two"}', ["workers"]),
    ('{"limits": {"client_frame_byte": 5}}', ["client_frame_byte"]),
    ('{"drain.seconds": 5}', ["drain.seconds", '{"drain": {"seconds"']),
    ("{", ["relay.json"]),
    ("[]", ["relay.json"]),
])
def test_a_bad_config_file_is_64(tmp_path, text, names):
    refused(tmp_path, 64, "--config", config_file(tmp_path, text),
            names=names)


def test_a_config_file_may_hold_comments(tmp_path):
    path = config_file(tmp_path, '{ /* why */ "mode": "enforce" // so\n }')
    code, out, errors = start("--config", path, "--check-config")
    assert code == 0, errors
    code, out, _ = start("--config", path, "--print-config")
    assert code == 0
    line = next(l for l in out.splitlines() if l.split()[0] == "mode")
    assert "enforce" in line and "file" in line


def test_precedence_is_flag_environment_file_default(tmp_path):
    path = config_file(tmp_path, '{"mode": "enforce"}')

    def origin(*arguments, **env):
        _, out, _ = start("--print-config", *arguments, env=env)
        return next(l for l in out.splitlines() if l.split()[0] == "mode")
    assert "default" in origin() and "warn" in origin()
    assert "file" in origin("--config", path)
    line = origin("--config", path, RELAY_MODE="off")
    assert "off" in line and "environment" in line
    line = origin("--config", path, "--mode", "warn", RELAY_MODE="off")
    assert "warn" in line and "flag" in line


def test_secrets_are_redacted_in_the_printed_config():
    _, out, errors = start("--print-config", "--redis",
                           "redis://relay:hunter2secret@127.0.0.1:1/0")
    assert "hunter2secret" not in out + errors
    assert "127.0.0.1" in out


def test_missing_config_file_is_64(tmp_path):
    refused(tmp_path, 64, "--config", tmp_path / "none.json",
            names=["none.json"])


def test_a_bad_contract_is_65(tmp_path):
    refused(tmp_path, 65, "--contract", tmp_path / "nowhere")
    folder = tmp_path / "contract"
    folder.mkdir()
    (folder / "contract.json").write_text('{"name": "x"')
    refused(tmp_path, 65, "--contract", folder, names=["contract.json"])
    (folder / "contract.json").write_text(json.dumps({
        "name": "x", "version": "1", "endpoints": {
            "a": {"path": "/a", "direction": "server",
                  "session_query": "session_id",
                  "server": {"discriminator": "/type", "terminal": [],
                             "messages": {"t": "s.schema.json#/$defs/t"}}},
            "b": {"path": "/a", "direction": "server",
                  "session_query": "session_id",
                  "server": {"discriminator": "/type", "terminal": [],
                             "messages": {"t": "s.schema.json#/$defs/t"}}}}}))
    (folder / "s.schema.json").write_text(json.dumps({
        "$defs": {"t": {"type": "object"}}}))
    refused(tmp_path, 65, "--contract", folder, names=["/a"])


def test_a_port_in_use_is_66(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused(tmp_path, 66, "--listen", f"127.0.0.1:{port}",
                names=[str(port)])


def test_a_second_relay_on_the_same_port_is_66(relay, tmp_path):
    refused(tmp_path, 66, "--listen", relay.address, names=[str(relay.pid)])


@pytest.mark.parametrize("url", [
    "http://localhost", "redis://", "redis://host:port/0", "unix:",
    "redis://h:1/x", "nonsense"])
def test_an_unusable_redis_url_is_68(tmp_path, url):
    refused(tmp_path, 68, "--redis", url)


def test_permission_is_69(tmp_path):
    if os.geteuid() == 0:
        # root may do anything: a path below a file is nobody's to make.
        (tmp_path / "file").write_text("")
        refused(tmp_path, 69, "--state-dir", tmp_path / "file" / "state")
    else:
        refused(tmp_path, 69, "--state-dir", "/proc/relay")


def test_too_few_descriptors_is_71(tmp_path):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    refused(tmp_path, 71, preexec=few)


def test_anonymous_off_loopback_must_be_asked_for(tmp_path):
    refused(tmp_path, 64, "--listen", "0.0.0.0:0",
            names=["--allow-anonymous"])
    code, _, errors = start("--listen", "0.0.0.0:0", "--allow-anonymous",
                            "--check-config")
    assert code == 0, errors


def test_an_unreachable_redis_is_no_reason_to_exit(start_relay, tmp_path):
    relay = start_relay(f"unix:{tmp_path}/nobody.sock")
    assert relay.get("/health")[0] == 200
    code, _, body = relay.get("/ready")
    assert code == 503 and json.loads(body)["reasons"]


def test_the_port_file_names_the_listeners_and_goes_with_its_owner(
        start_relay, redis_server):
    relay = start_relay(redis_server)
    assert relay.ports["pid"] == relay.pid
    assert set(relay.ports) >= {"pid", "listen", "admin", "redis"}
    assert relay.stop() == 0
    assert not relay.port_file.exists()


def test_a_unix_socket_listener(start_relay, redis_server, tmp_path):
    path = tmp_path / "public.sock"
    relay = start_relay(redis_server, listen=f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while chunk := peer.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_drain_tells_closes_1012_and_loses_nothing(relay, store):
    async def scene():
        publisher = Publisher(store)
        ids = [publisher.publish("s", n) for n in range(5)]
        ws = await connect(relay.ws(EVENTS, session_id="s", after="0-0"))
        await receive_type(ws, "relay.live")
        relay.process.terminate()
        drain = await receive_type(ws, "relay.drain")
        assert drain["cursor"] == ids[-1]
        assert drain["retry_after_ms"] > 0
        assert await closed_with(ws) == (1012, "")
    run(scene())
    assert relay.process.wait(20) == 0


def test_log_lines_are_json_when_asked(start_relay, redis_server):
    relay = start_relay(redis_server, environment={"RELAY_LOG_FORMAT": "json"})
    relay.stop()
    lines = relay.logged().splitlines()
    assert lines
    for line in lines:
        record = json.loads(line)
        assert {"ts", "level", "component", "action"} <= set(record), line


def test_several_workers_deliver_alike(start_relay, redis_server, store):
    relay = start_relay(redis_server, workers=3)

    async def scene():
        publisher = Publisher(store)
        subscribers = [await Subscriber(relay, f"s{n % 4}").connect()
                       for n in range(24)]
        for n in range(4):
            publisher.publish_many(f"s{n}", range(200))
        for subscriber in subscribers:
            await subscriber.read_until(lambda log: len(log.got) == 200)
        from checker import assert_six_zeros
        assert_six_zeros(store, publisher, [s.log for s in subscribers])
        assert relay.metric("relay_clients") == 24
        for subscriber in subscribers:
            await subscriber.drop()
    run(scene())
