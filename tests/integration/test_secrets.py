# SPDX-License-Identifier: MIT
"""Planted secrets: wherever a client or an operator may put one, it comes out
nowhere: not in logs, status, metrics, errors, --print-config, Redis, arguments
of a child, `relayctl report`."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from auth_kit import (KeyServer, Keys, bearer, handshake, is_let_in,
                      request, ticket, token)
from harness import (CHAT, EVENTS, RELAYCTL, RELAYD, ROOT, sandbox_for,
                     wait_for)

MARK = "PLANTEDSECRET"


@pytest.fixture
def source():
    from test_keys import jwks
    made = KeyServer(jwks("ES256"))
    yield made
    made.stop()


def surfaces(relay):
    """All that anybody can read of it."""
    yield "log", relay.logged()
    for path in ("/metrics", "/api/v1/runtime/status", "/ready", "/health",
                 "/api/v1/contract/drift", f"/{MARK[:3]}"):
        for admin in (True, False):
            yield path, relay.get(path, admin=admin)[2].decode()
    yield from reports("--relay", relay.admin, "--log", relay.log_path,
                       "--port-file", relay.port_file)


def reports(*arguments, env=None):
    """What relayctl report says, in both its forms."""
    for form in ((), ("--json",)):
        done = subprocess.run(
            [RELAYCTL, "report", *arguments, *form], capture_output=True,
            text=True, timeout=120, env=dict(os.environ, **(env or {})))
        assert done.returncode == 0, done.stderr
        assert "relay" in done.stdout
        yield f"report {form}", done.stdout + done.stderr


def assert_nowhere(relay, *secrets):
    for name, text in surfaces(relay):
        for secret in secrets:
            assert secret not in text, (name, secret[:12])


def family(relay):
    """The relay and all who are or were begun by it, as folders of /proc."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(relay.pid) in ancestors(folder.name):
                yield folder
        except OSError:
            pass  # it ended


def assert_nothing_to_see(relay, *secrets):
    """Arguments and environment are there for others to read, and so is a core
    that a process leaves behind."""
    folders = list(family(relay))
    assert pathlib.Path(f"/proc/{relay.pid}") in folders
    for folder in folders:
        if (folder / "comm").read_text().strip() == "relay-fetch":
            continue  # comes and goes; judged by what it was given
        for name in ("cmdline", "environ"):
            shown = (folder / name).read_bytes()
            for secret in secrets:
                assert secret.encode() not in shown, (folder, name)
        limits = (folder / "limits").read_text().splitlines()
        core = next(line for line in limits if "core file" in line)
        assert sandbox_for() == "off" or core.split()[4:6] == ["0", "0"], \
            (folder, (folder / "comm").read_text())


def test_tokens_and_tickets_of_clients(start_relay, redis_server, store,
                                       tmp_path):
    keys = Keys(tmp_path)
    relay = start_relay(redis_server, *keys.options(),
                        "--auth-query-token=true", "--log-level=debug")
    good = token()
    used = ticket(relay, good)["ticket"]
    unused = ticket(relay, good)["ticket"]
    answers = []

    def hear(**options):
        peer, stream = handshake(relay, **options)
        with peer:
            peer.settimeout(0.3)
            try:
                answers.append(stream.read(65536) or b"")
            except (socket.timeout, OSError):
                pass

    assert is_let_in(relay, headers=bearer(good)) is True
    assert is_let_in(relay, path=f"{CHAT}?access_token={good}") is True
    assert is_let_in(relay, path=f"{CHAT}?ticket={used}") is True
    for text in (MARK, f"{MARK}.{MARK}.{MARK}", MARK * 30, good + MARK,
                 f"{MARK}%0d%0a", f'"{MARK}\\'):
        hear(headers=bearer(text))
        hear(headers={"Authorization": f"Basic {text}"})
        hear(headers={"Cookie": f"session={text}", "X-Api-Key": text})
        for name in ("access_token", "ticket", "token", "user_id", "after"):
            hear(path=f"{CHAT}?{name}={text}".replace('"', "%22")
                 .replace("\\", "%5c"))
            hear(path=f"{EVENTS}?session_id=s&{name}={text}"
                 .replace('"', "%22").replace("\\", "%5c"))
        for path in ("/api/v1/auth/ws-ticket", f"/{text[:200]}", CHAT):
            for method in ("GET", "POST", "DELETE"):
                answer = request(relay, method, path.replace('"', "")
                                 .replace("\\", ""), bearer(text))
                answers.append(repr(answer).encode())
    hear(protocols=f"relay.v1, ticket.{MARK}")
    hear(protocols=f"ticket.{MARK}")
    assert relay.metric("relay_auth_total") > 20
    assert_nowhere(relay, MARK, good[-30:], used, unused)
    assert not [a for a in answers if MARK.encode() in a]
    # In Redis stands the digest of a ticket, never the ticket or the token.
    dump = b"".join(k + (store.get(k) or b"") for k in
                    store.keys("relay:ticket:*"))
    assert dump and unused.encode() not in dump and good.encode() not in dump
    assert_nothing_to_see(relay, MARK, good)
    for line in relay.logged().splitlines():
        json.loads(line)


