# SPDX-License-Identifier: MIT
"""Crowds at the door: slow heads by the thousand (F23), more clients than
descriptors (F24). The good client gets in, nothing spins, all recovers, also
what it took of memory."""

import contextlib
import os
import resource
import shutil
import socket
import time

import pytest

from harness import (CHAT, SLOW, run, connect, receive_type, sandbox_for,
                     wait_for)

GOOD = (f"GET {CHAT} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode()


@contextlib.contextmanager
def crowd(relay, says):
    """One connection for each text; what each said is in the kernel."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = relay.address.rsplit(":", 1)
    with contextlib.ExitStack() as sockets:
        peers = []
        for text in says:
            peer = socket.create_connection((host, int(port)), 20)
            peers.append(sockets.enter_context(peer))
            peer.sendall(text)
        yield peers


def has_ended(peer):
    peer.setblocking(False)
    try:
        return peer.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_slow_heads_by_the_thousand_do_not_keep_a_good_client_out(relay):
    half = [b"GET / HTTP/1.1\r\nHo"] * 2000
    silent = [b""] * 2000
    with crowd(relay, half + silent) as peers:
        joined = time.monotonic()

        async def good():
            ws = await connect(relay.ws(CHAT))
            await receive_type(ws, "relay.hello")
            await ws.close()
        run(good())
        assert time.monotonic() - joined < 1 * SLOW
        wait_for(lambda: all(has_ended(p) for p in peers), 6 * SLOW)


@pytest.mark.skipif(not shutil.which("prlimit"), reason="no prlimit")
def test_more_clients_than_descriptors(start_relay, redis_server):
    relay = start_relay(redis_server, wrapper=["prlimit", "--nofile=256"])
    before = len(os.listdir(f"/proc/{relay.pid}/fd"))
    with crowd(relay, [GOOD] * 400) as peers:
        answers = []
        for peer in peers:
            peer.settimeout(10 * SLOW)
            answers.append(peer.recv(4096)[:12])
        assert set(answers) == {b"HTTP/1.1 101", b"HTTP/1.1 503"}
        relay.assert_at_rest()
        # Redis comes back although everybody is still there.
        redis_server.kill()
        wait_for(lambda: relay.get("/ready")[0] == 503)
        redis_server.start()
        wait_for(lambda: relay.get("/ready")[0] == 200)
        assert relay.logged().count("\n") < 100
    wait_for(lambda: len(os.listdir(f"/proc/{relay.pid}/fd")) <= before + 2)


def test_connections_over_the_cap_are_503_and_health_is_not(
        start_relay, redis_server):
    relay = start_relay(redis_server, environment={
        "RELAY_LIMITS_CONNECTIONS": "3"})
    with crowd(relay, [GOOD] * 3) as peers:
        for peer in peers:
            assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")
        with crowd(relay, [GOOD]) as late:
            assert late[0].recv(4096).startswith(b"HTTP/1.1 503 ")
        assert relay.get("/health", admin=False)[0] == 200


@pytest.mark.skipif(
    sandbox_for() == "off", reason="a sanitizer keeps memory for itself")
def test_what_a_crowd_took_is_given_back_when_it_has_left(
        start_relay, redis_server):
    relay = start_relay(redis_server, "--limits-connections-per-address=0")
    with crowd(relay, [GOOD] * 500) as stay:
        before = relay.rss_bytes()
        with crowd(relay, [GOOD] * 5000) as peers:
            for peer in peers:
                assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")
            full = relay.rss_bytes()
            assert full - before > 5000 * 1024
        wait_for(lambda: relay.rss_bytes() < before + (full - before) / 3,
                 15 * SLOW)
        assert not any(has_ended(peer) for peer in stay)
