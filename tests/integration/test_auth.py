# SPDX-License-Identifier: MIT
"""Tokens: who is let in, who is not and learns nothing from it, what an identity
separates, and what happens when a token ends while its connection is open."""

import asyncio
import json
import random
import statistics
import subprocess
import time

import pytest

from auth_kit import bearer, forge, is_let_in, meaning, refusal, request, token
from checker import assert_six_zeros
from harness import (CHAT, EVENTS, RELAYCTL, SLOW, Log, Publisher,
                     closed_with, connect, dumps, events_key, receive_json,
                     receive_type, run, step, until)


@pytest.fixture
def relay(start_relay, redis_server, keys):
    return start_relay(redis_server, *keys.options())


# --- who is let in ---

# True to the second, which the unit tests judge.
TO_THE_SECOND = ("exp within the leeway", "not yet")


def rows(verdicts):
    return [(name, text) for name, verdict, text in forge.rows(int(time.time()))
            if verdicts(verdict) and len(text) < 5000 and
            name not in TO_THE_SECOND]


def test_tokens_of_two_libraries_are_let_in(relay):
    good = rows(lambda verdict: verdict == "ACCEPTED")
    assert {name.split()[0] for name, _ in good} >= {"PyJWT", "jwcrypto"}
    for name, text in good:
        assert is_let_in(relay, headers=bearer(text)) is True, name
    assert relay.metric('relay_auth_total{outcome="accepted"}') == len(good)


def test_forged_tokens_are_all_refused_alike(relay):
    forged = rows(lambda verdict: verdict != "ACCEPTED")
    assert len(forged) >= 30
    answers = {}
    for name, text in forged:
        answers.setdefault(
            repr(refusal(relay, headers=bearer(text))), []).append(name)
    assert len(answers) == 1, {k: v[:3] for k, v in answers.items()}
    print(f"{len(forged)} forged tokens, {len(answers)} answer")
    assert meaning(refusal(relay)) == ("auth_failed", 1008)
    assert repr(refusal(relay)) in answers
    assert relay.metric('relay_auth_total{outcome="accepted"}') == 0
    # The reason is counted, and the token stands nowhere.
    counts = relay.metrics()
    for outcome in ("malformed", "header", "algorithm", "unknown_key",
                    "signature", "claims", "expired", "issuer",
                    "audience", "identity", "absent"):
        assert counts[f'relay_auth_total{{outcome="{outcome}"}}'] > 0, outcome
    for name, text in forged:
        if len(text) > 20:
            assert text[-20:] not in relay.logged(), name


def test_http_refuses_them_alike_too(relay):
    forged = rows(lambda verdict: verdict != "ACCEPTED")
    answers = {request(relay, "POST", "/api/v1/auth/ws-ticket", bearer(text))
               for _, text in forged}
    answers.add(request(relay, "POST", "/api/v1/auth/ws-ticket"))
    assert len(answers) == 1
    status, head, body = answers.pop()
    assert status == 401 and "WWW-Authenticate: Bearer" in head
    assert json.loads(body)["error"] == "auth_failed"


def took(relay, text):
    began = time.perf_counter()
    refusal(relay, headers=bearer(text))
    return time.perf_counter() - began


def test_time_tells_nothing_beyond_noise(relay):
    """Printed, not judged: this machine has other things to do as well."""
    forged = {name: text for name, text in rows(
        lambda verdict: verdict != "ACCEPTED")}
    names = ["no signature", "crit", "alg HS512", "kid 'unknown'",
             "RS256 with a bit flipped", "HS256 with a bit flipped",
             "ES256 with a bit flipped", "expired long ago", "no tenant"]
    times = {name: [] for name in names}
    for _ in range(40):
        for name in random.sample(names, len(names)):
            times[name].append(took(relay, forged[name]))
    for name in names:
        print(f"{statistics.median(times[name]) * 1e6:8.0f} us  {name}")
    medians = [statistics.median(t) for t in times.values()]
    print(f"medians differ by {(max(medians) - min(medians)) * 1e6:.0f} us; "
          f"one row's own quartiles by "
          f"{(statistics.quantiles(times[names[0]])[2] - statistics.quantiles(times[names[0]])[0]) * 1e6:.0f} us")
    assert all(len(t) == 40 for t in times.values())


