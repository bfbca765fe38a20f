# SPDX-License-Identifier: MIT
"""TLS, tickets, compression, tallies and the sandbox on one connection: each is
tested by itself elsewhere, here that they fit together."""

import http.client
import json

import pytest
import websockets

from auth_kit import bearer, token
from checker import FIGURES, judge_log, truth_of
from harness import (EVENTS, SLOW, Log, Publisher, connect, events_key,
                     receive_json, run)
from secure import Certificate, SecureRelay

IDENTITY = {"tenant": "acme", "user": "ada"}


@pytest.fixture
def relay(tmp_path, redis_server, keys):
    certificate = Certificate(tmp_path / "certificate")
    relay = SecureRelay(
        tmp_path / "relay", redis_server, certificate, *keys.options(),
        "--deflate=true", "--limits-connections-per-address", "1", workers=2)
    yield relay
    relay.assert_at_rest()
    assert relay.stop() == 0, relay.logged()


def ticket(relay):
    host, port = relay.address.rsplit(":", 1)
    client = http.client.HTTPSConnection(
        host, int(port), timeout=10 * SLOW,
        context=relay.certificate.trusting())
    client.request("POST", "/api/v1/auth/ws-ticket", headers=bearer(token()))
    answer = client.getresponse()
    body = answer.read()
    client.close()
    assert answer.status == 200, body
    return json.loads(body)["ticket"]


def enter(relay, burn, **query):
    return connect(relay.ws(EVENTS, session_id="s", **query),
                   subprotocols=["relay.v1", f"ticket.{burn}"], notices=False,
                   compression="deflate", **relay.client_options)


def status_of(refused):
    """Versions of websockets keep it in different places."""
    answer = getattr(refused, "response", refused)
    return answer.status_code


def test_all_of_it_on_one_connection(relay, store):
    publisher = Publisher(store)

    async def scene():
        log = Log("s")
        burn = ticket(relay)
        ws = await enter(relay, burn, after="0-0")
        assert ws.subprotocol == "relay.v1"
        assert (await receive_json(ws))["type"] == "relay.hello"
        publisher.publish_many("s", range(2000), pad=300, **IDENTITY)
        while len(log.got) < 2000:
            log.take(await ws.recv())
        # Another one is one too many, and its ticket is not asked about.
        with pytest.raises(websockets.exceptions.InvalidHandshake) as no:
            await enter(relay, ticket(relay))
        assert status_of(no.value) == 429
        await ws.close()
        return log, burn

    log, burn = run(scene())
    assert relay.metric("relay_frames_deflated_total") >= 2000
    truth = truth_of(store, events_key("s", **IDENTITY))
    acknowledged = publisher.acknowledged[events_key("s", **IDENTITY)]
    assert judge_log(truth, acknowledged, log) == dict.fromkeys(FIGURES, 0)
    assert burn not in relay.logged()

    async def again():
        ws = await enter(relay, burn)
        assert (await receive_json(ws))["code"] == "auth_failed"
        await ws.close()
    run(again())
