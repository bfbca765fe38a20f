# SPDX-License-Identifier: MIT
"""What every integration test stands on: a private redis-server, the real
relayd, clients that keep a log, and waiting for conditions instead of
sleeping. Everything lives in a temp folder, on Unix sockets or free ports, and
ends with the test."""

import asyncio
import hashlib
import inspect
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import redis
import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("RELAY_BUILD", ROOT / "build" / "release"))
RELAYD = BUILD / "relayd"
RELAYCTL = BUILD / "relayctl"
# Sanitizers and valgrind are slower; deadlines stretch, verdicts do not.
SLOW = float(os.environ.get("RELAY_TEST_SLOW", "1"))

CHAT = "/api/v1/ws/execution"
EVENTS = "/api/v1/ws/execution/events"


def wait_for(condition, seconds=10.0, what="condition"):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SLOW:.1f} s for {what}")
        time.sleep(0.005)


async def until(condition, seconds=10.0, what="condition"):
    """The same inside a coroutine."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SLOW:.1f} s for {what}")
        await asyncio.sleep(0.002)


def run(coroutine, seconds=120.0):
    """Runs a scene to its end, with a time limit."""
    return asyncio.run(asyncio.wait_for(coroutine, seconds * SLOW))


class RedisServer:
    """A real redis-server on a Unix socket in `folder`."""

    def __init__(self, folder, *arguments, appendonly=True, fsync="always"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = str(self.folder / "redis.sock")
        self.url = f"unix:{self.socket}"
        self.arguments = [
            "redis-server", "--port", "0", "--unixsocket", self.socket,
            "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes" if appendonly else "no",
            "--appendfsync", fsync, "--loglevel", "warning",
            "--logfile", str(self.folder / "redis.log"), *arguments]
        self.process = None
        self.start()

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, 20, "redis-server to answer")

    def answers(self):
        assert self.process.poll() is None, "redis-server has ended"
        try:
            with self.client() as client:
                return client.ping()
        except redis.exceptions.RedisError:
            return False

    def client(self, **options):
        return redis.Redis(unix_socket_path=self.socket, **options)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


def is_sanitized():
    """Is a sanitizer built in, which takes and keeps memory of its own?"""
    program = RELAYD.read_bytes()
    return any(mark in program for mark in (b"__asan_init", b"__tsan_init"))


def sandbox_for(wrapper=()):
    """Whatever the relay does that its sandbox does not know ends it, and the
    test with it. Sanitizers and valgrind need more than it allows."""
    return "off" if wrapper or is_sanitized() else "trap"


class Relay:
    """A real relayd. `redis` may be None for its private one."""

    def __init__(self, folder, redis_server=None, *arguments, listen=None,
                 environment=None, program=RELAYD, wrapper=(), workers=1,
                 ready=200):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.redis = redis_server
        self.extra = [str(a) for a in arguments]
        self.listen = listen or "127.0.0.1:0"
        self.environment = dict(
            os.environ, RELAY_DRAIN_SECONDS="1",
            RELAY_SANDBOX=sandbox_for(wrapper), **(environment or {}))
        self.program = program
        self.wrapper = list(wrapper)
        self.workers = workers
        self.client_options = {}  # of every WebSocket that comes to it
        self.starts = 0
        self.process = None
        self.start()
        # Its links to Redis come up a moment after the listeners.
        if isinstance(redis_server, RedisServer) and redis_server.is_running():
            wait_for(lambda: self.get("/ready")[0] == ready, 20, "/ready")

    def start(self):
        self.starts += 1
        self.port_file = self.folder / f"port.{self.starts}.json"
        self.log_path = self.folder / f"relayd.{self.starts}.log"
        command = [*self.wrapper, str(self.program),
                   "--listen", self.listen,
                   "--admin-listen", "127.0.0.1:0",
                   "--port-file", str(self.port_file),
                   "--state-dir", str(self.folder / "state"),
                   "--workers", str(self.workers), *self.extra]
        if self.redis is not None:
            command += ["--redis", self.redis if isinstance(self.redis, str)
                        else self.redis.url]
        self.command = command
        self.log = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, env=self.environment, cwd=str(ROOT))
        wait_for(self._ready, 20, "relayd's port file")
        ports = json.loads(self.port_file.read_text())
        self.ports = ports
        self.address = ports["listen"]
        self.admin = ports["admin"]
        # A restart comes back on the same port, as behind a proxy.
        self.listen = self.address

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"relayd exited {self.process.returncode}: {self.logged()}")
        return self.port_file.exists()

    @property
    def pid(self):
        return self.process.pid

    def logged(self):
        return self.log_path.read_text(errors="replace")

    def ws(self, path, **query):
        text = urllib.parse.urlencode(query)
        return f"ws://{self.address}{path}" + (f"?{text}" if text else "")

    def get(self, path, admin=True, timeout=5):
        """(status, headers, body) of a GET."""
        url = f"http://{self.admin if admin else self.address}{path}"
        try:
            with urllib.request.urlopen(url, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def status(self):
        return json.loads(self.get("/api/v1/runtime/status")[2])

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        figures = {}
        for line in self.get("/metrics")[2].decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                figures[name] = float(value)
        return figures

    def metric(self, name):
        """The sum over all label sets of one metric."""
        return sum(v for k, v in self.metrics().items()
                   if k == name or k.startswith(name + "{"))

    def cpu_ticks(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text()
        fields = fields.rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def rss_bytes(self):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def stop(self, seconds=30):
        """SIGTERM and the exit code; kills what does not end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("relayd did not end on SIGTERM")
            finally:
                self.log.close()
        return self.process.returncode

    def assert_at_rest(self):
        """0 % CPU: within ten seconds a half second without work is seen."""
        def resting():
            before = self.cpu_ticks()
            time.sleep(0.5)
            return self.cpu_ticks() - before <= 1
        wait_for(resting, 10, "relayd to be at rest")


