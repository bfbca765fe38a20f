# SPDX-License-Identifier: MIT
"""The servers that are measured: each starts, says what `relayctl bench` must
be told to measure it, and stops. A system that cannot run here raises
Missing with the reason."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from machine import CLIENT_CORE, SERVER_CORE, pin

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = ROOT / "tools" / "bench" / "peers"
BUILD = pathlib.Path(os.environ.get("RELAY_BUILD", ROOT / "build" / "release"))


class Missing(Exception):
    """This system cannot be measured here; the text says why."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(condition, what, process=None, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if process and process.poll() is not None:
            raise Missing(f"{what}: ended with {process.returncode}")
        if time.monotonic() > end:
            raise Missing(f"{what}: not there after {seconds} s")
        time.sleep(0.02)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child that is ended by its own id."""

    def __init__(self, command, core, log):
        self.log = open(log, "wb")
        command = pin(command, core) if core is not None else command
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Redis:
    def __init__(self, folder):
        self.socket = f"{folder}/redis.sock"
        self.url = f"unix:{self.socket}"
        self.process = Process(
            ["redis-server", "--port", 0, "--unixsocket", self.socket,
             "--save", "", "--appendonly", "no", "--dir", folder],
            CLIENT_CORE, f"{folder}/redis.log")
        wait_until(lambda: self.run("PING") == "PONG", "redis-server",
                   self.process.process)

    def run(self, *words):
        done = subprocess.run(["redis-cli", "-s", self.socket,
                               *map(str, words)],
                              capture_output=True, text=True)
        return done.stdout.strip()

    def calls(self, *commands):
        """How often these commands were called, in all."""
        total = 0
        for line in self.run("INFO", "commandstats").split("\n"):
            name, _, figures = line.strip().partition(":")
            if name.removeprefix("cmdstat_") in commands:
                total += int(figures.split(",")[0].removeprefix("calls="))
        return total

    def stop(self):
        self.process.stop()


class System:
    """name; started with the Redis to use and the number of streams."""

    name = ""
    client = ()
    # Of bursts: peers that pay for each event alike need not get all.
    events_max = None

    def __init__(self, folder, redis, streams):
        self.folder = pathlib.Path(folder) / self.name.replace(" ", "_")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis = redis
        self.streams = streams
        self.key = f"bench:{self.name.replace(' ', '_')}"
        self.port = free_port()
        redis.run("DEL", self.key)
        self.process = None
        try:
            self.start()
        except Missing:
            self.stop()
            raise

    def run(self, *command, core=SERVER_CORE):
        self.process = Process(command, core, self.folder / "log")

    def run_and_wait(self, *command):
        self.run(*command)
        wait_until(lambda: answers(self.port), self.name,
                   self.process.process)

    def before_run(self):
        """A run is about to begin."""

    def miscounted(self, result):
        """What is wrong with the server's own counts after a run, or None."""

    def between_runs(self):
        """What a run has left behind is no burden for the next one."""
        self.redis.run("XTRIM", self.key, "MAXLEN", "0")

    def stop(self):
        if self.process:
            self.process.stop()

    def fed_by_one_stream(self, query="/?stream={n}"):
        """URL, key and fields of the servers that read one stream."""
        return ["--url", f"ws://127.0.0.1:{self.port}{query}",
                "--pid", self.process.pid, "--redis", self.redis.url,
                "--key", self.key, "--field", "stream={n}",
                "--field", "event={event}"]


class Relay(System):
    name = "relay"
    workers = 1
    core = SERVER_CORE
    extra = ()

    def start(self):
        self.ports = self.folder / "ports.json"
        self.ports.unlink(missing_ok=True)
        self.run(BUILD / "relayd", "--redis", self.redis.url, "--listen",
                 "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--mode",
                 "enforce", "--workers", self.workers, "--drain-seconds", "0",
                 "--port-file", self.ports, *self.extra, core=self.core)
        wait_until(self.ports.exists, "relayd", self.process.process)
        self.client = ["--port-file", self.ports]

    def between_runs(self):
        """relayctl bench takes the relay's streams away itself."""

    def frames(self):
        """Event frames that it says it has handed to the kernel."""
        return int(sum(value for name, value in self.metrics().items()
                       if name.startswith("relay_frames_total{")))

    def before_run(self):
        self.frames_before = self.frames()

    def miscounted(self, result):
        counted = self.frames() - self.frames_before
        arrived = result["delivered"] + result["probes"]
        if counted != arrived:
            return (f"the relay counts {counted} frames as sent, "
                    f"{arrived} arrived")
        return None

    def metrics(self):
        """Name (with labels) -> value."""
        import urllib.request
        admin = json.loads(self.ports.read_text())["admin"]
        text = urllib.request.urlopen(
            f"http://{admin}/metrics", timeout=5).read().decode()
        pairs = (line.rsplit(" ", 1) for line in text.splitlines()
                 if line and line[0] != "#")
        return {name: float(value) for name, value in pairs}


