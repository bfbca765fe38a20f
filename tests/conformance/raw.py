# SPDX-License-Identifier: MIT
"""A WebSocket client made of bytes, on the standard library alone: says what
no library would say, and judges every byte that the server answers."""

import base64
import hashlib
import os
import random
import socket
import struct
import time

import secured

SLOW = float(os.environ.get("RELAY_TEST_SLOW", "1"))
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHAT = "/api/v1/ws/execution"
EVENTS = "/api/v1/ws/execution/events"

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA


class Ended(Exception):
    """The server has ended the connection."""


def dial(address, seconds=10):
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(seconds * SLOW)
        peer.connect(address[5:])
        return peer
    host, port = address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), seconds * SLOW)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return secured.wrap(address, peer)


def masked(payload, key):
    """XOR with the key, as one large number."""
    size = len(payload)
    if size == 0 or key == b"\0\0\0\0":
        return payload
    pattern = (key * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")
    return mixed.to_bytes(size, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, form=None,
          announce=None):
    """`form`: 7, 16 or 64 bits for the length, whatever is needed;
    `announce`: another length than the payload's."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if announce is None else announce
    form = form or (7 if size < 126 else 16 if size < 65536 else 64)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if form == 7:
        head = struct.pack(">BB", first, bit | size)
    elif form == 16:
        head = struct.pack(">BBH", first, bit | 126, size)
    else:
        head = struct.pack(">BBQ", first, bit | 127, size)
    if not mask:
        return head + payload
    key = random.randbytes(4)
    return head + key + masked(payload, key)


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


class Client:
    """An open WebSocket, or the refusal in `status`."""

    def __init__(self, address, path="/", headers="", seconds=10):
        self.seconds = seconds * SLOW
        self.socket = dial(address, seconds)
        self.socket.settimeout(self.seconds)
        self.buffer = b""
        self.closed_with = None
        key = base64.b64encode(random.randbytes(16)).decode()
        self.socket.sendall(
            (f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
             f"Sec-WebSocket-Version: 13\r\n{headers}\r\n").encode("latin-1"))
        head = self._head()
        self.status = int(head.split()[1])
        self.head = head
        if self.status == 101:
            accept = base64.b64encode(
                hashlib.sha1((key + GUID).encode()).digest()).decode()
            assert f"Sec-WebSocket-Accept: {accept}\r\n" in head, head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _head(self):
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head.decode("latin-1") + "\r\n\r\n"

    def _more(self):
        try:
            chunk = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            chunk = b""
        if not chunk:
            raise Ended
        self.buffer += chunk

    def _take(self, size):
        if len(self.buffer) < size:
            parts, have = [self.buffer], len(self.buffer)
            while have < size:
                self.buffer = b""
                self._more()
                parts.append(self.buffer)
                have += len(self.buffer)
            self.buffer = b"".join(parts)
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def send_bytes(self, data, chop=None):
        """`chop`: so many bytes a segment. A server that hung up is no
        error here: what it said before is read by the caller."""
        try:
            if chop is None:
                self.socket.sendall(data)
                return
            for at in range(0, len(data), chop):
                self.socket.sendall(data[at:at + chop])
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send(self, opcode, payload=b"", chop=None, **options):
        self.send_bytes(frame(opcode, payload, **options), chop)

    def send_in(self, pieces, opcode=TEXT, chop=None):
        """A message of these fragments."""
        for number, piece in enumerate(pieces):
            self.send(opcode if number == 0 else CONTINUATION, piece, chop,
                      fin=number == len(pieces) - 1)

    def read_frame(self):
        """(opcode, payload, fin, rsv); the server's frames are held to the
        same rules as ours."""
        first, second = self._take(2)
        size = second & 0x7F
        assert not second & 0x80, "the server masks"
        if size == 126:
            size, = struct.unpack(">H", self._take(2))
            assert size > 125
        elif size == 127:
            size, = struct.unpack(">Q", self._take(8))
            assert size > 65535
        opcode, fin, rsv = first & 15, first >> 7, first >> 4 & 7
        if opcode & 8:
            assert fin and size <= 125 and rsv == 0
        return opcode, self._take(size), fin, rsv

    def read(self, opcode=None):
        """The payload of the next frame, of this opcode."""
        got, payload, fin, rsv = self.read_frame()
        assert fin and rsv == 0
        if got == CLOSE:
            self.closed_with = payload
        assert opcode is None or got == opcode, (got, payload[:200])
        return payload

    def echoes(self, opcode, payload, chop=None):
        self.send(opcode, payload, chop)
        expected = payload.encode() if isinstance(payload, str) else payload
        assert self.read(opcode) == expected

    def read_close(self):
        """The code of the close frame that comes next, None without one;
        other frames before it are given in `self.before`."""
        self.before = []
        while True:
            opcode, payload, *_ = self.read_frame()
            if opcode == CLOSE:
                assert len(payload) != 1
                return struct.unpack(">H", payload[:2])[0] if payload \
                    else None
            if opcode != PING:
                self.before.append(payload)

    def assert_ended(self, seconds=1.0):
        """Nothing more comes, and the server hangs up in time."""
        self.socket.settimeout(max(seconds * SLOW, seconds))
        try:
            while True:
                got = self.read_frame()
                assert got[0] != CLOSE, "a second close frame"
                raise AssertionError(f"a frame behind the close: {got}")
        except Ended:
            assert self.buffer == b""

    def assert_closed(self, code, answer=True):
        """The server closes with this code; we answer; it hangs up."""
        assert self.read_close() == code
        if answer:
            self.send(CLOSE, b"" if code is None else close_payload(code))
        self.assert_ended()

    def close(self, code=1000):
        self.send(CLOSE, close_payload(code))
        assert self.read_close() == code
        self.assert_ended()


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