# --- where a token may stand ---

def test_a_token_in_the_query_only_where_that_is_allowed(
        relay, start_relay, redis_server, keys):
    path = f"{CHAT}?access_token={token()}"
    assert is_let_in(relay, path=path) == ("auth_failed", 1008)
    other = start_relay(redis_server, *keys.options(),
                        "--auth-query-token=true")
    assert is_let_in(other, path=path) is True
    assert is_let_in(other, path=f"{CHAT}?access_token=x") == \
        ("auth_failed", 1008)
    # The header comes first, and a bad one there is not made good elsewhere.
    assert is_let_in(other, path=path, headers=bearer("x")) == \
        ("auth_failed", 1008)
    assert is_let_in(other, path=path, headers={
        "Authorization": "Basic dTpw"}) is True


@pytest.mark.parametrize("value", ["Bearer {}", "bearer {}", "BEARER   {}"])
def test_the_scheme_has_no_case(relay, value):
    assert is_let_in(relay, headers={
        "Authorization": value.format(token())}) is True


@pytest.mark.parametrize("value", ["{}", "Bearer{}", "Token {}", "Bearer"])
def test_other_schemes_are_none(relay, value):
    assert is_let_in(relay, headers={
        "Authorization": value.format(token())}) == ("auth_failed", 1008)


def test_query_refusals_come_before_authentication(relay):
    for headers in ({}, bearer("x"), bearer(token())):
        assert meaning(refusal(
            relay, path=f"{CHAT}?user_id=u", headers=headers)) == \
            ("unsupported_identity_query_params", 1008)
    assert meaning(refusal(relay, path=EVENTS)) == ("auth_failed", 1008)
    assert meaning(refusal(relay, path=EVENTS, headers=bearer(token()))) == \
        ("missing_session_id", 1008)


def test_without_notices_the_refusal_is_the_same(relay):
    assert meaning(refusal(relay, protocols=None)) == ("auth_failed", 1008)


def test_ready_names_authentication(relay, start_relay, redis_server):
    assert json.loads(relay.get("/ready")[2])["components"]["auth"] == "ready"
    other = start_relay(redis_server)
    assert json.loads(other.get("/ready")[2])["components"]["auth"] == \
        "disabled"


# --- tenants ---

def test_two_tenants_share_nothing(relay, store):
    """10,000 events of two tenants and two users in sessions of one name: live,
    replayed, refused; each client gets those of its own identity alone."""
    people = [("acme", "ada-1"), ("acme", "eve-1"), ("other", "ada-1"),
              ("other/acme", "ada-1")]
    chance = random.Random(7)
    publisher = Publisher(store)

    def publish(count, first):
        pipe = store.pipeline(transaction=False)
        told = []
        for number in range(first, first + count):
            tenant, user = chance.choice(people)
            key = events_key("s", tenant, user)
            event = step(number, "s")
            event["step"]["label"] = f"of {tenant} {user}"
            if number % 50 == 0:
                event["step"]["label"] = 7
                event["summary"] = f"of {tenant} {user}"
            pipe.xadd(key, {"event": dumps(event)})
            told.append((key, number, dumps(event)))
        for (key, number, text), entry in zip(told, pipe.execute()):
            publisher.log(key, entry, number, text)

    async def follow(tenant, user, after):
        log = Log("s", after)
        socket_ = await connect(
            relay.ws(EVENTS, session_id="s", after=after),
            headers=bearer(token(tenant=tenant, user=user)))
        frames = []
        last = publisher.acknowledged[events_key("s", tenant, user)]

        async def read():
            while True:
                text = await socket_.recv()
                frames.append(text)
                log.take(text)

        task = asyncio.create_task(read())
        return log, frames, socket_, task, last

    async def scene():
        publish(5000, 0)
        followers = {p: await follow(*p, "0-0") for p in people}
        publish(5000, 5000)
        for person, (log, frames, socket_, task, last) in followers.items():
            await until(lambda: log.position == last[-1][0], 60)
            task.cancel()
            own = f"of {person[0]} {person[1]}\""
            assert len(log.got) == len(last)
            assert all(own in f for f in frames if f.startswith('{"cursor"'))
            assert [d for _, d in log.got] == [d for _, _, d in last]
            await socket_.close()
        counts = [len(f[4]) for f in followers.values()]
        assert sum(counts) == 10000 and min(counts) > 2000
        print("events of each identity:", counts)

    run(scene(), 240)
    # Dead letters, drift, status and metrics are the operator's; no identity is
    # a name in them but the stream's own.
    text = (relay.get("/metrics")[2] + relay.get("/api/v1/runtime/status")[2] +
            relay.get("/api/v1/contract/drift")[2]).decode()
    for word in ("acme", "ada-1", "eve-1", "of other"):
        assert word not in text