def events_key(session, tenant="default", user="anonymous"):
    """The key of a session's event stream, wire.md section 4."""
    quote = lambda text: urllib.parse.quote(text, safe="-._~")
    return f"relay:events:{{{quote(tenant)}/{quote(user)}/{quote(session)}}}"


def step(number, session="s", pad=0, label="assistant_token"):
    """An execution_step that the bundled contract accepts."""
    run_id = f"default:anonymous:{session}:1"
    return {
        "type": "execution_step", "run_id": run_id, "workspace_id": "default",
        "user_id": "anonymous", "session_id": session,
        "step": {"id": f"{run_id}:s{number}", "parent_id": f"{run_id}:root",
                 "type": "llm", "label": label, "depth": 0,
                 "actor_kind": "root_rlm", "actor_id": None,
                 "lane_key": "root_rlm:depth-0",
                 "input": {"event_kind": "text"},
                 "output": {"text": f"token {number} " + "x" * pad},
                 "timestamp": 1780142402.5},
        "summary": None, "sequence": number + 1,
        "timestamp": "2026-05-30T12:00:03.125000Z"}


def completed(number, session="s"):
    """An execution_completed with null step and summary (disconnect)."""
    event = step(number, session)
    event.update(type="execution_completed", step=None)
    return event


def dumps(event):
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def digest(text):
    if isinstance(text, str):
        text = text.encode()
    return hashlib.sha1(text).hexdigest()


def split_cursor(frame):
    """(cursor, the producer's own text) of an event frame."""
    head = '{"cursor":"'
    assert frame.startswith(head), frame[:80]
    end = frame.index('"', len(head))
    cursor, rest = frame[len(head):end], frame[end + 1:]
    if rest.startswith(","):
        rest = rest[1:]
    return cursor, "{" + rest


def id_key(text):
    ms, seq = text.split("-")
    return int(ms), int(seq)


class Publisher:
    """Writes events and logs every acknowledged id, number and digest."""

    def __init__(self, client):
        self.client = client
        self.acknowledged = {}  # key -> [(id, number, digest)]

    def publish(self, session, number, pad=0, **identity):
        key = events_key(session, **identity)
        text = dumps(step(number, session, pad))
        entry = self.client.xadd(key, {"event": text})
        self.log(key, entry, number, text)
        return entry.decode()

    def publish_many(self, session, numbers, pad=0, **identity):
        key = events_key(session, **identity)
        pipe = self.client.pipeline(transaction=False)
        texts = [dumps(step(n, session, pad)) for n in numbers]
        for text in texts:
            pipe.xadd(key, {"event": text})
        for entry, number, text in zip(pipe.execute(), numbers, texts):
            self.log(key, entry, number, text)

    def log(self, key, entry, number, text):
        self.acknowledged.setdefault(key, []).append(
            (entry.decode(), number, digest(text)))


