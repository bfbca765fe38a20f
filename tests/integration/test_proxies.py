# SPDX-License-Identifier: MIT
"""Who the client is: X-Forwarded-For of proxies that are trusted, the PROXY
protocol before HTTP and before TLS. What is seen of it: the limit per address
and the lines about those it refused."""

import contextlib
import json
import signal
import socket
import struct
import time

import pytest

from harness import SLOW, wait_for
from heads import GOOD, request, status_of
from secure import Certificate, SecureRelay
from test_start import refused

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def forwarded(*lists, more=""):
    return request(headers=GOOD + more + "".join(
        f"X-Forwarded-For: {text}\r\n" for text in lists))


def v1(client, family="TCP4"):
    own = "10.9.9.9" if family == "TCP4" else "::9"
    return f"PROXY {family} {client} {own} 1111 443\r\n".encode()


def v2(client=None, extensions=b"", command=0x21):
    if client is None:
        body = b""
    elif ":" in client:
        body = (socket.inet_pton(socket.AF_INET6, client) + bytes(16) +
                struct.pack("!HH", 1, 2))
    else:
        body = socket.inet_aton(client) + bytes(4) + struct.pack("!HH", 1, 2)
    family = 0 if client is None else 0x21 if ":" in client else 0x11
    return V2 + struct.pack("!BBH", command, family,
                            len(body + extensions)) + body + extensions


def dial(relay):
    if relay.address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(5 * SLOW)
        peer.connect(relay.address[5:])
        return peer
    host, port = relay.address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), 5 * SLOW)


@contextlib.contextmanager
def held(relay, data):
    """Says it, gives the status of the answer and holds the connection."""
    with dial(relay) as peer:
        peer.sendall(data)
        try:
            answer = peer.recv(65536)
        except ConnectionResetError:
            answer = b""
        yield status_of(answer)


def ask(relay, data):
    with held(relay, data) as status:
        return status


def crowded(relay):
    """Addresses in the lines about one connection too many."""
    return [json.loads(l)["client"] for l in relay.logged().splitlines()
            if '"action":"too_many_connections"' in l]


def one_each(start_relay, redis_server, *arguments, **options):
    return start_relay(redis_server, "--limits-connections-per-address", "1",
                       *arguments, **options)


# --- X-Forwarded-For ---

def test_nobody_is_believed_who_is_not_listed(start_relay, redis_server):
    relay = one_each(start_relay, redis_server,
                     "--trusted-proxies", "10.0.0.0/8")
    with held(relay, forwarded("1.1.1.1")) as status:
        assert status == 101
        assert ask(relay, forwarded("2.2.2.2")) == 429
    assert crowded(relay) == ["127.0.0.1"]


