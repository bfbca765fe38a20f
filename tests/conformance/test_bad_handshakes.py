# SPDX-License-Identifier: MIT
"""B1 to B21 of our list of bad inputs: hostile handshakes and what is none."""

import json
import random
import socket
import time

import secured
from abused import status_of, talk
from raw import CHAT, EVENTS, SLOW, Client, dial, frame

KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
GOOD = ("Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + KEY +
        "Sec-WebSocket-Version: 13\r\n")
HELD = 6.0  # seconds after which nobody may be held any more


def request(line=f"GET {CHAT} HTTP/1.1", headers=GOOD):
    return f"{line}\r\n{headers}\r\n".encode("latin-1")


def without(name):
    return "".join(line + "\r\n" for line in GOOD.split("\r\n")
                   if line and not line.startswith(name))


def with_version(value):
    return request(headers=without("Sec-WebSocket-Version") +
                   f"Sec-WebSocket-Version: {value}\r\n")


def with_key(value):
    return request(headers=without("Sec-WebSocket-Key") +
                   f"Sec-WebSocket-Key: {value}\r\n")


def assert_each(scene, status, *requests, **options):
    allowed = status if isinstance(status, set) else {status}
    for data in requests:
        got = scene.status(data, **options)
        assert got in allowed, (got, data[:200])


def test_the_good_handshake_beside_them_is_answered_101(scene):
    origin = f"Origin: {secured.scheme(scene.address)}://a\r\n"
    with Client(scene.address, CHAT, origin) as client:
        assert client.status == 101
        client.close()


def test_b01_another_version(scene):
    bad = [request(headers=without("Sec-WebSocket-Version")),
           *map(with_version, (7, 8, 99, "13, 8", "", "013", "13.0")),
           request(headers=GOOD + "Sec-WebSocket-Version: 13\r\n"),
           request(headers=GOOD + "Sec-WebSocket-Version: 8\r\n")]
    for data in bad:
        answer = talk(scene.address, data)
        assert status_of(answer) == 426, data
        assert b"\r\nSec-WebSocket-Version: 13\r\n" in answer


def test_b02_another_key(scene):
    assert_each(
        scene, 400, request(headers=without("Sec-WebSocket-Key")),
        *map(with_key, ("", "AAAA", "A" * 24, "A" * 200, "!" * 22 + "==",
                        "AAAAAAAAAAAAAAAAAAAAAA=",
                        "AAAAAAAAAAAAAAAAAAAAAAA=")),
        request(headers=GOOD + KEY))


def test_b03_no_connection_upgrade(scene):
    for path, status in ((CHAT, 426), (EVENTS, 426), ("/else", 404)):
        answer = talk(scene.address, request(f"GET {path} HTTP/1.1",
                                             without("Connection")))
        assert status_of(answer) == status
        body = json.loads(answer.split(b"\r\n\r\n", 1)[1])
        if status == 426:
            assert body["missing"] == ["Connection"]


def test_b04_another_method(scene):
    assert_each(scene, 405, *(request(f"{method} {CHAT} HTTP/1.1") for method
                              in ("POST", "PUT", "FOO", "DELETE", "PATCH")))


