# SPDX-License-Identifier: MIT
"""Hostile handshakes (B1 to B21 of our list): each gets its answer, the
process rests afterwards, nobody else notices. B11 to B14 also under
valgrind, where it is installed."""

import random
import re
import shutil
import socket
import time

import pytest

from harness import (CHAT, EVENTS, RELAYD, Publisher, Subscriber, run,
                     wait_for)

KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
GOOD = ("Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + KEY +
        "Sec-WebSocket-Version: 13\r\n")


def request(line=f"GET {CHAT} HTTP/1.1", headers=GOOD):
    return f"{line}\r\n{headers}\r\n".encode("latin-1")


def without(name):
    return "".join(l + "\r\n" for l in GOOD.split("\r\n")
                   if l and not l.startswith(name))


def talk(relay, data, seconds=8.0, address=None):
    """Everything the relay answers until it closes; None: it did not."""
    host, port = (address or relay.address).rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as peer:
        peer.settimeout(seconds)
        try:
            peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
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
    if answer is None:
        return "held"
    if not answer:
        return "drop"
    return int(answer.split()[1])


ROWS = [
    ("B1 no version", request(headers=without("Sec-WebSocket-Version")), {426}),
    ("B1 version 8", request(headers=GOOD.replace(": 13", ": 8")), {426}),
    ("B1 version 99", request(headers=GOOD.replace(": 13", ": 99")), {426}),
    ("B1 version list", request(headers=GOOD.replace(": 13", ": 13, 8")), {426}),
    ("B1 version twice", request(
        headers=GOOD + "Sec-WebSocket-Version: 13\r\n"), {400, 426}),
    ("B2 no key", request(headers=without("Sec-WebSocket-Key")), {400}),
    ("B2 empty key", request(headers=GOOD.replace(
        "AAAAAAAAAAAAAAAAAAAAAA==", "")), {400}),
    ("B2 short key", request(headers=GOOD.replace(
        "AAAAAAAAAAAAAAAAAAAAAA==", "AAAA")), {400}),
    ("B2 no base64", request(headers=GOOD.replace(
        "AAAAAAAAAAAAAAAAAAAAAA==", "!!!!!!!!!!!!!!!!!!!!!!==")), {400}),
    ("B3 no Connection", request(headers=without("Connection")), {426}),
    ("B4 POST", request(f"POST {CHAT} HTTP/1.1"), {405}),
    ("B4 PUT", request(f"PUT {CHAT} HTTP/1.1"), {405}),
    ("B4 FOO", request(f"FOO {CHAT} HTTP/1.1"), {405}),
    ("B5 HTTP/1.0", request(f"GET {CHAT} HTTP/1.0"), {400, 426, 505}),
    ("B5 HTTP/2.0", request(f"GET {CHAT} HTTP/2.0"), {400, 505}),
    ("B5 JUNK", request(f"GET {CHAT} JUNK"), {400}),
    ("B6 no Host", request(headers=without("Host")), {400}),
    ("B6 two Host", request(headers="Host: b\r\n" + GOOD), {400}),
    ("B7 evil origin", request(
        headers=GOOD + "Origin: https://evil.example\r\n"), {403}),
    ("B7 null origin", request(headers=GOOD + "Origin: null\r\n"), {403}),
    ("B7 prefix origin", request(
        headers=GOOD + "Origin: http://a.evil\r\n"), {403}),
    ("B9 unknown", request("GET /unknown HTTP/1.1"), {404}),
    ("B9 dots", request("GET /api/../api/v1/ws/execution HTTP/1.1"),
     {400, 404}),
    ("B9 encoded dots", request("GET /%2e%2e/x HTTP/1.1"), {400, 404}),
    ("B9 NUL", request("GET /api%00 HTTP/1.1"), {400, 404}),
    ("B11 h2c", request(headers=GOOD.replace("websocket", "h2c")),
     {426, 404, "drop"}),
    ("B11 h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     {400, 404, 405, 426, 505, "drop"}),
    ("B12 foo", request(headers=GOOD.replace("websocket", "foo")), {426, 404}),
    ("B12 foo behind a GET", request("GET /health HTTP/1.1", "Host: a\r\n") +
     request(headers=GOOD.replace("websocket", "foo")), {200}),
    ("B13 plain GET", request(headers="Host: a\r\n"), {426}),
    ("B13 POST with a body", request(
        "POST /health HTTP/1.1", "Host: a\r\nContent-Length: 5\r\n") +
     b"hello", {405, 404}),
    ("B13 negative length", request(
        "POST /x HTTP/1.1", "Host: a\r\nContent-Length: -5\r\n"), {400}),
    ("B13 CL and TE", request(
        "POST /x HTTP/1.1", "Host: a\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", {400}),
    ("B13 two pipelined", request("GET /a HTTP/1.1", "Host: a\r\n") * 2, {404}),
    ("B14 CONNECT", request("CONNECT a:80 HTTP/1.1", "Host: a\r\n"),
     {400, 405, "drop"}),
    ("B14 TRACE", request("TRACE / HTTP/1.1", "Host: a\r\n"),
     {404, 405, "drop"}),
    ("B14 OPTIONS *", request("OPTIONS * HTTP/1.1", "Host: a\r\n"),
     {400, 404, 405, "drop"}),
    ("B15 9 KB header", request(headers=GOOD + "X: " + "a" * 9000 + "\r\n"),
     {431, "drop"}),
    ("B15 20 KB header", request(headers=GOOD + "X: " + "a" * 20000 + "\r\n"),
     {431, "drop"}),
    ("B15 400 headers", request(headers=GOOD + "".join(
        f"X-{n}: {'v' * 20}\r\n" for n in range(400))), {431, "drop"}),
    ("B19 bare LF", request().replace(b"\r\n", b"\n"), {400}),
    ("B19 folded", request(headers=GOOD + "X: a\r\n b\r\n"), {400}),
    ("B19 space before colon", request(headers=GOOD + "X : a\r\n"), {400}),
    ("B19 NUL", request(headers=GOOD + "X: a\x00b\r\n"), {400}),
    ("B19 8-bit name", request(headers=GOOD + "X\xe9: a\r\n"), {400}),
    ("B20 TLS hello", bytes.fromhex("16030100c8010000c40303") + b"\0" * 190,
     {400, "drop"}),
    ("B20 PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(),
     {400, "drop"}),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from harness import RedisServer, Relay
    folder = tmp_path_factory.mktemp("abuse")
    server = RedisServer(folder / "redis")
    relay = Relay(folder / "relay", server)
    yield relay
    relay.assert_at_rest()
    assert relay.stop() == 0
    server.stop()


@pytest.mark.parametrize("data,allowed", [
    pytest.param(data, allowed, id=name) for name, data, allowed in ROWS])
def test_a_bad_handshake_gets_its_answer(shared, data, allowed):
    answer = talk(shared, data)
    assert status_of(answer) in allowed, answer[:300] if answer else answer
    if status_of(answer) == 426 and b"Sec-WebSocket-Version" in answer:
        assert b"Sec-WebSocket-Version: 13" in answer or \
            b"sec-websocket-version: 13" in answer.lower()


def test_the_good_handshake_is_answered_101(shared):
    host, port = shared.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as peer:
        peer.settimeout(5)
        peer.sendall(request(headers=GOOD + "Origin: http://a\r\n"))
        assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("shape", ["idle", "half", "trickle"])
def test_a_slow_handshake_ends_within_six_seconds(shared, shape):
    host, port = shared.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as peer:
        started = time.monotonic()
        if shape != "idle":
            peer.sendall(request()[:60])
        peer.settimeout(0.2)
        while time.monotonic() - started < 8:
            try:
                if shape == "trickle":
                    peer.sendall(b"x")
                if not peer.recv(4096):
                    break
            except socket.timeout:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert time.monotonic() - started <= 6.5


def test_random_bytes_never_hurt(shared):
    dice = random.Random(7)
    host, port = shared.address.rsplit(":", 1)
    for _ in range(300):
        with socket.create_connection((host, int(port)), 5) as peer:
            try:
                peer.sendall(dice.randbytes(dice.randrange(1, 400)))
                if dice.random() < 0.5:
                    peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass
    assert shared.get("/health", admin=False)[0] == 200


def test_bytes_behind_the_handshake_are_frames_or_1002(shared):
    answer = talk(shared, request() + request())
    assert answer.startswith(b"HTTP/1.1 101 ")
    # A close frame with 1002; the library adds a reason of its own.
    assert re.search(rb"\r\n\r\n\x88.\x03\xea", answer, re.S), answer


def test_the_admin_listener_is_guarded_alike(shared):
    for name, data, allowed in ROWS:
        if name.startswith(("B13", "B14", "B19", "B20")):
            status = status_of(talk(shared, data, address=shared.admin))
            assert status != "held", name


@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")
@pytest.mark.skipif(b"__asan_init" in RELAYD.read_bytes() or
                    b"__tsan_init" in RELAYD.read_bytes(),
                    reason="a sanitizer is built in")
def test_b11_to_b14_are_clean_under_valgrind(start_relay, redis_server,
                                             tmp_path):
    report = tmp_path / "valgrind.txt"
    relay = start_relay(
        redis_server, wrapper=[
            "valgrind", "--quiet", "--error-exitcode=99", "--trace-children=no",
            f"--log-file={report}"])
    for name, data, _ in ROWS:
        if name.split()[0] in ("B11", "B12", "B13", "B14"):
            assert talk(relay, data, 30) is not None, name
    host, port = relay.address.rsplit(":", 1)
    for _ in range(5):
        with socket.create_connection((host, int(port)), 5) as peer:
            peer.sendall(request("GET /health HTTP/1.1", "Host: a\r\n"))
    publisher = Publisher(redis_server.client())

    async def scene():
        subscriber = await Subscriber(relay, "s").connect()
        publisher.publish_many("s", range(50))
        await subscriber.read_until(lambda log: len(log.got) == 50)
        await subscriber.socket.close()
    run(scene())
    assert relay.stop(60) == 0
    assert report.read_text() == ""