class RelayDeflate(Relay):
    """With clients that negotiate compression, and inflate."""

    name = "relay, deflate"
    extra = ("--deflate",)

    def start(self):
        super().start()
        self.client.append("--deflate")

    def miscounted(self, result):
        arrived = result["delivered"] + result["probes"]
        if result["compressed"] != arrived:
            return (f"{result['compressed']} of {arrived} events came "
                    "compressed")
        return super().miscounted(result)


class RelayFree(Relay):
    """Not kept to one core."""

    name = "relay, 1 worker"
    core = None


class Raw(System):
    name = "raw"
    pause_us = 0  # before each read

    def start(self):
        self.run_and_wait(BUILD / "raw_server", self.port, self.streams,
                          "redis", self.redis.socket, self.key, 1000,
                          self.pause_us)
        self.client = self.fed_by_one_stream()


class RawPausing(Raw):
    """Pauses for as long as the relay may (pace.max_us) when events come
    fast: many are read at once, which costs time and saves work."""

    name = "raw, 1 ms pause"
    pause_us = 1000


class RawKeys(System):
    """What the relay is asked for, at its least: a Redis stream for each,
    told of by CLIENT TRACKING, read with an XREAD. No pause, no contract."""

    name = "raw, a key each"

    def start(self):
        self.run_and_wait(BUILD / "raw_server", self.port, self.streams,
                          "keys", self.redis.socket, f"{self.key}:")
        self.client = ["--url", f"ws://127.0.0.1:{self.port}/?stream={{n}}",
                       "--pid", self.process.pid, "--redis", self.redis.url,
                       "--key", f"{self.key}:{{n}}", "--field",
                       "event={event}"]

    def between_runs(self):
        self.redis.run("EVAL", "for n = 0, ARGV[2] - 1 do redis.call('XTRIM',"
                       " ARGV[1] .. n, 'MAXLEN', 0) end", 0,
                       f"{self.key}:", self.streams)


class RawInside(System):
    """The raw server makes the events itself, flat out: no Redis in the way.
    It ends with the run. A subclass says how many."""

    name = "raw, no Redis"
    subscribers = 1000
    events = 1000
    burst = 1

    def start(self):
        self.run_and_wait(BUILD / "raw_server", self.port, self.streams,
                          "inside", self.subscribers, self.events, self.burst)
        self.client = ["--url", f"ws://127.0.0.1:{self.port}/?stream={{n}}",
                       "--pid", self.process.pid, "--no-publish"]


class Nchan(System):
    name = "nchan"
    events_max = 1000
    module = "/usr/lib/nginx/modules/ngx_nchan_module.so"

    def start(self):
        if not os.path.exists(self.module) or not shutil.which("nginx"):
            raise Missing("Debian's libnginx-mod-nchan is not installed")
        text = (PEERS / "nchan.conf").read_text()
        for name, value in (("MODULE", self.module), ("PORT", self.port),
                            ("FOLDER", self.folder)):
            text = text.replace(f"@{name}@", str(value))
        (self.folder / "nginx.conf").write_text(text)
        self.run_and_wait(shutil.which("nginx"), "-e",
                          self.folder / "error.log", "-c",
                          self.folder / "nginx.conf")
        base = f"127.0.0.1:{self.port}"
        # Channels get a name of their own in each run: nchan keeps messages.
        self.client = ["--url", f"ws://{base}/sub?stream={{run}}-{{n}}",
                       "--publish",
                       f"http://{base}/pub?stream={{run}}-{{n}}",
                       "--pid", self.process.pid]


class Node(System):
    script = ""
    events_max = 1000

    def start(self):
        modules = ROOT / "build" / "bench" / "peers" / "node_modules"
        if not shutil.which("node") or not modules.exists():
            raise Missing("Node or its packages are not installed")
        shutil.copy(PEERS / self.script, modules.parent)
        self.run_and_wait(shutil.which("node"), modules.parent / self.script,
                          self.port, self.redis.socket, self.key)


class Ws(Node):
    name = "ws"
    script = "ws_server.js"

    def start(self):
        super().start()
        self.client = self.fed_by_one_stream()


class SocketIo(Node):
    name = "socket.io"
    script = "socketio_server.js"

    def start(self):
        super().start()
        # What the adapter's own emitter would write: a broadcast to a room.
        packet = ('{"opts":{"rooms":["{n}"],"except":[],"flags":{}},'
                  '"packet":{"type":2,"data":["event",{event}],"nsp":"/"}}')
        query = "/socket.io/?EIO=4&transport=websocket&stream={n}"
        self.client = ["--url", f"ws://127.0.0.1:{self.port}{query}",
                       "--hello", "40", "--pid", self.process.pid, "--redis",
                       self.redis.url, "--key", self.key, "--field",
                       "uid=bench", "--field", "nsp=/", "--field", "type=3",
                       "--field", f"data={packet}"]


ALL = {system.name: system for system in (Relay, Raw, Nchan, Ws, SocketIo)}


def variant(kind, name, **differences):
    """The same system under another name, with other attributes."""
    return type(kind.__name__, (kind,), {"name": name, **differences})