def test_secrets_of_the_operator(start_relay, tmp_path, source):
    password = f"{MARK}pass"
    keys = Keys(tmp_path)
    secret = f"{MARK}secret-of-thirty-two-bytes-and-more"
    keys.secret.write_text(secret + "\n")
    host = source.url.split("//")[1]
    url = f"http://{MARK}user:{MARK}word@{host}?key={MARK}query"
    config = tmp_path / "relay.json"
    config.write_text(json.dumps({
        "auth": {"mode": "jwt", "secret_file": str(keys.secret), "jwks": url,
                 "refetch_seconds": 1, "refresh_seconds": 1},
        "redis": f"redis://:{password}@127.0.0.1:1/0"}))
    relay = start_relay(f"redis://u:{password}@127.0.0.1:1/0", "--config",
                        config, "--log-level=debug",
                        environment={"RELAY_REDIS": f"redis://:{password}x@h"})
    assert is_let_in(relay, headers=bearer(
        token(key=secret.encode(), iss="x"))) is True
    assert is_let_in(relay, headers=bearer(token("ES256"))) is True
    source.mood = "status"
    wait_for(lambda: "keys_not_read" in relay.logged())
    wait_for(lambda: '"component":"redis"' in relay.logged())
    assert_nowhere(relay, MARK)
    assert_nothing_to_see(relay, MARK)
    # What was hidden is not lost: a reload reads it again.
    relay.process.send_signal(signal.SIGHUP)
    wait_for(lambda: '"action":"reloaded"' in relay.logged())
    source.mood = "fine"
    asked = len(source.asked)
    wait_for(lambda: len(source.asked) > asked)
    assert_nowhere(relay, MARK)
    printed = subprocess.run(
        [str(RELAYD), "--config", str(config), "--print-config"],
        capture_output=True, text=True, cwd=str(ROOT),
        env=dict(os.environ, RELAY_AUTH_JWKS=url.replace("key=", "a&b=")))
    assert printed.returncode == 0 and MARK not in printed.stdout
    assert 'auth.jwks = "http://***@' in printed.stdout
    assert "?***" in printed.stdout
    for name, text in reports(
            "--relay", relay.admin, "--config", config, "--log",
            relay.log_path, env={"RELAY_AUTH_JWKS": url}):
        assert MARK not in text, name
        assert "http://***@" in text
    # A URL that cannot be used is not quoted by what refuses it.
    for arguments in (["--redis", f"bad://{password}@h"],
                      ["--redis", f"redis://u:{password}@h:x/0"]):
        refused = subprocess.run(
            [str(RELAYD), "--config", str(config), *arguments,
             "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            capture_output=True, text=True, cwd=str(ROOT), timeout=60)
        assert refused.returncode != 0
        assert MARK not in refused.stdout + refused.stderr, refused.stderr
    # The child that fetches gets the URL by its standard input.
    source.mood = "slow"
    seen = wait_for(lambda: children(relay), 10, "relay-fetch to run")
    assert all(MARK.encode() not in text for text in seen)


def children(relay):
    """Arguments and environments of all relay-fetch under this relay."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() != "relay-fetch":
                continue
            if str(relay.pid) in ancestors(folder.name):
                found += [(folder / "cmdline").read_bytes(),
                          (folder / "environ").read_bytes()]
        except OSError:
            pass
    return found


def ancestors(pid):
    pids = set()
    while pid not in ("0", "1"):
        pids.add(pid)
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        pid = stat.rsplit(")", 1)[1].split()[1]
    return pids


def is_dumpable(pid):
    """Whose files in /proc are root's, of another user's process, may neither
    be traced by that user nor leave a core."""
    return (pathlib.Path(f"/proc/{pid}/environ").stat().st_uid ==
            pathlib.Path(f"/proc/{pid}").stat().st_uid)


def move_out(folder):
    """The relay to where every user may run it: the tree may stand in a home
    that is closed to others, as root's is."""
    place = pathlib.Path(folder, "bin")
    place.mkdir()
    shutil.copytree(ROOT / "schemas",
                    pathlib.Path(folder, "share/relay/schemas"))
    return shutil.copy(RELAYD, place)


@pytest.mark.skipif(sandbox_for() == "off" or os.getuid() != 0,
                    reason="needs the sandbox, and root to be another user")
@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_nobody_may_look_into_its_memory(sandbox):
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        ports = pathlib.Path(folder, "ports")
        relay = subprocess.Popen(
            [move_out(folder), "--listen", "127.0.0.1:0", "--admin-listen",
             "127.0.0.1:0", "--redis", "unix:/none", "--port-file", ports,
             "--sandbox", sandbox], cwd="/", user=65534, group=65534,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: ports.exists() or relay.poll() is not None, 20)
            assert relay.poll() is None, relay.stderr.read()
            wait_for(lambda: is_dumpable(relay.pid) == (sandbox == "off"))
        finally:
            relay.kill()
            relay.wait()
            relay.stderr.close()


def test_the_private_redis_inherits_no_secret(start_relay, tmp_path, source):
    keys = Keys(tmp_path)
    host = source.url.split("//")[1]
    relay = start_relay(
        None, *keys.options(jwks=False), environment={
            "RELAY_AUTH_JWKS": f"http://{MARK}user:{MARK}word@{host}"})
    assert is_let_in(relay, headers=bearer(token("ES256"))) is True
    names = [(folder / "comm").read_text().strip() for folder in family(relay)]
    assert "redis-server" in names
    assert_nothing_to_see(relay, MARK)
