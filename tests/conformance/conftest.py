# SPDX-License-Identifier: MIT
import os
import pathlib
import signal
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
BUILD = pathlib.Path(os.environ.get(
    "RELAY_BUILD", HERE.parent.parent / "build" / "release"))

from raw import Client, wait_until  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--valgrind", action="store_true",
                     help="run relayd under valgrind")
    parser.addoption("--dice-seeds", type=int, default=3,
                     help="B45: how many seeds (all: 100)")
    parser.addoption("--dice-sequences", type=int, default=200,
                     help="B45: sequences of frames for each (all: 10000)")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow: takes more than ten seconds; tools/test --fast")


def pytest_sessionstart(session):
    if not (BUILD / "relay-echo-test").exists():
        pytest.exit(f"{BUILD}/relay-echo-test is not built; run tools/test",
                    returncode=3)


class Echo:
    """A running relay-echo-test."""

    def __init__(self, folder, *arguments):
        self.log_path = folder / "log"
        self.port_file = folder / "ports"
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [BUILD / "relay-echo-test", "--listen", "127.0.0.1:0",
             "--admin-listen", "127.0.0.1:0", "--port-file", self.port_file,
             *arguments], stdout=self.log, stderr=self.log)
        wait_until(lambda: self.port_file.exists() or
                   self.process.poll() is not None, 10, "the echo")
        assert self.process.poll() is None, self.log_path.read_text()
        import json
        ports = json.loads(self.port_file.read_text())
        self.address, self.admin = ports["listen"], ports["admin"]

    def connect(self, path="/", headers="", **options):
        client = Client(self.address, path, headers, **options)
        assert client.status == 101, client.head
        return client

    def rss_bytes(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.log.close()
        assert code == 0, self.log_path.read_text()


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """Messages up to 32 MiB; must end well, which a sanitizer decides."""
    running = Echo(tmp_path_factory.mktemp("echo"),
                   "--limits-frame-bytes", str(32 << 20))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def deflating_echo(tmp_path_factory):
    running = Echo(tmp_path_factory.mktemp("echo"), "--deflate=true",
                   "--limits-frame-bytes", str(32 << 20))
    yield running
    running.stop()


# --- relayd under abuse ---

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99",
            "--trace-children=no"]


@pytest.fixture(scope="module")
def abused_relay(request, tmp_path_factory):
    """A function that starts relayd with these options; each must end well,
    which sanitizers and valgrind decide."""
    from abused import assert_log_is_json
    from harness import RedisServer, Relay
    folder = tmp_path_factory.mktemp("abused")
    server = RedisServer(folder / "redis", appendonly=False)
    relays = {}

    def start(*options):
        if options not in relays:
            at = folder / f"relay{len(relays)}"
            wrapper = [*VALGRIND, f"--log-file={at}.valgrind"] \
                if request.config.getoption("--valgrind") else []
            relays[options] = Relay(at, server, *options, wrapper=wrapper)
            relays[options].store_path = server.socket
        return relays[options]

    yield start
    for number, relay in enumerate(relays.values()):
        code = relay.stop(60)
        report = folder / f"relay{number}.valgrind"
        found = report.read_text() if report.exists() else ""
        assert code == 0 and found == "", f"{code}: {found}{relay.logged()}"
        assert_log_is_json(relay.logged())
    server.stop()


@pytest.fixture
def scene(abused_relay):
    """One bad input beside one good client; what every case demands is
    demanded here."""
    from abused import (GoodClient, Scene, assert_at_rest,
                        assert_log_is_json)
    relay = abused_relay()
    good = GoodClient(relay, relay.store_path)
    yield Scene(relay, relay.store_path)
    assert relay.process.poll() is None, relay.logged()
    good.check()
    assert_at_rest(relay.pid)
    assert_log_is_json(relay.logged())