def test_b05_another_version_of_http(scene):
    assert_each(scene, {400, 426}, request(f"GET {CHAT} HTTP/1.0"))
    assert_each(scene, 400, *(
        request(f"GET {CHAT} {version}") for version in
        ("HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "JUNK", "http/1.1", "")),
        request(f"GET {CHAT}"))


def test_b06_no_host_or_two(scene):
    assert_each(scene, 400, request(headers=without("Host")),
                request(headers="Host: b\r\n" + GOOD),
                request(headers="Host: a\r\n" + GOOD))


def test_b07_another_origin(scene):
    assert_each(scene, 403, *(
        request(headers=GOOD + f"Origin: {origin}\r\n") for origin in
        ("https://evil.example", "null", "http://a.evil", "http://evil.a",
         "http://a:8080", "http://aa", "file://", "http://a@evil")))


def test_b09_another_path(scene):
    assert_each(scene, {400, 404}, *(
        request(f"GET {path} HTTP/1.1") for path in
        ("/unknown", "/", CHAT + "/", CHAT + "x", "//" + CHAT[1:],
         "/api/../api/v1/ws/execution", "/..", "/%2e%2e/x", "/%2E./x",
         "/api%00", CHAT + "%00", "http://evil.example/x", "*", "x", "/%zz")))


def test_b10_another_sub_protocol(scene):
    for value in ("chat", "relay.v2", "x" * 200, ", ".join(["a" * 30] * 10),
                  "a b", ""):
        got = scene.status(request(
            headers=GOOD + f"Sec-WebSocket-Protocol: {value}\r\n"))
        assert got in {400, "drop"}, value


def test_b11_http_2(scene):
    assert_each(
        scene, {426, 404, "drop"},
        request(headers=GOOD.replace("websocket", "h2c")),
        request(headers="Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")


def test_b12_upgrade_to_something_else(scene):
    foo = request(headers=GOOD.replace("websocket", "foo"))
    assert_each(scene, 426, foo)
    # Behind an answered GET: the connection is over, it is not read.
    assert_each(scene, 200, request("GET /health HTTP/1.1", "Host: a\r\n") +
                foo)


def test_b13_plain_http_in_all_shapes(scene):
    host = "Host: a\r\n"
    chunked = "Transfer-Encoding: chunked\r\n"
    rows = [
        (426, request(headers=host)),
        (404, request("GET /a HTTP/1.1", host)),
        (404, request("GET /a HTTP/1.1", host) * 2),
        (405, request("POST /health HTTP/1.1",
                      host + "Content-Length: 5\r\n") + b"hello"),
        (405, request(f"POST {CHAT} HTTP/1.1",
                      host + "Content-Length: 5\r\n")),
        (400, request("POST /x HTTP/1.1", host + "Content-Length: -5\r\n")),
        (400, request("POST /x HTTP/1.1", host + "Content-Length: 5\r\n" +
                      chunked) + b"0\r\n\r\n"),
        (400, request(headers=GOOD + "Content-Length: 5\r\n" + chunked)),
        (400, request(headers=GOOD + "Content-Length: 5\r\n") + b"hello"),
        (400, request(headers=GOOD + chunked) + b"0\r\n\r\n"),
    ]
    took = []
    for status, data in rows:
        started = time.monotonic()
        assert scene.status(data) == status, data
        took.append(time.monotonic() - started)
    print(f"closed after {max(took) * 1000:.1f} ms at most")
    assert max(took) <= 0.1 * SLOW, took
    for _, data in rows:  # and the peer leaves early
        with dial(scene.address) as peer:
            peer.sendall(data)
        with dial(scene.address) as peer:
            peer.sendall(data[:-7])


def test_b14_connect_trace_options(scene):
    assert_each(scene, {400, 404, 405, "drop"},
                request("CONNECT a:80 HTTP/1.1", "Host: a\r\n"),
                request("TRACE / HTTP/1.1", "Host: a\r\n"),
                request("OPTIONS * HTTP/1.1", "Host: a\r\n"))


def test_b15_large_heads(scene):
    assert_each(
        scene, {431, "drop"},
        request(headers=GOOD + "X: " + "a" * 9000 + "\r\n"),
        request(headers=GOOD + "X: " + "a" * 20000 + "\r\n"),
        request(headers=GOOD + "".join(f"X-{n}: {'v' * 20}\r\n"
                                       for n in range(400))),
        request(f"GET {CHAT}?{'a' * 5000} HTTP/1.1"),
        b"GET /" + b"a" * 100000)


def held_for(scene, begin, trickle=b""):
    """Seconds until the relay hangs up on who sends no whole head."""
    started = time.monotonic()
    with dial(scene.address) as peer:
        peer.sendall(begin)
        peer.settimeout(0.2)
        while time.monotonic() - started < HELD * SLOW + 2:
            try:
                if trickle:
                    peer.sendall(trickle)
                if not peer.recv(4096):
                    break
            except socket.timeout:
                continue
            except OSError:
                break
    return time.monotonic() - started


def test_b16_a_silent_connection(scene):
    assert held_for(scene, b"") <= HELD * max(1, SLOW / 4)


def test_b17_half_a_head(scene):
    assert held_for(scene, request()[:60]) <= HELD * max(1, SLOW / 4)


def test_b18_a_head_in_drops(scene):
    assert held_for(scene, request()[:60], b"x") <= HELD * max(1, SLOW / 4)


def test_b19_heads_of_another_form(scene):
    assert_each(
        scene, 400, request().replace(b"\r\n", b"\n"),
        *(request(headers=GOOD + line) for line in (
            "X: a\r\n b\r\n", "X : a\r\n", "X: a\x00b\r\n", "X\xe9: a\r\n",
            "X: a\rb\r\n", ": a\r\n", "X\r\n", " X: a\r\n", "X: \x7f\r\n")))


def test_b20_what_is_no_http(scene):
    hello = bytes.fromhex("16030100c8010000c40303") + b"\0" * 190
    assert_each(scene, {400, "drop"}, hello,
                b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(),
                b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11\0\x0c" + b"\0" * 12,
                b"\0" * 100, b"\xff" * 100, b"SSH-2.0-x\r\n", b"\r\n" * 50)
    dice = random.Random(20)
    for _ in range(1000):
        with dial(scene.address) as peer:
            try:
                peer.sendall(dice.randbytes(dice.randrange(1, 400)))
                if dice.random() < 0.5:
                    peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def test_b21_a_second_request_behind_the_first(scene):
    with Client(scene.address, CHAT) as client:
        client.send_bytes(request())
        client.assert_closed(1002)
    answer = talk(scene.address, request() + request())
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert answer.split(b"\r\n\r\n", 1)[1].endswith(b"\x88\x02\x03\xea")


def test_a_frame_right_behind_the_handshake_counts(scene):
    answer = talk(scene.address, request() + frame(9, b"early") +
                  frame(8, b"\x03\xe8"))
    assert b"\x8a\x05early" in answer and answer.endswith(b"\x88\x02\x03\xe8")


def test_the_admin_listener_is_guarded_alike(scene):
    assert_each(scene, 404, request(), request(headers="Host: a\r\n"),
                admin=True)
    assert_each(scene, {400, 404, 405, 431, "drop"},
                request("CONNECT a:80 HTTP/1.1", "Host: a\r\n"),
                request().replace(b"\r\n", b"\n"), b"\0" * 100,
                request(headers=GOOD + "X: " + "a" * 9000 + "\r\n"),
                admin=True)