def test_dead_letters_of_tenants_are_apart(start_relay, redis_server, store,
                                           keys):
    relay = start_relay(redis_server, *keys.options(), "--mode", "enforce")
    wanted = {}

    async def scene():
        sockets = []
        for tenant in ("acme", "other"):
            socket_ = await connect(
                relay.ws(EVENTS, session_id="s"),
                headers=bearer(token(tenant=tenant)))
            await receive_type(socket_, "relay.live")
            sockets.append((tenant, socket_))
        for tenant, _ in sockets:
            event = step(1, "s")
            event["step"]["label"] = 7
            event["summary"] = tenant
            key = events_key("s", tenant, "ada")
            wanted[key] = store.xadd(key, {"event": dumps(event)}).decode()
            store.xadd(key, {"event": dumps(step(2, "s"))})
        for tenant, socket_ in sockets:
            gap = await receive_type(socket_, "relay.gap")
            assert gap["through"] == wanted[events_key("s", tenant, "ada")]
            frame = await receive_json(socket_)
            assert frame["sequence"] == 3
            await socket_.close()
        await until(lambda: store.xlen("relay:dead-letters") == 2)

    run(scene())
    got = {f[b"stream"].decode(): (f[b"id"].decode(), f[b"event"])
           for _, f in store.xrange("relay:dead-letters")}
    assert {k: v[0] for k, v in got.items()} == wanted
    assert b'"summary":"other"' in got[events_key("s", "other", "ada")][1]


def test_commands_carry_the_identity_of_the_token(relay, store):
    async def scene():
        async with connect(relay.ws(CHAT), headers=bearer(
                token(tenant="t/1", user="u:{2}"))) as chat:
            await chat.send(dumps({"type": "message", "content": "hi",
                                   "session_id": "s"}))
            await receive_type(chat, "relay.ack")
            # What the client says of itself changes nothing.
            await chat.send(dumps({"type": "message", "content": "hi",
                                   "session_id": "s", "user_id": "root"}))
            while (frame := await receive_json(chat))["type"] != "error":
                pass
            assert frame["code"] == "unsupported_identity_fields"

    run(scene())
    (_, fields), = store.xrange("relay:commands")
    assert fields[b"tenant"] == b"t/1" and fields[b"user"] == b"u:{2}"
    assert fields[b"events"] == b"relay:events:{t%2F1/u%3A%7B2%7D/s}"
    assert any(b"t%2F1/u%3A%7B2%7D" in key for key in store.keys("*dedup*"))


# --- the end of a token ---

