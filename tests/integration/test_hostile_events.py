# SPDX-License-Identifier: MIT
"""Producers that mean harm, or are only badly broken: names without end,
thousands of breaches at once, secrets in every place. The report, the metrics
and the log stay bounded and tell nothing; nothing is lost in silence."""

import json
import time

import pytest

from harness import (EVENTS, SLOW, connect, dumps, events_key, receive_event,
                     receive_type, run, step, wait_for)

KEY = events_key("s")
VIOLATIONS = "relay_contract_violations_total{"


def drift(relay):
    return json.loads(relay.get("/api/v1/contract/drift")[2])


def violations(relay):
    """{labels: value} of the counters of breaches."""
    return {name: value for name, value in relay.metrics().items()
            if name.startswith(VIOLATIONS)}


def letters(number):
    """A name of letters alone, another one for each number."""
    return "".join(chr(97 + number // 26 ** i % 26) for i in range(4))


def changed_step(number, **changes):
    frame = step(number)
    frame["step"].update(changes)
    return frame


def publish(store, events):
    for first in range(0, len(events), 1000):
        pipe = store.pipeline(transaction=False)
        for event in events[first:first + 1000]:
            pipe.xadd(KEY, {"event": event})
        pipe.execute()


def watch(relay, store, events, count):
    """Publishes under the eyes of one client, which gets `count` frames."""
    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s"),
                           max_size=None) as ws:
            await receive_type(ws, "relay.live")
            publish(store, events)
            for _ in range(count):
                await receive_event(ws, 30)
    run(scene())


@pytest.mark.parametrize("event", [
    dumps(changed_step(1, type="nonsense")), "x"], ids=["broken", "tiny"])
@pytest.mark.parametrize("is_live", [True, False], ids=["live", "behind"])
def test_ten_thousand_breaches_at_once_are_ten_thousand_dead_letters(
        start_relay, redis_server, store, event, is_live):
    relay = start_relay(redis_server, "--mode", "enforce")
    events = [event] * 10_000 + [dumps(step(1))]
    if is_live:
        watch(relay, store, events, 1)
    else:
        publish(store, events)

        async def scene():
            async with connect(relay.ws(
                    EVENTS, session_id="s", after="0-0")) as ws:
                await receive_event(ws, 30)
        run(scene())
    wait_for(lambda: store.xlen("relay:dead-letters") == 10_000, 30,
             "all dead letters")
    assert relay.metric("relay_dead_letters_lost_total") == 0
    found = {fields[b"id"] for _, fields in store.xrange("relay:dead-letters")}
    assert found == {entry for entry, _ in store.xrange(KEY)[:10_000]}


def test_breaches_are_read_no_faster_than_they_are_written_down(
        start_relay, redis_server, store):
    """More of them than may wait: without a pause in reading some are lost."""
    relay = start_relay(redis_server, "--mode", "enforce")
    event = dumps(changed_step(1, type="nonsense", output="x" * 8000))
    publish(store, [event] * 8000 + [dumps(step(1))])

    async def scene():
        async with connect(relay.ws(
                EVENTS, session_id="s", after="0-0")) as ws:
            await receive_event(ws, 60)
    run(scene())
    wait_for(lambda: relay.metric("relay_dead_letters_total") +
             relay.metric("relay_dead_letters_lost_total") == 8000, 60,
             "all dead letters")
    assert relay.metric("relay_dead_letters_lost_total") == 0


def test_ten_thousand_types_are_bounded_and_all_counted(relay, store):
    events = [json.dumps({"type": "kind_" + letters(n), "x": n})
              for n in range(10_000)]
    watch(relay, store, events, 10_000)
    wait_for(lambda: sum(violations(relay).values()) == 10_000, 10,
             "all to be counted")
    assert len(violations(relay)) <= 70
    report = drift(relay)
    assert len(report["cells"]) <= 70
    assert sum(c["count"] for c in report["cells"]) + \
        report["other"]["count"] == 10_000
    named = {c["type"] for c in report["cells"]}
    assert "kind_" + letters(0) in named
    assert "kind_" + letters(9_999) not in named


def test_a_hundred_thousand_undeclared_members_hold_nobody_up(relay, store):
    frame = step(1)
    frame["step"].update(
        {"m_" + letters(n): n for n in range(100_000)})
    event = dumps(frame)
    assert len(event) < 4 << 20

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s"),
                           max_size=None) as ws:
            await receive_type(ws, "relay.live")
            began = time.monotonic()
            store.xadd(KEY, {"event": event})
            store.xadd(KEY, {"event": dumps(step(2))})
            await receive_event(ws, 30)
            await receive_event(ws, 30)
            assert time.monotonic() - began < 3 * SLOW
    run(scene())
    report = wait_for(lambda: drift(relay)["undeclared"] and drift(relay))
    assert len(report["undeclared"]) <= 70
    # Of one event so many members are looked at, no more. `*` stands for the
    # names that there was no room for.
    assert 400 < sum(c["count"] for c in report["undeclared"]) <= 512


