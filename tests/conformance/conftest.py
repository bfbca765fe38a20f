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