@pytest.mark.slow
def test_a_token_of_ten_seconds(start_relay, redis_server, store, keys):
    leeway = 1
    relay = start_relay(redis_server, *keys.options(),
                        f"--auth-leeway-seconds={leeway}")
    publisher = Publisher(store)
    identity = {"tenant": "acme", "user": "ada"}
    log = Log("s", "0-0")

    async def publish():
        for number in range(10 ** 9):
            publisher.publish("s", number, **identity)
            await asyncio.sleep(0.01)

    async def read_to_the_end(socket_):
        try:
            while True:
                log.take(await socket_.recv())
        except Exception:
            return time.time()

    async def scene():
        producer = asyncio.create_task(publish())
        # In whole seconds, as tokens mostly have it.
        exp = int(time.time()) + 10
        forge.begin(int(time.time()))
        text = forge.token("HS256", claims=forge.changed(exp=exp))
        socket_ = await connect(
            relay.ws(EVENTS, session_id="s", after="0-0"),
            headers=bearer(text))
        ended = await read_to_the_end(socket_)
        assert (socket_.close_code, socket_.close_reason) == (4401, "")
        late = ended - exp - leeway
        print(f"closed {late * 1000:.0f} ms after exp + leeway")
        assert 0 <= late < 1
        notices = [n for n in log.notices if n["type"] == "relay.expiring"]
        assert len(notices) == 1
        assert 8000 < notices[0]["expires_in_ms"] <= 10000
        assert [e["code"] for e in log.errors] == ["auth_expired"]
        before = len(log.got)
        assert before > 100
        # The old one is over, a new one goes on from the cursor.
        assert is_let_in(relay, headers=bearer(text)) == ("auth_failed", 1008)
        socket_ = await connect(
            relay.ws(EVENTS, session_id="s", after=log.position),
            headers=bearer(token()))
        reader = asyncio.create_task(read_to_the_end(socket_))
        await until(lambda: len(log.got) > before + 100)
        producer.cancel()
        key = events_key("s", **identity)
        last = publisher.acknowledged[key][-1][0]
        await until(lambda: log.position == last)
        await socket_.close()
        await reader

    run(scene(), 60)
    log.key = events_key("s", **identity)
    assert_six_zeros(store, publisher, [log])
    assert relay.status()["closed"]["expired"] == 1


def test_without_notices_only_the_error(start_relay, redis_server, keys):
    relay = start_relay(redis_server, *keys.options(),
                        "--auth-leeway-seconds=0")

    async def scene():
        socket_ = await connect(relay.ws(EVENTS, session_id="s"), False,
                                headers=bearer(token(ttl=2.5)))
        frame = await receive_json(socket_)
        assert frame["code"] == "auth_expired" and frame["type"] == "error"
        assert await closed_with(socket_) == (4401, "")

    run(scene())


# --- connections of a user ---

def test_one_connection_over_the_users_bound(start_relay, redis_server, keys):
    relay = start_relay(redis_server, *keys.options(),
                        "--limits-connections-per-user=2", workers=3)

    async def scene():
        mine = [await connect(relay.ws(CHAT), headers=bearer(token()))
                for _ in range(2)]
        for socket_ in mine:
            await receive_type(socket_, "relay.hello")
        for _ in range(4):
            assert meaning(await asyncio.to_thread(
                refusal, relay, headers=bearer(token()))) == \
                ("too_many_connections", 1008)
        for other in (token(user="eve"), token(tenant="other")):
            assert await asyncio.to_thread(
                is_let_in, relay, headers=bearer(other)) is True
        await mine.pop().close()
        await until(lambda: relay.metric("relay_clients") == 1)
        mine.append(await connect(
            relay.ws(CHAT), headers=bearer(token())))
        await receive_type(mine[-1], "relay.hello")
        for socket_ in mine:
            await socket_.ping()
            await socket_.close()

    run(scene())


# --- what an operator sees ---

def test_relayctl_shows_what_was_found_of_tokens(relay):
    assert is_let_in(relay, headers=bearer(token())) is True
    assert meaning(refusal(relay, headers=bearer("x.y.z")))[1] == 1008
    done = subprocess.run([RELAYCTL, "status", "--relay", relay.admin],
                          capture_output=True, timeout=20 * SLOW)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    auth = lines.index(next(l for l in lines if l.startswith("auth")))
    facts = dict(line.split() for line in lines[auth + 1:auth + 6])
    assert facts == {"state": "ready", "accepted": "1", "refused": "1",
                     "unavailable": "0", "tickets": "0"}
