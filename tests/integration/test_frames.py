# SPDX-License-Identifier: MIT
"""Hostile and unusual WebSocket frames (B21 to B31 of our list) and the life
of a connection: pings, silence, slow readers, half-closed sockets. Raw bytes
on raw sockets, since a library would not send them."""

import socket
import struct
import time

import pytest

from harness import EVENTS, CHAT, SLOW, Publisher, RedisServer, Relay, wait_for

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
MIB = 1 << 20


def frame(payload=b"", opcode=1, final=True, length=None, rsv=0, mask=True):
    """A client's frame; `length` may lie about the payload."""
    length = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 1 << 16:
        head += bytes([bit | 126]) + struct.pack(">H", length)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", length)
    if not mask:
        return head + payload
    key = b"\x01\x02\x03\x04"
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def closing(code, reason=b""):
    return frame(struct.pack(">H", code) + reason, 8)


class Peer:
    """A client that reads frames when told to, and only then."""

    def __init__(self, relay, path=CHAT, behind=b"", receive_buffer=None,
                 headers=""):
        host, port = relay.address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(10 * SLOW)
        self.rest = b""
        self.send((f"GET {path} HTTP/1.1\r\nHost: a\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {KEY}\r\n"
                   f"Sec-WebSocket-Version: 13\r\n{headers}\r\n").encode()
                  + behind)
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._some()
        self.head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        assert self.head.startswith(b"HTTP/1.1 101 "), self.head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _some(self):
        try:
            data = self.socket.recv(MIB)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        return data

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """(opcode, payload) of the next frame."""
        while True:
            parsed = self._parse()
            if parsed:
                return parsed
            self.rest += self._some()

    def _parse(self):
        data = self.rest
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7f, 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return None
        self.rest = data[start + length:]
        return data[0] & 15, data[start:start + length]

    def read_until(self, opcode):
        while True:
            kind, payload = self.read()
            if kind == opcode:
                return payload

    def close_code(self):
        """Of the close frame; 0: it holds none; None: there was none."""
        try:
            payload = self.read_until(8)
        except EOFError:
            return None
        assert payload[2:] == b""
        return int.from_bytes(payload[:2], "big") if payload else 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    server = RedisServer(folder / "redis")
    relay = Relay(folder / "relay", server)
    yield relay
    relay.assert_at_rest()
    assert relay.stop() == 0
    server.stop()