def test_pointers_without_end_are_cut_and_stay_json(relay, store):
    deep = {"leaf": 1}
    for n in range(50):
        deep = {"x" * 1000 + "/~\"\\\u00e4\U0001f432\u0001": deep}
    frame = changed_step(1, output=deep, input="\x7f\u2028")
    frame["step"]["y" * 100_000] = 1
    frame["step"]["z\n\"}\\"] = 1
    frame["step"]["\U0001f432" * 100] = 1
    watch(relay, store, [dumps(frame), dumps(step(1))], 2)
    report = wait_for(lambda: drift(relay)["undeclared"] and drift(relay))
    for cell in report["undeclared"] + report["cells"]:
        assert len(cell["pointer"]) < 400
        assert len(cell["seen"] or "") <= 64
    assert len(relay.get("/api/v1/contract/drift")[2]) < 100_000
    # Metrics are lines whatever the names are.
    for line in relay.get("/metrics")[2].decode().splitlines():
        assert line.startswith(("#", "relay_", "process_")), line


# What is no name by its looks, and what nobody can tell from one.
SECRETS = ["sk-live-4f9aQx7ZpL2mN8vB1cD3",
           "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
           "alice.smith@example.com", "4111111111111111",
           "550e8400-e29b-41d4-a716-446655440000"]
PASSWORD = "correct horse hunter2"


@pytest.mark.parametrize("mode", ["off", "warn", "enforce"])
@pytest.mark.parametrize("secret", [*SECRETS, PASSWORD],
                         ids=range(len(SECRETS) + 1))
def test_secrets_are_in_no_report_metric_or_log(
        start_relay, redis_server, store, mode, secret):
    relay = start_relay(redis_server, "--mode", mode, "--log-level", "debug")
    name = "a_name" if secret == PASSWORD else secret
    events = [
        dumps(changed_step(1, type=secret)),
        dumps(changed_step(2, label={"a": secret})),
        dumps(changed_step(3, timestamp=secret)),
        dumps(changed_step(4, note=secret, password=secret)),
        dumps(changed_step(5, output={"token": secret, "list": [secret]})),
        dumps(changed_step(6, **{name: 1})),
        dumps(changed_step(7, output={name: {name: [secret]}})),
        json.dumps({"type": secret}),
        json.dumps({"kind": secret, "x": secret}),
        json.dumps({"type": "execution_step", name: 1}),
        json.dumps([secret]), json.dumps(secret), "{" + secret,
        '{"' + name + '":1,"' + name + '":2}',
        json.dumps({"type": "execution_step", "cursor": secret}),
        json.dumps({"type": "relay." + secret}),
        dumps(step(99)),
    ]

    async def scene():
        async with connect(relay.ws(EVENTS, session_id="s")) as ws:
            await receive_type(ws, "relay.live")
            publish(store, events)
            while json.loads(await receive_event(ws)).get("sequence") != 100:
                pass
    run(scene())
    wait_for(lambda: drift(relay)["cells"], 5, "the report")
    for text in (relay.get("/api/v1/contract/drift")[2].decode(),
                 relay.get("/metrics")[2].decode(),
                 json.dumps(relay.status()), relay.logged()):
        assert secret not in text
        assert secret[:20] not in text


def test_another_number_of_cells_bounds_the_report(
        start_relay, redis_server, store):
    relay = start_relay(redis_server, "--mode", "warn",
                        "--limits-drift-cells", "10", workers=2)
    events = [dumps(changed_step(n, **{"m_" + letters(n): 1}))
              for n in range(50)]
    watch(relay, store, events, 50)
    report = wait_for(lambda: drift(relay)["other"]["count"] and drift(relay))
    assert report["cells_max"] == 10
    assert len(report["undeclared"]) == 10
    assert sum(c["count"] for c in report["undeclared"]) == 10
    assert report["other"]["count"] == 40


def test_another_number_of_log_lines_of_a_kind(start_relay, redis_server,
                                               store):
    def lines_of(relay):
        return [line for line in relay.logged().splitlines()
                if "event_delivered_in_breach" in line]
    events = [dumps(changed_step(n, type="nonsense")) for n in range(64)]
    for wanted in (1, 3, 7):
        relay = start_relay(redis_server, "--mode", "warn",
                            "--limits-log-lines", str(wanted))
        watch(relay, store, events, 64)
        # Told of are the 1st, 2nd, 4th … 64th: seven would be written.
        assert len(wait_for(lambda: lines_of(relay))) == wanted
        assert relay.metric("relay_log_dropped_total") >= 7 - wanted
        relay.stop()