class Log:
    """What one subscriber got over all its connections together."""

    def __init__(self, session, start="0-0", name="", types=None):
        self.session = session
        self.key = None             # of its stream, if not default/anonymous
        self.start = start          # exclusive: what it is owed lies behind
        self.name = name
        self.types = types          # None: every type of the stream
        self.got = []               # [(cursor, digest)]
        self.gaps = []              # the gap notices
        self.notices = []           # every relay.* frame
        self.errors = []            # every error frame without a cursor
        self.position = None if start is None else start
        self.times = []

    def take(self, text):
        """Sorts one frame into the log; returns its kind."""
        if text.startswith('{"cursor":"'):
            cursor, own = split_cursor(text)
            self.got.append((cursor, digest(own)))
            self.times.append(time.monotonic())
            self.position = cursor
            return "event"
        frame = json.loads(text)
        if frame["type"].startswith("relay."):
            self.notices.append(frame)
            if frame["type"] == "relay.gap":
                self.gaps.append(frame)
                self.position = frame["through"]
            elif frame["type"] in ("relay.live", "relay.cursor"):
                self.position = frame["cursor"]
                if self.start is None:
                    self.start = frame["cursor"]
        else:
            self.errors.append(frame)
        return frame["type"]


class Subscriber:
    """A client of the execution endpoint that keeps a Log and resumes."""

    def __init__(self, relay, session, start="0-0", notices=True, name="",
                 **options):
        self.relay = relay
        self.log = Log(session, start, name)
        self.notices = notices
        self.options = options      # of connect()
        self.socket = None
        self.connects = 0

    def url(self):
        query = {"session_id": self.log.session}
        if self.log.position is not None:
            query["after"] = self.log.position
        return self.relay.ws(EVENTS, **query)

    async def connect(self):
        self.connects += 1
        self.socket = await connect(
            self.url(), notices=self.notices,
            **{**self.relay.client_options, **self.options})
        return self

    async def read(self):
        """One frame into the log."""
        return self.log.take(await self.socket.recv())

    async def read_until(self, condition, seconds=30.0):
        async def loop():
            while not condition(self.log):
                await self.read()
        await asyncio.wait_for(loop(), seconds * SLOW)

    async def follow(self, condition, seconds=60.0):
        """Reads until the condition, reconnecting whenever it is cut."""
        async def loop():
            while not condition(self.log):
                try:
                    if self.socket is None:
                        await self.connect()
                    await self.read()
                except (websockets.exceptions.WebSocketException, OSError):
                    await self.drop()
                    await asyncio.sleep(0.01)
        await asyncio.wait_for(loop(), seconds * SLOW)

    async def drop(self):
        """Cuts the TCP connection without a close frame."""
        if self.socket is not None:
            cut(self.socket)
            self.socket = None


# Since version 14 websockets has another client, which names this differently.
HEADERS = next(
    name for name in ("additional_headers", "extra_headers")
    if name in inspect.signature(websockets.connect.__init__).parameters)


def agreed_extensions(socket_):
    """Those agreed on; also kept in another place since then."""
    owner = socket_ if hasattr(socket_, "extensions") else socket_.protocol
    return owner.extensions


def connect(url, notices=True, headers=None, **options):
    if headers:
        options[HEADERS] = headers
    options.setdefault("max_size", None)
    options.setdefault("compression", None)
    options.setdefault("open_timeout", 10 * SLOW)
    options.setdefault("ping_interval", None)
    options.setdefault("max_queue", 64)
    if notices:
        options["subprotocols"] = ["relay.v1"]
    return websockets.connect(url, **options)


def cut(socket_):
    """Ends a connection as a lost network would: no close frame."""
    socket_.transport.abort()


async def receive_json(socket_, seconds=10.0):
    return json.loads(
        await asyncio.wait_for(socket_.recv(), seconds * SLOW))


async def receive_event(socket_, seconds=10.0):
    """The text of the next frame that is no notice."""
    while True:
        text = await asyncio.wait_for(socket_.recv(), seconds * SLOW)
        if not text.startswith('{"type":"relay.'):
            return text


async def bound(socket_, seconds=10.0):
    """Reads until the ack and the live notice are in, in whatever order;
    returns the ack."""
    notices = {}
    while not {"relay.ack", "relay.live"} <= set(notices):
        frame = await receive_json(socket_, seconds)
        notices[frame["type"]] = frame
        assert frame["type"] != "error", frame
    return notices["relay.ack"]


async def receive_type(socket_, kind, seconds=10.0, log=None):
    """Reads frames until one of this type; the others go to `log`."""
    while True:
        frame = await receive_json(socket_, seconds)
        if frame.get("type") == kind:
            return frame
        # Nobody waits for anything behind an error that was not expected.
        assert frame.get("type") != "error", frame
        if log is not None:
            log.append(frame)


async def closed_with(socket_, seconds=10.0):
    """(close code, reason) after reading whatever still comes."""
    async def loop():
        while True:
            await socket_.recv()
    try:
        await asyncio.wait_for(loop(), seconds * SLOW)
    except websockets.exceptions.ConnectionClosed:
        return socket_.close_code, socket_.close_reason
