# SPDX-License-Identifier: MIT
"""Tickets: for clients that cannot send a token. Good once, for 30 seconds, on
every node; what is burnt, and what is not."""

import concurrent.futures
import hashlib
import json
import re
import socket
import time

import pytest

from auth_kit import (bearer, handshake, is_let_in, meaning, refusal,
                      request, ticket, token)
from harness import (CHAT, EVENTS, SLOW, connect, dumps, events_key,
                     receive_json, run, step, wait_for)

PATH = "/api/v1/auth/ws-ticket"


@pytest.fixture
def relay(start_relay, redis_server, keys):
    return start_relay(redis_server, *keys.options())


def offer(text):
    return {"protocols": f"relay.v1, ticket.{text}"}


def query(text):
    return {"path": f"{CHAT}?ticket={text}"}


REFUSED = ("auth_failed", 1008)


def test_a_ticket_is_good_once(relay, store):
    before = time.time()
    made = ticket(relay, token())
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["ticket"])
    assert 29 < made["expires_at"] / 1000 - before < 31 + SLOW
    digest = hashlib.sha256(made["ticket"].encode()).hexdigest()
    key = f"relay:ticket:{digest}"
    assert store.keys("relay:ticket:*") == [key.encode()]
    assert 0 < store.ttl(key) <= 30
    assert made["ticket"].encode() not in store.get(key)
    assert is_let_in(relay, **offer(made["ticket"])) is True
    assert store.keys("relay:ticket:*") == []
    assert is_let_in(relay, **offer(made["ticket"])) == REFUSED
    assert is_let_in(relay, **query(made["ticket"])) == REFUSED
    assert relay.metric('relay_tickets_total{outcome="issued"}') == 1


@pytest.mark.parametrize("place", [offer, query])
def test_only_the_protocol_is_echoed(relay, place):
    made = ticket(relay, token())["ticket"]
    host, frames = refusal(relay, **place("A" * 43))
    assert meaning((host, frames)) == REFUSED
    assert b"Sec-WebSocket-Protocol: relay.v1\r\n" in host
    assert b"ticket" not in host.lower()
    assert is_let_in(relay, **place(made)) is True


def test_bad_tickets_are_refused_like_bad_tokens(relay):
    bad = ["A" * 43, "A" * 42, "A" * 44, "x", "A" * 42 + "=", "*"]
    answers = {repr(refusal(relay, **query(text))) for text in bad}
    answers |= {repr(refusal(relay, **offer(text))) for text in bad[:4]}
    answers.add(repr(refusal(relay, headers=bearer("x.y.z"))))
    answers.add(repr(refusal(relay)))
    assert len(answers) == 1


def test_a_ticket_carries_the_identity_and_the_end_of_its_token(
        start_relay, redis_server, store, keys):
    relay = start_relay(redis_server, *keys.options(),
                        "--auth-leeway-seconds=0")
    made = ticket(relay, token(ttl=4, tenant="t\"1", user="u é"))["ticket"]
    store.xadd(events_key("s", "t\"1", "u é"), {"event": dumps(step(1))})

    async def scene():
        socket_ = await connect(relay.ws(
            EVENTS, session_id="s", after="0-0", ticket=made))
        seen = []
        while not seen or seen[-1]["type"] != "error":
            seen.append(await receive_json(socket_))
        kinds = [frame["type"] for frame in seen]
        assert kinds[0] == "relay.hello" and "execution_step" in kinds
        assert "relay.expiring" in kinds
        assert seen[-1]["code"] == "auth_expired"

    run(scene())
    # A token that ends before its ticket is used ends the ticket too.
    made = ticket(relay, token(ttl=1.5))["ticket"]
    time_over = time.time() + 2
    wait_for(lambda: time.time() > time_over, 5)
    assert is_let_in(relay, **query(made)) == REFUSED


def test_a_ticket_that_redis_dropped_in_time_is_no_good(relay, store):
    made = ticket(relay, token())["ticket"]
    key, = store.keys("relay:ticket:*")
    store.pexpire(key, 1)
    wait_for(lambda: not store.exists(key))
    assert is_let_in(relay, **query(made)) == REFUSED


def test_a_ticket_is_good_on_another_node(start_relay, redis_server, keys,
                                          relay):
    other = start_relay(redis_server, *keys.options())
    made = ticket(relay, token())["ticket"]
    assert is_let_in(other, **offer(made)) is True
    assert is_let_in(relay, **offer(made)) == REFUSED


def test_of_two_who_come_at_once_one_wins(start_relay, redis_server, keys,
                                          relay):
    other = start_relay(redis_server, *keys.options(), workers=2)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(25):
            made = ticket(relay, token())["ticket"]
            tries = [pool.submit(is_let_in, node, **offer(made))
                     for node in (relay, other, relay, other)]
            results = [t.result() for t in tries]
            assert sorted(map(str, results)) == sorted(
                ["True"] + 3 * [str(REFUSED)])


