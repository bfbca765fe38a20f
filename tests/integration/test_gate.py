# SPDX-License-Identifier: MIT
"""The gate as a whole: answers that wait for Redis while their peers misbehave,
what belongs to the admin listener, crowds in front of TLS."""

import contextlib
import json
import socket
import ssl
import time

import pytest

from harness import (CHAT, SLOW, connect, is_sanitized, receive_type, run,
                     wait_for)
from heads import request, status_of
from secure import Certificate, SecureRelay
from test_crowds import crowd, has_ended
from test_tls import client_hello

READY = "GET /ready HTTP/1.1"
HOST = "Host: a\r\n"


def dial(address):
    host, port = address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), 5 * SLOW)
    peer.settimeout(5 * SLOW)
    return peer


def everything(peer):
    answer = b""
    try:
        while chunk := peer.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


# What a peer does besides asking (B13).
SHAPES = {
    "plain": request(READY, HOST),
    "pipelined": request(READY, HOST) * 2,
    "a thousand more": request(READY, HOST) * 1000,
    "length and no body": request(READY, HOST + "Content-Length: 5\r\n"),
    "body": request(READY, HOST + "Content-Length: 5\r\n") + b"hello",
    "long body": request(READY, HOST + "Content-Length: 2000000\r\n") +
    b"x" * 300000,
    "chunked": request(READY, HOST + "Transfer-Encoding: chunked\r\n") +
    b"5\r\nhello\r\n0\r\n\r\n",
    "upgrade": request(READY, HOST + "Upgrade: foo\r\nConnection: Upgrade\r\n"),
}
LEAVES = ["stays", "half-closes", "leaves", "resets"]


def misbehave(address, data, leave):
    """Asks, then leaves in this way; the answer if it stays for one."""
    with dial(address) as peer:
        # The relay does not wait for all of it before it answers and ends.
        try:
            peer.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            return b""
        if leave == "half-closes":
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_WR)
        elif leave == "resets":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
        return everything(peer) if leave in ("stays", "half-closes") else b""


@pytest.mark.parametrize("is_frozen", [False, True], ids=["quick", "frozen"])
@pytest.mark.parametrize("listener", ["address", "admin"])
def test_an_answer_that_waits_for_redis_survives_its_peer(
        relay, redis_server, listener, is_frozen):
    address = getattr(relay, listener)
    if is_frozen:
        redis_server.freeze()
        wait_for(lambda: relay.get("/ready")[0] == 503)
    started = time.monotonic()
    for name, data in SHAPES.items():
        for leave in LEAVES[1:] if is_frozen else LEAVES:
            answer = misbehave(address, data, leave)
            # At least nothing but one answer, whole.
            assert answer.count(b"HTTP/1.1 ") <= 1, name
            if leave == "half-closes" and "body" not in name:
                assert status_of(answer) == (503 if is_frozen else 200), name
        if is_frozen:
            assert time.monotonic() - started < 3 * SLOW
            relay.assert_at_rest()
            started = time.monotonic()
    if is_frozen:
        redis_server.thaw()
        wait_for(lambda: relay.get("/ready")[0] == 200, 30)
    relay.assert_at_rest()
    assert relay.get("/health")[0] == 200


def test_the_answer_comes_within_its_deadline(relay, redis_server):
    def ask():
        peers = [dial(relay.address) for _ in range(50)]
        started = time.monotonic()
        for peer in peers:
            peer.sendall(request(READY, HOST))
        answers = [status_of(everything(peer)) for peer in peers]
        assert time.monotonic() - started < 2.5 * SLOW
        for peer in peers:
            peer.close()
        return answers

    redis_server.freeze()
    # The last probe's result is good for a moment; then they all wait.
    wait_for(lambda: 503 in ask(), what="the first 503")
    assert ask() == [503] * 50
    relay.assert_at_rest()


