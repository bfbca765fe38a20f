# SPDX-License-Identifier: MIT
"""A client that takes nothing still talks: what it sends, its close and its end
are noticed while the relay's bytes wait for it, with TLS as without."""

import json
import socket
import struct

import pytest

from auth_kit import read_frame, read_head
from harness import CHAT, SLOW, Publisher, wait_for
from heads import GOOD, request
from secure import Certificate, SecureRelay

TEXT, CLOSE = 1, 8
FULL = ("--limits-client-bytes", "65536")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["plain", "tls"])
def start(request, start_relay, redis_server, certificate, tmp_path):
    """A factory of relays with one kind of listener."""
    if request.param == "plain":
        yield lambda *options: start_relay(redis_server, *options)
        return
    relays = []

    def start_secure(*options):
        relays.append(SecureRelay(
            tmp_path / "secure", redis_server, certificate, *options))
        return relays[-1]
    yield start_secure
    for relay in relays:
        relay.assert_at_rest()
        assert relay.stop() == 0, relay.logged()


def frame(opcode, payload):
    """Of a client, final and masked with zeros."""
    length = len(payload)
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    else:
        head += bytes([0x80 | 126]) + struct.pack(">H", length)
    return head + bytes(4) + payload


def message(content):
    return frame(TEXT, json.dumps({
        "type": "message", "content": content, "session_id": "s"}).encode())


class Client:
    """A raw socket with little room, bound to session s by its first message
    and full of events that it does not read."""

    def __init__(self, relay, store):
        host, port = relay.address.rsplit(":", 1)
        self.raw = socket.socket()
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.raw.settimeout(20 * SLOW)
        self.raw.connect((host, int(port)))
        self.peer = self.raw
        if isinstance(relay, SecureRelay):
            self.peer = relay.certificate.trusting().wrap_socket(
                self.raw, server_hostname="localhost",
                suppress_ragged_eofs=False)
        self.stream = self.peer.makefile("rb", buffering=0)
        self.peer.sendall(request(
            headers=GOOD + "Sec-WebSocket-Protocol: relay.v1\r\n"))
        read_head(self.stream)
        self.send(message("first"))
        wait_for(lambda: store.xlen("relay:commands") == 1)
        Publisher(store).publish_many("s", range(200), pad=10000)
        wait_for(lambda: relay.metric("relay_behind_clients") == 1, 20)

    def send(self, data):
        self.peer.sendall(data)

    def end(self):
        """Says all that belongs to an end but closes nothing: the kernel would
        reset what has unread bytes."""
        if self.peer is not self.raw:
            self.peer.setblocking(False)
            try:
                self.peer.unwrap()
            except OSError:
                pass  # the relay's own goodbye lies behind all the rest
        self.peer.shutdown(socket.SHUT_WR)


@pytest.fixture
def open_client(store):
    clients = []

    def open_(relay):
        clients.append(Client(relay, store))
        return clients[-1]
    yield open_
    for client in clients:
        client.stream.close()
        client.peer.close()


@pytest.mark.parametrize("size", [10, 12000])
def test_its_commands_are_stored(start, store, open_client, size):
    client = open_client(start(*FULL))
    for number in range(2, 5):
        client.send(message("x" * size))
        wait_for(lambda: store.xlen("relay:commands") == number, 8)


def test_its_end_is_noticed(start, open_client):
    relay = start(*FULL)
    open_client(relay).end()
    wait_for(lambda: relay.metric("relay_clients") == 0, 5)


def test_its_close_is_noticed(start, open_client):
    """Then it has as long as others have for a pong, not until it is stuck."""
    relay = start(*FULL, "--limits-ping-ms=500", "--limits-pong-ms=2000")
    open_client(relay).send(frame(CLOSE, struct.pack(">H", 1000)))
    wait_for(lambda: relay.metric("relay_clients") == 0, 10)
    assert relay.metric('relay_closes_total{reason="too_slow"}') == 0


def test_what_came_with_its_last_breath_is_taken_in_order(
        start, store, open_client):
    """Begun while it took nothing, ended when it reads again."""
    relay = start(*FULL)
    client = open_client(relay)
    whole = message("y" * 30000)
    for at in range(0, len(whole), 7000):
        client.send(whole[at:at + 7000])
    client.send(message("last"))
    contents = []
    while len(contents) < 2:
        opcode, payload = read_frame(Blocking(client.stream))
        got = json.loads(payload)
        if got["type"] == "relay.ack":
            contents = [json.loads(fields[b"frame"])["content"] for _, fields
                        in store.xrange("relay:commands")][1:]
    assert contents == ["y" * 30000, "last"]


class Blocking:
    """Reads as much as it is asked for."""

    def __init__(self, stream):
        self.stream = stream

    def read(self, size):
        data = b""
        while len(data) < size:
            chunk = self.stream.read(size - len(data))
            assert chunk, "the relay left"
            data += chunk
        return data
