# SPDX-License-Identifier: MIT
import json
import os
import pathlib
import signal
import subprocess

import secured
from raw import Client, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get(
    "RELAY_BUILD", ROOT / "build" / "release")) / "relay-echo-test"


class Echo:
    """A running relay-echo-test."""

    def __init__(self, folder, certificate, *arguments, listen="127.0.0.1:0"):
        if certificate:
            arguments += certificate.flags()
        self.log_path = folder / "log"
        self.port_file = folder / "ports"
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", listen,
             "--admin-listen", "127.0.0.1:0", "--port-file", self.port_file,
             *arguments], stdout=self.log, stderr=self.log)
        wait_until(lambda: self.port_file.exists() or
                   self.process.poll() is not None, 10, "the echo")
        assert self.process.poll() is None, self.log_path.read_text()
        ports = json.loads(self.port_file.read_text())
        self.address, self.admin = ports["listen"], ports["admin"]
        if certificate:
            secured.trust(self.address, certificate)

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