ADMIN = ["/metrics", "/api/v1/runtime/status", "/api/v1/contract/drift",
         "/console", "/api/v1/runtime/tests/redis",
         "/api/v1/runtime/tests/delivery", "/metrics/", "//metrics",
         "/metrics?x=1"]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_nothing_of_the_admin_listener_is_on_the_public_one(relay, method):
    for path in ADMIN:
        with dial(relay.address) as peer:
            peer.sendall(request(f"{method} {path} HTTP/1.1", HOST))
            answer = everything(peer)
        assert status_of(answer) == 404, path
        if method == "GET":
            known = json.loads(answer.split(b"\r\n\r\n", 1)[1])["paths"]
            assert not set(known) & set(ADMIN)
    with dial(relay.admin) as peer:
        peer.sendall(request())  # and no WebSocket on the other
        assert status_of(everything(peer)) == 404


# --- crowds in front of TLS ---

@pytest.fixture
def secure(tmp_path, redis_server):
    relay = SecureRelay(tmp_path / "relay", redis_server,
                        Certificate(tmp_path / "certificate"))
    yield relay
    if relay.process.poll() is None:
        relay.assert_at_rest()
        assert relay.stop() == 0, relay.logged()


def join(relay):
    async def good():
        ws = await connect(relay.ws(CHAT), **relay.client_options)
        await receive_type(ws, "relay.hello")
        await ws.close()
    run(good())


def test_half_handshakes_by_the_thousand_do_not_keep_a_good_client_out(secure):
    hello = client_hello()
    before = secure.rss_bytes()
    says = [hello[:40]] * 1000 + [hello] * 1000 + [b""] * 2000
    with crowd(secure, says) as peers:
        joined = time.monotonic()
        join(secure)
        assert time.monotonic() - joined < 1 * SLOW
        # 1,024 handshakes at 50 KB, the rest is thrown out.
        if not is_sanitized():
            assert secure.rss_bytes() - before < 75 << 20
        wait_for(lambda: all(has_finished(p) for p in peers), 6 * SLOW)
    assert secure.metric('relay_connections_total{outcome="timeout"}') >= 3900


def has_finished(peer):
    """The end, or what of the server's hello comes before it."""
    peer.setblocking(False)
    try:
        while True:
            if peer.recv(65536) == b"":
                return True
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except ConnectionResetError:
        return True


def test_more_tls_clients_than_descriptors(tmp_path, redis_server):
    relay = SecureRelay(tmp_path / "relay", redis_server,
                        Certificate(tmp_path / "certificate"),
                        wrapper=["prlimit", "--nofile=256"])
    context = relay.certificate.trusting()
    try:
        answers = set()
        with crowd(relay, [client_hello()] * 400):
            relay.assert_at_rest()
            redis_server.kill()
            wait_for(lambda: relay.get("/ready")[0] == 503)
            redis_server.start()
            wait_for(lambda: relay.get("/ready")[0] == 200)
        peers = []
        for _ in range(250):
            peer = socket.create_connection(
                tuple(relay.address.rsplit(":", 1)), 10 * SLOW)
            try:
                tls = context.wrap_socket(peer, server_hostname="localhost")
                tls.sendall(request())
                answers.add(status_of(tls.recv(4096)))
                peers.append(tls)
            except (ssl.SSLError, ConnectionResetError):
                answers.add("drop")
                peer.close()
        assert 101 in answers and answers <= {101, 503, "drop"}
        relay.assert_at_rest()
        for peer in peers:
            peer.close()
        wait_for(lambda: relay.metric("relay_clients") == 0)
        join(relay)
        assert relay.logged().count("\n") < 100
    finally:
        assert relay.stop() == 0


# --- what the log holds back ---

@pytest.mark.slow
def test_what_the_log_held_back_is_summed_up_though_nothing_follows(
        start_relay, redis_server):
    relay = start_relay(redis_server)

    def lines():
        return [json.loads(line) for line in relay.logged().splitlines()
                if '"action":"refused"' in line]
    for _ in range(10):
        with dial(relay.address) as peer:
            peer.sendall(b"BAD\r\n\r\n")
            everything(peer)
    told = len(lines())
    assert told < 10
    wait_for(lambda: len(lines()) > told, 75, "the summary of a minute")
    assert int(lines()[-1]["suppressed"]) == 10 - told