def test_what_is_refused_anyhow_burns_no_ticket(relay, store):
    made = ticket(relay, token())["ticket"]
    assert meaning(refusal(
        relay, path=f"{CHAT}?user_id=u", **offer(made))) == \
        ("unsupported_identity_query_params", 1008)
    # The client learns what to mend, whether or not its ticket is good.
    for place, code in (
            (f"{EVENTS}?session_id=s&after=x", "invalid_cursor"),
            (f"{EVENTS}?session_id=s&since=x", "invalid_cursor"),
            (f"{EVENTS}?session_id=s&after=1-1&since=1", "invalid_cursor"),
            (f"{EVENTS}?session_id=%01", "invalid_session_id"),
            (f"{EVENTS}?session_id=", "missing_session_id"),
            (f"{CHAT}?after=x", "invalid_cursor")):
        for text in (made, "A" * 43):
            assert meaning(refusal(relay, path=place, **offer(text))) == \
                (code, 1008), place
            assert meaning(refusal(relay, path=f"{place}&ticket={text}")) == \
                (code, 1008), place
        # What is no ticket at all is not looked at further.
        assert meaning(refusal(relay, path=f"{place}&ticket=x")) == REFUSED
    assert len(store.keys("relay:ticket:*")) == 1
    assert is_let_in(relay, **offer(made)) is True


def test_the_header_comes_before_the_ticket(relay, store):
    made = ticket(relay, token())["ticket"]
    assert is_let_in(relay, headers=bearer("x"), **offer(made)) == REFUSED
    assert is_let_in(relay, headers=bearer(token()), **offer(made)) is True
    assert len(store.keys("relay:ticket:*")) == 1


def test_a_ticket_of_a_withdrawn_key_is_no_good(start_relay, redis_server,
                                                keys, relay):
    keys.secret.write_bytes(b"another secret, for the other relay...")
    other = start_relay(redis_server, *keys.options())
    made = ticket(relay, token())["ticket"]
    assert is_let_in(other, **offer(made)) == REFUSED


def test_the_route(relay, start_relay, redis_server):
    status, head, _ = request(relay, "GET", PATH, bearer(token()))
    assert status == 405 and "Allow: POST" in head
    assert request(relay, "POST", PATH, bearer(token()), admin=True)[0] == 404
    status, head, body = request(
        relay, "POST", PATH, bearer(token()), body=b'{"ignored":true}')
    assert status == 200 and "no-store" in head
    assert set(json.loads(body)) == {"ticket", "expires_at"}
    # No token in the query, no ticket for a ticket.
    assert request(relay, "POST", f"{PATH}?access_token={token()}")[0] == 401
    off = start_relay(redis_server)
    status, _, body = request(off, "POST", PATH, bearer(token()))
    assert (status, json.loads(body)["error"]) == (404, "auth_off")


def test_without_redis_within_two_seconds(relay, redis_server):
    redis_server.freeze()
    began = time.monotonic()
    status, head, body = request(relay, "POST", PATH, bearer(token()))
    took = time.monotonic() - began
    assert status == 503 and "Retry-After" in head
    assert json.loads(body)["error"] == "auth_unavailable"
    assert took < 2.0 + 0.3 * SLOW
    began = time.monotonic()
    assert is_let_in(relay, **query("A" * 43)) == ("auth_unavailable", 1011)
    assert time.monotonic() - began < 2.0 + 0.3 * SLOW
    assert request(relay, "POST", PATH, bearer("x"))[0] == 401
    redis_server.thaw()
    wait_for(lambda: request(
        relay, "POST", PATH, bearer(token()))[0] == 200, 20)
    print(f"answered after {took:.2f} s")


def test_a_client_that_leaves_while_its_ticket_is_burnt(relay, redis_server):
    redis_server.freeze()
    for _ in range(20):
        peer, _ = handshake(relay, **query("A" * 43))
        peer.close()
    redis_server.thaw()
    wait_for(lambda: is_let_in(relay, headers=bearer(token())) is True)
    wait_for(lambda: relay.metric("relay_clients") == 0)


def test_hostile_requests_leave_nothing_that_spins(relay, redis_server):
    """B13 against a route that has to wait for Redis."""
    good = f"Authorization: Bearer {token()}\r\n"
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\n"
    shapes = {
        "a body": (head + good + "Content-Length: 5\r\n\r\nhello", 200),
        "a body that does not come": (
            head + good + "Content-Length: 999999\r\n\r\n", 200),
        "chunked": (head + good + "Transfer-Encoding: chunked\r\n\r\n"
                    "0\r\n\r\n", 200),
        "negative length": (head + good + "Content-Length: -5\r\n\r\n", 400),
        "CL and TE": (head + good + "Content-Length: 5\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        "two at once": ((head + good + "\r\n") * 2, 200),
        "an upgrade": (head + good + "Upgrade: foo\r\nConnection: Upgrade"
                       "\r\n\r\n", 200),
        "two tokens": (head + good + good + "\r\n", 400),
    }
    for name, (text, status) in shapes.items():
        host, port = relay.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10 * SLOW) as peer:
            peer.settimeout(10 * SLOW)
            peer.sendall(text.encode())
            answer = b""
            while chunk := peer.recv(65536):
                answer += chunk
            assert int(answer.split()[1]) == status, (name, answer)
            assert answer.count(b"HTTP/1.1 ") == 1, name
    redis_server.freeze()
    for _ in range(20):  # gone before Redis answers
        with socket.create_connection((host, int(port)), 10 * SLOW) as peer:
            peer.sendall((head + good + "\r\n").encode())
    relay.assert_at_rest()
    redis_server.thaw()
    wait_for(lambda: request(relay, "POST", PATH, {
        "Authorization": good.split(": ", 1)[1].strip()})[0] == 200, 20)
    relay.assert_at_rest()