def test_the_client_is_read_from_the_right(start_relay, redis_server):
    relay = one_each(start_relay, redis_server,
                     "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    with held(relay, forwarded("6.6.6.6, 1.1.1.1")) as status:
        assert status == 101
        # Whatever the client itself wrote in front of it.
        for lists in (["7.7.7.7, 1.1.1.1"], ["1.1.1.1"],
                      ["7.7.7.7, 1.1.1.1, 10.0.0.2"],
                      ["7.7.7.7", "1.1.1.1:5000"],
                      ["7.7.7.7", "8.8.8.8, 1.1.1.1", "10.0.0.2"]):
            assert ask(relay, forwarded(*lists)) == 429, lists
        assert ask(relay, forwarded("1.1.1.2")) == 101
    assert set(crowded(relay)) == {"1.1.1.1"}


def test_what_is_no_address_is_passed_over_safely(start_relay, redis_server):
    relay = one_each(start_relay, redis_server,
                     "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    with held(relay, forwarded()) as status:
        assert status == 101  # the proxy's own
        for text in ("unknown", "", "1.1.1.1, x", "\"1.1.1.1\"", "1" * 3000,
                     ", ," * 500, "1.1.1.1, [::1"):
            assert ask(relay, forwarded(text)) == 429, text
    assert set(crowded(relay)) == {"127.0.0.1"}


def test_ip6_counts_by_the_64(start_relay, redis_server):
    relay = one_each(start_relay, redis_server,
                     "--trusted-proxies", "127.0.0.1")
    with held(relay, forwarded("2001:db8::1")) as status:
        assert status == 101
        assert ask(relay, forwarded("[2001:db8::ffff]:443")) == 429
        assert ask(relay, forwarded("2001:db8:0:1::1")) == 101


def test_the_status_says_who_has_most(start_relay, redis_server):
    relay = start_relay(redis_server, "--trusted-proxies", "127.0.0.1",
                        workers=2)
    clients = ["1.1.1.1", "2001:db8::1", "1.1.1.1, 10.0.0.1", "2001:db8::2",
               "1.1.1.1", "2001:db8::3"]
    shown = lambda: relay.status()["connections"]["addresses"]
    assert shown() == []
    with contextlib.ExitStack() as all_of_them:
        for text in clients:
            assert all_of_them.enter_context(
                held(relay, forwarded(text))) == 101
        assert shown() == [{"client": "2001:db8::", "open": 3},
                           {"client": "1.1.1.1", "open": 2},
                           {"client": "10.0.0.1", "open": 1}]
    wait_for(lambda: shown() == [])


def test_a_unix_socket_can_be_a_trusted_proxy(
        start_relay, redis_server, tmp_path):
    relay = one_each(start_relay, redis_server, "--trusted-proxies", "unix",
                     listen=f"unix:{tmp_path}/relay.sock")
    with held(relay, forwarded("1.1.1.1")) as status:
        assert status == 101
        assert ask(relay, forwarded("1.1.1.1")) == 429
        assert ask(relay, forwarded("1.1.1.2")) == 101
        # The proxy itself is no address that could have too many.
        with held(relay, forwarded()) as first:
            assert (first, ask(relay, forwarded())) == (101, 101)


def test_a_reload_changes_whom_to_trust(start_relay, redis_server, tmp_path):
    file = tmp_path / "relay.json"
    file.write_text("{}")
    relay = one_each(start_relay, redis_server, "--config", file)
    with held(relay, forwarded("1.1.1.1")) as status:
        assert status == 101
        assert ask(relay, forwarded("2.2.2.2")) == 429
        file.write_text('{"trusted_proxies": ["127.0.0.1"]}')
        relay.process.send_signal(signal.SIGHUP)
        wait_for(lambda: '"action":"reloaded"' in relay.logged())
        assert ask(relay, forwarded("2.2.2.2")) == 101


@pytest.mark.parametrize("trusted,more,origin,status", [
    ("127.0.0.1", "X-Forwarded-Proto: https\r\n", "https://a", 101),
    ("127.0.0.1", "X-Forwarded-Proto: https\r\n", "http://a", 403),
    ("10.0.0.0/8", "X-Forwarded-Proto: https\r\n", "http://a", 101),
    ("127.0.0.1", "X-Forwarded-Host: b.example\r\n", "https://b.example", 101),
    ("127.0.0.1", "X-Forwarded-Host: b.example\r\n", "https://a", 403),
    ("10.0.0.0/8", "X-Forwarded-Host: b.example\r\n", "https://b.example",
     403)])
def test_the_origin_is_compared_with_what_a_trusted_proxy_says(
        start_relay, redis_server, trusted, more, origin, status):
    relay = start_relay(redis_server, "--trusted-proxies", trusted)
    data = forwarded(more=more + f"Origin: {origin}\r\n")
    assert ask(relay, data) == status


def test_bad_networks_are_refused_by_name(tmp_path):
    refused(tmp_path, 64, "--trusted-proxies", "10.0.0.0/8,10.0.0.1/8",
            names=["trusted_proxies", "10.0.0.1/8", "first address"])


# --- the PROXY protocol ---

@pytest.fixture
def proxied(start_relay, redis_server):
    return one_each(start_relay, redis_server, "--proxy-protocol",
                    "--limits-handshake-ms", "1000")


@pytest.mark.parametrize("form", [v1, v2])
def test_the_header_names_the_client(proxied, form):
    with held(proxied, form("1.1.1.1") + request()) as status:
        assert status == 101
        assert ask(proxied, v1("1.1.1.1") + request()) == 429
        assert ask(proxied, v2("1.1.1.1", b"\x04\0\x03abc") + request()) == 429
        assert ask(proxied, form("1.1.1.2") + request()) == 101
    assert set(crowded(proxied)) == {"1.1.1.1"}


def test_ip6_comes_by_both_forms(proxied):
    with held(proxied, v1("2001:db8::1", "TCP6") + request()) as status:
        assert status == 101
        assert ask(proxied, v2("2001:db8::2") + request()) == 429


@pytest.mark.parametrize("header", [
    b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN a b c d\r\n",
    v2(None, command=0x20), v2("1.1.1.1", command=0x20), v2(None)],
    ids=range(5))
def test_a_proxy_that_speaks_for_itself_is_the_client(proxied, header):
    with held(proxied, header + request()) as status:
        assert status == 101
        assert ask(proxied, header + request()) == 429
    assert crowded(proxied) == ["127.0.0.1"]


@pytest.mark.parametrize("data", [
    request(), request("GET /health HTTP/1.1", "Host: a\r\n"),
    b"PROXY TCP4 1.1.1.1\r\n" + request(), b"PROXY \r\n" + request(),
    b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n" + request(),
    b"PROXY UNKNOWN " + b"x" * 200, V2 + b"\x31\x11\0\x0c" + bytes(12),
    V2 + b"\x21\x11\0\x04" + bytes(4), V2 + b"\x21\x11\xff\xff" + bytes(70000),
    b"\x16\x03\x01" + bytes(100)], ids=range(10))
def test_without_a_good_header_the_connection_is_dropped(proxied, data):
    started = time.monotonic()
    with held(proxied, data) as status:
        assert status == "drop"
    assert time.monotonic() - started < 0.9 * SLOW
    assert proxied.metric("relay_proxy_headers_refused_total") == 1
    proxied.assert_at_rest()


@pytest.mark.parametrize("part", [b"", b"PROXY TCP4 1.1", V2[:7],
                                  v2("1.1.1.1")[:-1], v1("1.1.1.1")], ids=range(5))
def test_half_a_header_ends_with_the_deadline(proxied, part):
    started = time.monotonic()
    with held(proxied, part) as status:
        assert status == "drop"
    assert 0.8 < time.monotonic() - started < 3 * SLOW
    proxied.assert_at_rest()


def test_byte_by_byte_it_is_the_same(proxied):
    with dial(proxied) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in v2("1.1.1.1", b"abc") + request():
            peer.send(bytes([byte]))
        assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")


def test_a_header_counts_only_from_trusted_proxies_if_there_are_any(
        start_relay, redis_server):
    relay = start_relay(redis_server, "--proxy-protocol",
                        "--trusted-proxies", "10.0.0.0/8")
    assert ask(relay, v1("1.1.1.1") + request()) == "drop"
    assert relay.metric("relay_proxy_headers_refused_total") == 1
    relay = one_each(start_relay, redis_server, "--proxy-protocol",
                     "--trusted-proxies", "127.0.0.1,10.0.0.0/8")
    # A chain: the PROXY header names a trusted proxy, that one its client.
    with held(relay, v1("10.0.0.5") + forwarded("1.1.1.1")) as status:
        assert status == 101
        assert ask(relay, v1("10.0.0.6") + forwarded("1.1.1.1")) == 429
        assert ask(relay, v1("3.3.3.3") + forwarded("1.1.1.1")) == 101
    assert crowded(relay) == ["1.1.1.1"]


def test_the_admin_listener_wants_no_header(proxied):
    assert proxied.get("/health")[0] == 200


def test_tls_comes_behind_the_header(tmp_path, redis_server):
    certificate = Certificate(tmp_path / "c")
    relay = SecureRelay(tmp_path / "relay", redis_server, certificate,
                        "--proxy-protocol",
                        "--limits-connections-per-address", "1")
    try:
        def secure(client):
            raw = dial(relay)
            raw.sendall(v2(client, bytes(40)))
            peer = certificate.trusting().wrap_socket(
                raw, server_hostname="localhost")
            peer.sendall(request())
            return peer, status_of(peer.recv(4096))
        first, status = secure("1.1.1.1")
        assert status == 101
        second, status = secure("1.1.1.1")
        assert status == 429
        third, status = secure("1.1.1.2")
        assert status == 101
        for peer in (first, second, third):
            peer.close()
        assert ask(relay, request()) == "drop"
        relay.assert_at_rest()
    finally:
        assert relay.stop() == 0, relay.logged()
