# SPDX-License-Identifier: MIT
"""A relayd under abuse: a good client with traffic stands beside each bad
input, and afterwards nothing may be left of it."""

import json
import pathlib
import socket
import threading
import time
import urllib.parse

from raw import (CHAT, CLOSE, EVENTS, PING, PONG, SLOW, TEXT, Client, Ended, close_payload,
                 dial, wait_until)

GOOD_SESSION = "good"


def events_key(session):
    quoted = urllib.parse.quote(session, safe="-._~")
    return f"relay:events:{{default/anonymous/{quoted}}}"


class Store:
    """Redis in a few bytes."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def call(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self._answer()

    def _answer(self):
        line = self.file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else \
                self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        assert kind != b"-", rest
        return rest

    def publish(self, session, text):
        return self.call("XADD", events_key(session), "*", "event",
                         text).decode()

    def commands(self):
        return int(self.call("XLEN", "relay:commands"))


class GoodClient(threading.Thread):
    """Publishes and receives, from start to check()."""

    def __init__(self, relay, store_path):
        super().__init__(daemon=True)
        self.store = Store(store_path)
        self.client = Client(
            relay.address, f"{EVENTS}?session_id={GOOD_SESSION}",
            "Sec-WebSocket-Protocol: relay.v1\r\n", seconds=30)
        while b'"relay.live"' not in self.client.read_frame()[1]:
            continue
        self.published, self.received = [], []
        self.stopping = threading.Event()
        self.problem = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.start()

    def run(self):
        event = json.dumps({"type": "execution_step", "note": "good"})
        while not self.stopping.wait(0.01):
            self.published.append(self.store.publish(GOOD_SESSION, event))

    def _read(self):
        try:
            while True:
                opcode, payload, *_ = self.client.read_frame()
                if opcode == PING:
                    self.client.send(PONG, payload)
                elif opcode == TEXT and payload.startswith(b'{"cursor":"'):
                    self.received.append(payload.split(b'"')[3].decode())
        except (Ended, OSError, AssertionError) as problem:
            self.problem = problem

    def check(self):
        """Everything came, in order, on the one connection."""
        self.stopping.set()
        self.join()
        wait_until(lambda: len(self.received) >= len(self.published) or
                   self.problem, 10, "the good client's events")
        assert self.problem is None, self.problem
        assert self.received == self.published
        # Nobody may still read from the number of a descriptor that is closed.
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.client.socket.close()


def cpu_ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = fields.rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def assert_at_rest(pid, seconds=2):
    """Two seconds later, no work: a third of a second without any."""
    end = time.monotonic() + seconds * SLOW
    while True:
        before = cpu_ticks(pid)
        time.sleep(0.35)
        if cpu_ticks(pid) - before <= (1 if SLOW <= 4 else 6):
            return
        assert time.monotonic() < end, "relayd does not come to rest"


def assert_log_is_json(text):
    for line in text.splitlines():
        record = json.loads(line)
        assert {"ts", "level", "component", "action"} <= set(record), line


def talk(address, data, seconds=8, half_close=False):
    """All that the relay answers until it hangs up; None: it does not."""
    with dial(address) as peer:
        peer.settimeout(seconds * SLOW)
        try:
            peer.sendall(data)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while chunk := peer.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        except socket.timeout:
            return None
        return answer


def status_of(answer):
    """The status; "drop" without an answer, "held" if it does not end."""
    if answer is None:
        return "held"
    return int(answer.split()[1]) if answer else "drop"


class Scene:
    """What one case works with; made by the fixture `scene`."""

    def __init__(self, relay, store_path):
        self.relay = relay
        self.address, self.admin = relay.address, relay.admin
        self.store = Store(store_path)

    def status(self, data, seconds=8, admin=False):
        return status_of(
            talk(self.admin if admin else self.address, data, seconds))

    def connect(self, path=CHAT, headers=""):
        client = Client(self.address, path, headers)
        assert client.status == 101, client.head
        return client

    def chat(self):
        return self.connect(CHAT, "Sec-WebSocket-Protocol: relay.v1\r\n")

    def refused(self, client, text):
        """The error that answers a client frame; the socket stays open."""
        client.send(TEXT, text)
        answer = self.next_frame(client)
        assert answer["type"] == "error", answer
        return answer

    @staticmethod
    def next_frame(client):
        while True:
            opcode, payload, *_ = client.read_frame()
            if opcode == PING:
                client.send(PONG, payload)
                continue
            assert opcode == TEXT, (opcode, payload)
            frame = json.loads(payload)
            if not frame["type"].startswith("relay."):
                return frame

    def closes(self, data, code, path=CHAT):
        with self.connect(path) as client:
            client.send_bytes(data)
            client.assert_closed(code)

    def refuses_query(self, query, code, close=1008):
        """An error frame with this code, then the close."""
        with self.connect(f"{EVENTS}?{query}") as client:
            assert client.read_close() == close
            assert [json.loads(f)["code"] for f in client.before] == [code]
            client.send(CLOSE, close_payload(close))
            client.assert_ended()
