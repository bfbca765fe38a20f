# SPDX-License-Identifier: MIT
"""What a relay that serves has given up, seen from outside."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from harness import (RELAYD, ROOT, Publisher, Subscriber, run, sandbox_for,
                     wait_for)

pytestmark = pytest.mark.skipif(
    sandbox_for() == "off", reason="a sanitizer is built in")
UNIT = ROOT / "tools" / "packaging" / "relayd.service"


def facts(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def keeper_of(relay):
    children = pathlib.Path(
        f"/proc/{relay.pid}/task/{relay.pid}/children").read_text().split()
    assert len(children) == 1, children
    return int(children[0])


def test_every_thread_is_without_rights(start_relay, redis_server):
    relay = start_relay(redis_server, workers=2)
    threads = list(pathlib.Path(f"/proc/{relay.pid}/task").iterdir())
    assert len(threads) >= 3
    for thread in threads:
        told = facts(f"{relay.pid}/task/{thread.name}")
        assert told["NoNewPrivs"] == "1"
        assert told["Seccomp"] == "2"
        for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(told[which], 16) == 0, which
    limits = pathlib.Path(f"/proc/{relay.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if "core file" in line)
    assert core.split()[4:6] == ["0", "0"]


def test_what_must_fail_inside_fails():
    answer = subprocess.run(
        [RELAYD, "--probe-sandbox"], capture_output=True, text=True,
        env=dict(os.environ, RELAY_SANDBOX="off"), timeout=30)
    assert answer.returncode == 0, answer.stdout
    lines = answer.stdout.splitlines()
    assert not any("ALLOWED" in line for line in lines)
    for what in ("open /etc/passwd", "execve", "ptrace", "raw IP socket"):
        assert any(line.startswith(what) and line.endswith("refused")
                   for line in lines), answer.stdout


def test_sandbox_off_is_off_and_said(start_relay, redis_server):
    relay = start_relay(redis_server, "--sandbox", "off")
    assert facts(relay.pid)["Seccomp"] == "0"


def test_the_private_redis_is_kept_from_outside_the_sandbox(start_relay):
    relay = start_relay()
    keeper = keeper_of(relay)
    lock = relay.folder / "state" / "redis.lock"
    first = int(lock.read_text())
    os.kill(first, signal.SIGKILL)
    # The file is empty for a moment.
    wait_for(lambda: lock.read_text().strip() not in ("", str(first)),
             what="another redis-server")
    wait_for(lambda: relay.get("/ready")[0] == 200, 20, "/ready")
    assert relay.stop() == 0
    wait_for(lambda: not pathlib.Path(f"/proc/{keeper}").exists(),
             what="the keeper to end")


def test_signals_for_the_whole_group_leave_redis_for_the_drain(start_relay):
    relay = start_relay()
    keeper = keeper_of(relay)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(keeper, number)
    assert relay.get("/ready")[0] == 200
    assert pathlib.Path(f"/proc/{keeper}").exists()


def test_a_relay_that_lost_its_keeper_ends_and_says_so(start_relay):
    relay = start_relay()
    os.kill(keeper_of(relay), signal.SIGKILL)
    assert relay.process.wait(20) == 70
    assert "keeper_lost" in relay.logged()


def test_the_keeper_of_a_killed_relay_stops_redis(start_relay):
    relay = start_relay()
    keeper = keeper_of(relay)
    server = int((relay.folder / "state" / "redis.lock").read_text())
    relay.kill()
    for pid in (keeper, server):
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 15,
                 f"{pid} to end")


def test_a_service_manager_is_told(start_relay, redis_server, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20)
        relay = start_relay(redis_server, environment={
            "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"})
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert relay.stop() == 0
        words = set()
        manager.settimeout(0.2)
        try:
            while True:
                words.add(manager.recv(100))
        except socket.timeout:
            pass
        assert b"STOPPING=1" in words


def test_events_flow_inside(start_relay, redis_server, store):
    relay = start_relay(redis_server, "--sandbox", "on")
    publisher = Publisher(store)

    async def scene():
        subscriber = await Subscriber(relay, "s").connect()
        publisher.publish_many("s", range(100))
        await subscriber.read_until(lambda log: len(log.got) == 100)
        await subscriber.socket.close()
    run(scene())


@pytest.mark.skipif(not shutil.which("systemd-analyze"),
                    reason="no systemd-analyze")
def test_the_unit_is_confined():
    answer = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(UNIT)],
        capture_output=True, text=True, timeout=60)
    last = answer.stdout.strip().splitlines()[-1]
    assert float(last.split(":")[1].split()[0]) <= 1.2, last