# What comes at once behind the handshake and what comes later take two ways
# through the library: each row goes both.
ROWS = [
    ("B21 a second request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1002),
    ("B22 bad UTF-8", frame(b"\xff"), 1007),
    ("B22 overlong", frame(b"\xc0\x80"), 1007),
    ("B22 a surrogate", frame(b"\xed\xa0\x80"), 1007),
    ("B22 cut short", frame(b"\xe2\x82"), 1007),
    ("B22 split and wrong", frame(b"\xe2\x82", final=False) +
     frame(b"x", 0), 1007),
    ("B24 RSV1", frame(b"a", rsv=4), 1002),
    ("B24 RSV2", frame(b"a", rsv=2), 1002),
    ("B24 RSV3", frame(b"a", rsv=1), 1002),
    *[(f"B24 opcode {n}", frame(b"a", n), 1002)
      for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    ("B25 continuation first", frame(b"a", 0), 1002),
    ("B25 text inside a message", frame(b"a", final=False) + frame(b"b"),
     1002),
    ("B25 fragmented ping", frame(b"a", 9, final=False), 1002),
    ("B25 ping of 126", frame(b"a" * 126, 9), 1002),
    ("B25 close of 126", frame(b"a" * 126, 8), 1002),
    ("B26 2^63", frame(b"aaa", length=1 << 63), 1002),
    ("B26 2^62", frame(b"aaa", length=1 << 62), 1009),
    ("B26 2^40", frame(b"aaa", length=1 << 40), 1009),
    ("B26 the limit and one", frame(b"a" * 300, length=MIB + 1), 1009),
    ("B26 over it in two", frame(b"a" * 300, length=MIB, final=False)
     + b"a" * (MIB - 300) + frame(b"a", 0), 1009),
    ("B27 many fragments", frame(b"a", final=False) +
     frame(b"a", 0, final=False) * 16384, 1008),
    ("B27 many empty ones", frame(final=False) +
     frame(opcode=0, final=False) * 16384, 1008),
    *[(f"B28 code {n}", closing(n), 1002)
      for n in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)],
    ("B28 one byte", frame(b"a", 8), 1002),
    ("B28 bad UTF-8", closing(1000, b"\xff"), 1002),
    # (libwebsockets 4 turns 1012 to 1014 into 1002 before we see them.)
    *[(f"a good close {n}", closing(n, b"bye"), n)
      for n in (1000, 1001, 1003, 1007, 1011, 3000, 4999)],
    ("a close without a code", frame(opcode=8), 0),
    ("B31 binary", frame(b"a", 2), 1003),
    ("B31 empty binary", frame(b"", 2), 1003),
]


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
@pytest.mark.parametrize("data,code", [
    pytest.param(data, code, id=name) for name, data, code in ROWS])
def test_a_bad_frame_closes_with_its_code(shared, data, code, at_once):
    with Peer(shared, behind=data if at_once else b"") as peer:
        if not at_once:
            try:
                peer.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert peer.close_code() == code


def test_after_its_close_frame_nothing_is_sent_and_it_ends(shared):
    with Peer(shared) as peer:
        peer.send(frame(b"a", 2))
        assert peer.close_code() == 1003
        peer.send(closing(1003))
        with pytest.raises(EOFError):
            peer.read()


def test_who_never_answers_a_close_is_left_within_six_seconds(shared):
    with Peer(shared) as peer:
        peer.send(frame(b"a", 2))
        assert peer.close_code() == 1003
        started = time.monotonic()
        with pytest.raises(EOFError):
            peer.read()
        assert time.monotonic() - started < 6 * SLOW


def test_a_ping_is_answered_with_its_bytes(shared):
    with Peer(shared) as peer:
        for payload in (b"", b"x", b"y" * 125):
            peer.send(frame(payload, 9))
            assert peer.read_until(10) == payload


def test_a_ping_between_fragments_is_answered(shared):
    with Peer(shared) as peer:
        peer.send(frame(b'{"type":', final=False) + frame(b"now", 9))
        assert peer.read_until(10) == b"now"
        peer.send(frame(b'"nothing"}', 0))
        assert b"nothing" in peer.read_until(1)


def test_a_frame_in_single_bytes_is_understood(shared):
    with Peer(shared) as peer:
        for byte in frame(b'{"type":"nothing"}'):
            peer.send(bytes([byte]))
        assert b"nothing" in peer.read_until(1)


def test_a_message_of_exactly_the_limit_is_taken(shared):
    text = b'"' + b"a" * (MIB - 2) + b'"'
    with Peer(shared) as peer:
        peer.send(frame(text))
        assert b"error" in peer.read_until(1)
        peer.send(closing(1000))
        assert peer.close_code() == 1000


@pytest.mark.slow
@pytest.mark.parametrize("opcode", [9, 10], ids=["pings", "pongs"])
def test_a_flood_of_controls_ends_in_1008(shared, opcode):
    with Peer(shared) as peer:
        peer.socket.settimeout(0.001)
        code = "none"
        give_up = time.monotonic() + 25 * SLOW
        while code == "none" and time.monotonic() < give_up:
            try:
                peer.send(frame(b"p", opcode))
                code = peer.close_code()
            except socket.timeout:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert code == 1008


# --- in time ---

@pytest.fixture
def hasty(start_relay, redis_server):
    """Pings every second, three seconds of silence, five of standstill."""
    return start_relay(redis_server, environment={
        "RELAY_LIMITS_PING_MS": "1000", "RELAY_LIMITS_PONG_MS": "3000",
        "RELAY_LIMITS_STUCK_MS": "5000"})


def clients(relay):
    return relay.metric("relay_clients")


def test_who_answers_no_ping_is_closed(hasty):
    with Peer(hasty) as peer:
        started = time.monotonic()
        peer.read_until(9)
        with pytest.raises(EOFError):
            while True:
                peer.read()
        assert 2 < time.monotonic() - started < 7 * SLOW


def test_who_answers_pings_stays(hasty):
    with Peer(hasty) as peer:
        for _ in range(6):
            peer.send(frame(peer.read_until(9), 10))
        assert clients(hasty) == 1


def test_each_of_several_is_pinged_again_and_again(hasty):
    with Peer(hasty) as one, Peer(hasty) as two, Peer(hasty) as three:
        for _ in range(4):
            for peer in (one, two, three):
                peer.send(frame(peer.read_until(9), 10))
        assert clients(hasty) == 3


def test_many_controls_over_a_long_time_are_no_flood(hasty):
    """Each time fewer than 200, two seconds apart."""
    with Peer(hasty) as peer:
        for _ in range(3):
            peer.read_until(9)
            peer.read_until(9)
            peer.send(frame(b"p", 10) * 150)
        peer.read_until(9)
        assert clients(hasty) == 1


def test_who_is_not_read_fills_no_memory(start_relay, redis_server):
    """While eight frames are unanswered the rest stays with the kernels."""
    relay = start_relay(
        redis_server, "--commands-timeout-ms=60000", "--limits-pong-ms=60000")
    command = frame(b'{"type":"message","session_id":"s","content":"%s"}' %
                    (b"x" * 60000))
    with Peer(relay) as peer:
        peer.send(command)
        redis_server.freeze()
        peer.socket.settimeout(2)
        sent = 0
        with pytest.raises(socket.timeout):
            while sent < 64 * MIB:
                sent += peer.socket.send(command)
        redis_server.thaw()


def test_who_talks_stays_without_pongs(hasty):
    with Peer(hasty) as peer:
        for _ in range(6):
            peer.read_until(9)
            peer.send(frame(b"{}"))
        assert clients(hasty) == 1


def fill(relay, redis_server, session):
    """A subscriber that has not read a byte of what is more than fits."""
    peer = Peer(relay, f"{EVENTS}?session_id={session}", receive_buffer=4096)
    Publisher(redis_server.client()).publish_many(
        session, range(2000), pad=1000)
    return peer


def test_who_reads_nothing_is_too_slow(hasty, redis_server):
    with fill(hasty, redis_server, "stuck") as peer:
        wait_for(lambda: hasty.metrics()[
            'relay_closes_total{reason="too_slow"}'] == 1, 20 * SLOW)
        # Whoever reads on now gets the rest in order and the reason.
        assert peer.read_until(8) == struct.pack(">H", 1008) + b"too_slow"


def test_who_reads_a_little_is_not_too_slow(hasty, redis_server):
    with fill(hasty, redis_server, "slow") as peer:
        until = time.monotonic() + 9
        while time.monotonic() < until:
            assert peer.socket.recv(2000)
            time.sleep(0.2)
        assert clients(hasty) == 1


def test_who_reads_slowly_through_its_own_buffer_stays(start_relay,
                                                       redis_server):
    """Nothing is queued on our side, yet it cannot come to our ping."""
    relay = start_relay(redis_server, environment={
        "RELAY_LIMITS_PING_MS": "1000", "RELAY_LIMITS_PONG_MS": "2000"})
    with Peer(relay, f"{EVENTS}?session_id=far",
              receive_buffer=MIB) as peer:
        Publisher(redis_server.client()).publish_many(
            "far", range(300), pad=1000)
        until = time.monotonic() + 7
        while time.monotonic() < until:
            assert peer.socket.recv(2000)
            time.sleep(0.2)
        assert clients(relay) == 1


def test_who_half_closes_is_gone_whether_full_or_not(hasty, redis_server):
    with fill(hasty, redis_server, "half") as full, Peer(hasty) as idle:
        wait_for(lambda: clients(hasty) == 2)
        idle.socket.shutdown(socket.SHUT_WR)
        full.socket.shutdown(socket.SHUT_WR)
        wait_for(lambda: clients(hasty) == 0, 5 * SLOW)
