# SPDX-License-Identifier: MIT
"""SIGHUP: contract, modes, limits and log level change while events flow. No
connection is dropped, what was not good leaves everything as it was. And what
the contract refuses is found in the dead letters, once."""

import asyncio
import json
import re
import shutil
import signal
import time

import pytest

from checker import assert_six_zeros
from harness import (CHAT, EVENTS, ROOT, Publisher, Subscriber, connect, dumps,
                     events_key, receive_event, receive_json, receive_type,
                     run, split_cursor, step, until, wait_for)
from test_traffic import Monitor

DEAD = "relay:dead-letters"


def broken(number, session="s"):
    """An execution_step that the contract refuses at /step/label."""
    event = step(number, session)
    event["step"]["label"] = 7
    return event


def add(store, session, text):
    return store.xadd(events_key(session), {"event": text}).decode()


def letters(store):
    """{(stream, id): fields} of the dead letters; each is there once."""
    found = {}
    for _, fields in store.xrange(DEAD):
        fields = {k.decode(): v for k, v in fields.items()}
        place = fields["stream"].decode(), fields["id"].decode()
        assert place not in found, place
        found[place] = fields
    return found


class Reloaded:
    """A relay with a config file and a contract folder of its own."""

    def __init__(self, start_relay, redis_server, folder, workers=1, **config):
        self.contract = folder / "contract"
        shutil.copytree(ROOT / "schemas" / "fleet-rlm" / "3", self.contract)
        self.file = folder / "relay.json"
        self.config = {"contract": str(self.contract), **config}
        self.write()
        self.relay = start_relay(redis_server, "--config", self.file,
                                 workers=workers)

    def write(self, **changes):
        self.config.update(changes)
        # Whole or not at all, as a reload may come at any time.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self.config))
        fresh.rename(self.file)

    def lines(self, action):
        return [json.loads(line) for line in self.relay.logged().splitlines()
                if f'"action":"{action}"' in line]

    def hangup(self, action):
        """SIGHUP, and the line that says what came of it."""
        before = len(self.lines(action))
        self.relay.process.send_signal(signal.SIGHUP)
        return wait_for(lambda: self.lines(action)[before:], 10, action)[0]

    def change_schema(self, rename):
        """Another version of the contract."""
        path = self.contract / "contract.json"
        contract = json.loads(path.read_text())
        rename(contract)
        path.write_text(json.dumps(contract))

    def hash(self):
        return self.relay.status()["contract"]["hash"]


@pytest.fixture
def reloaded(start_relay, redis_server, tmp_path):
    def start(**options):
        return Reloaded(start_relay, redis_server, tmp_path, **options)
    return start


async def keep_reading(subscriber):
    """Until it is cancelled; a connection that ends is a failure."""
    while True:
        await subscriber.read()


async def stop(tasks):
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# --- warn becomes enforce under load ---

def test_warn_becomes_enforce_under_load(reloaded, store):
    scene_relay = reloaded(workers=3, mode="warn")
    relay = scene_relay.relay
    publisher = Publisher(store)
    sessions = ["a", "b", "c"]
    bad = {}

    def publish_bad(number):
        for session in sessions:
            text = dumps(broken(number, session))
            entry = store.xadd(events_key(session), {"event": text})
            publisher.log(events_key(session), entry, number, text)
            bad.setdefault(number, {})[session] = entry.decode()

    async def scene():
        subscribers = [await Subscriber(relay, session, "0-0").connect()
                       for session in sessions for _ in range(5)]
        # Only those who know notices can be judged; the others must stay.
        silent = [await connect(relay.ws(EVENTS, session_id=session),
                                notices=False) for session in sessions]
        tasks = [asyncio.create_task(keep_reading(s)) for s in subscribers]
        tasks += [asyncio.create_task(drain(ws)) for ws in silent]
        chat = await connect(relay.ws(CHAT))
        await receive_type(chat, "relay.hello")
        for number in range(600):
            for session in sessions:
                publisher.publish(session, number)
            if number == 100:
                publish_bad(1000)
            if number == 300:
                # What is read after the change is judged by it, whenever it
                # was added.
                await until(lambda: all(
                    bad[1000][s.log.session] in dict(s.log.got)
                    for s in subscribers), 30)
                scene_relay.write(mode="enforce")
                relay.process.send_signal(signal.SIGHUP)
            if number == 450:
                await until(lambda: scene_relay.lines("reloaded"))
                publish_bad(1001)
            if number % 5 == 0:
                await asyncio.sleep(0.001)
        for subscriber in subscribers:
            last = publisher.acknowledged[
                events_key(subscriber.log.session)][-1][0]
            await until(lambda: subscriber.log.position == last, 30)
        await stop(tasks)
        assert relay.metric("relay_clients") == \
            len(subscribers) + len(silent) + 1
        await chat.send(dumps({"type": "nonsense"}))
        assert (await receive_type_any(chat))["type"] == "error"
        for subscriber in subscribers:
            session = subscriber.log.session
            assert subscriber.connects == 1
            seen = [cursor for cursor, _ in subscriber.log.got]
            assert bad[1000][session] in seen
            assert bad[1001][session] not in seen
            gaps = [(g["reason"], g["through"]) for g in subscriber.log.gaps]
            assert gaps == [("dead_lettered", bad[1001][session])]
            await subscriber.drop()
        for ws in [*silent, chat]:
            await ws.close()
        return [s.log for s in subscribers]
    logs = run(scene())
    assert_six_zeros(store, publisher, logs)
    wait_for(lambda: len(letters(store)) == len(sessions), 10, "dead letters")
    for session in sessions:
        letter = letters(store)[events_key(session), bad[1001][session]]
        assert letter["code"] == b"invalid_payload"
        assert letter["pointer"] == b"/step/label"
    assert relay.status()["contract"]["mode"] == "enforce"


async def drain(ws):
    while True:
        await ws.recv()


async def receive_type_any(ws):
    while True:
        frame = await receive_json(ws)
        if not frame["type"].startswith("relay."):
            return frame


# --- what is refused leaves all as it was ---

def refused(scene_relay):
    before = scene_relay.hash(), scene_relay.relay.status()["contract"]
    reloads = len(scene_relay.lines("reloaded"))
    refusals = len(scene_relay.lines("reload_refused"))
    line = scene_relay.hangup("reload_refused")
    assert before == (scene_relay.hash(),
                      scene_relay.relay.status()["contract"])
    assert len(scene_relay.lines("reloaded")) == reloads
    assert len(scene_relay.lines("reload_refused")) == refusals + 1
    assert line["level"] == "error" and line["kept_hash"] == before[0]
    return line["where"] + ": " + line["error"]


def test_a_config_that_is_no_good_changes_nothing(reloaded, store):
    scene_relay = reloaded(mode="warn")
    file = scene_relay.file

    def one(text):
        file.write_text(text)
        return refused(scene_relay)
    assert "relay.json:1:" in one("{ not json")
    assert "enforced" not in one('{"mode": "enforced"}')
    assert "did you mean" in one('{"mode": "enforce", "limits": {"frame_byte": 1}}')
    assert "limits/frame_bytes" in one('{"limits": {"frame_bytes": 1}}')
    assert "only a restart" in one('{"mode": "enforce", "redis_prefix": "x:"}')
    assert "limits.connections" in one('{"limits": {"connections": 200000}}')
    assert "chat, execution" in one('{"modes": {"chatt": "off"}}')
    assert "execution_step" in one(
        '{"modes": {"chat": {"execution_stepp": "off"}}}')
    assert "always enforced" in one('{"modes": {"chat": {"message": "off"}}}')
    file.unlink()
    assert "cannot be read" in refused(scene_relay)

    async def scene():
        ws = await connect(scene_relay.relay.ws(EVENTS, session_id="s"))
        await receive_type(ws, "relay.live")
        text = dumps(broken(1))
        add(store, "s", text)
        assert split_cursor(await receive_event(ws))[1] == text
        await ws.close()
    run(scene())


def test_a_contract_that_is_no_good_changes_nothing(reloaded):
    scene_relay = reloaded(mode="warn")
    path = scene_relay.contract / "contract.json"
    good = path.read_text()

    def one(change):
        path.write_text(good)
        scene_relay.change_schema(change)
        return refused(scene_relay)

    def move(contract):
        contract["endpoints"]["chat"]["path"] = "/elsewhere"

    def reorder(contract):
        contract["endpoints"] = dict(
            reversed(contract["endpoints"].items()))

    def more(contract):
        contract["endpoints"]["third"] = dict(
            contract["endpoints"]["execution"], path="/third")

    def fewer(contract):
        del contract["endpoints"]["execution"]

    def dangling(contract):
        messages = contract["endpoints"]["chat"]["server"]["messages"]
        messages["event"] = "nowhere.schema.json#/x"
    for change in (move, reorder, fewer):
        assert "needs a restart" in one(change)
    assert "endpoints/third" in one(more)
    assert "nowhere.schema.json" in one(dangling)
    path.write_text("[]")
    refused(scene_relay)
    path.write_text(good)
    scene_relay.hangup("reloaded")


# --- what is good counts from then on ---

def test_a_new_contract_shows_everywhere(reloaded, store):
    scene_relay = reloaded(mode="enforce", workers=2)
    relay = scene_relay.relay
    before = scene_relay.hash()

    def rename(contract):
        contract["version"] = "3.1"
        for name in ("chat", "execution"):
            messages = contract["endpoints"][name]["server"]["messages"]
            messages["execution_pause"] = messages["execution_completed"]
            del messages["execution_step"]

    async def scene():
        chats = [await connect(relay.ws(CHAT)) for _ in range(4)]
        watch = await Subscriber(relay, "s", None).connect()
        await watch.read_until(lambda log: len(log.notices) == 2)
        assert watch.log.notices[0]["contract"]["hash"] == before
        scene_relay.change_schema(rename)
        line = scene_relay.hangup("reloaded")
        assert line["contract_hash"] == scene_relay.hash() != before
        assert line["contract"].endswith("/3.1")
        # Sessions that are there go by it …
        entry = add(store, "s", dumps(step(1)))
        await watch.read_until(lambda log: log.gaps)
        assert watch.log.gaps[0]["reason"] == "dead_lettered"
        assert watch.log.gaps[0]["through"] == entry
        for number, chat in enumerate(chats):
            await chat.send(dumps({
                "type": "message", "content": "x",
                "session_id": f"chat{number}"}))
            await receive_type(chat, "relay.ack")
            await chat.close()
        stored = store.xrevrange("relay:commands", count=1)[0][1]
        assert stored[b"contract"].endswith(b"/3.1")
        # … and so do new ones.
        ws = await connect(relay.ws(EVENTS, session_id="s"))
        hello = await receive_type(ws, "relay.hello")
        assert hello["contract"]["hash"] == scene_relay.hash()
        assert hello["contract"]["version"] == "3.1"
        await ws.close()
        await watch.drop()
    run(scene())
    letter, = wait_for(lambda: list(letters(store).values()), 10, "a letter")
    assert letter["code"] == b"unknown_type"
    assert letter["contract"].endswith(b"/3.1")


def test_limits_and_log_level_change_for_open_connections(reloaded, store):
    scene_relay = reloaded(mode="enforce", limits={"event_bytes": 4096})
    relay = scene_relay.relay

    async def scene():
        watch = await Subscriber(relay, "s", None).connect()
        chat = await connect(relay.ws(CHAT))
        long = dumps(step(1, pad=5000))
        first = add(store, "s", long)
        await watch.read_until(lambda log: log.gaps)
        scene_relay.write(limits={"event_bytes": 65536, "frame_bytes": 1024},
                          log={"level": "debug"})
        scene_relay.hangup("reloaded")
        second = add(store, "s", long)
        await watch.read_until(lambda log: log.got)
        assert watch.log.got[0][0] == second
        assert list(letters(store)) == [(events_key("s"), first)]
        await chat.send(" " * 2000)
        with pytest.raises(Exception):
            while True:
                await asyncio.wait_for(chat.recv(), 10)
        assert chat.close_code == 1009
        await watch.drop()
    run(scene())


def test_modes_by_endpoint_and_type(reloaded, store):
    scene_relay = reloaded(mode="warn", modes={
        "execution": "enforce", "chat": {"execution_step": "off"}})
    relay = scene_relay.relay
    unknown = dumps({"type": "unheard_of"})

    async def scene():
        watch = await Subscriber(relay, "s", None).connect()
        await watch.read_until(lambda log: len(log.notices) == 2)
        chat = await connect(relay.ws(CHAT))
        await chat.send(dumps({"type": "message", "content": "x",
                               "session_id": "s"}))
        await receive_type(chat, "relay.live")
        for text in (dumps(broken(1)), unknown):
            entry = add(store, "s", text)
            await watch.read_until(
                lambda log: log.gaps and log.gaps[-1]["through"] == entry)
            assert split_cursor(await receive_event(chat)) == (entry, text)
        scene_relay.write(modes={"chat": "enforce",
                                 "execution": {"execution_step": "enforce"}})
        scene_relay.hangup("reloaded")
        entry = add(store, "s", unknown)
        await watch.read_until(lambda log: log.got)
        assert watch.log.got[-1][0] == entry
        gap = await receive_type(chat, "relay.gap")
        assert gap["through"] == entry
        entry = add(store, "s", dumps(broken(2)))
        await watch.read_until(lambda log: log.gaps[-1]["through"] == entry)
        await watch.drop()
        await chat.close()
    run(scene())
    wait_for(lambda: len(letters(store)) == 4, 10, "dead letters")


def test_what_passed_before_the_reload_is_a_dead_letter_when_read_again(
        reloaded, store):
    """A gap that says dead_lettered leads to a dead letter, also when the
    entry was let pass when it was new."""
    scene_relay = reloaded(mode="warn")
    relay = scene_relay.relay

    async def scene():
        first = await Subscriber(relay, "s", "0-0").connect()
        await first.read_until(lambda log: log.notices[-1:] and
                               log.notices[-1]["type"] == "relay.live")
        entries = [add(store, "s", dumps(e))
                   for e in (step(1), broken(2), step(3))]
        await first.read_until(lambda log: len(log.got) == 3)
        scene_relay.write(mode="enforce")
        scene_relay.hangup("reloaded")
        late = await Subscriber(relay, "s", "0-0").connect()
        await late.read_until(lambda log: log.position == entries[2])
        reasons = [g["reason"] for g in late.log.gaps]
        if reasons:  # else it joined what was in memory before
            assert [c for c, _ in late.log.got] == [entries[0], entries[2]]
            wait_for(lambda: list(letters(store)) ==
                     [(events_key("s"), entries[1])], 10, "the dead letter")
        await first.drop()
        await late.drop()
        # Nobody is left, so all of it must be read anew.
        await until(lambda: relay.metric("relay_subscriptions") == 0)
        last = await Subscriber(relay, "s", "0-0").connect()
        await last.read_until(lambda log: log.position == entries[2])
        assert [c for c, _ in last.log.got] == [entries[0], entries[2]]
        await last.drop()
    run(scene())
    wait_for(lambda: list(letters(store)), 10, "the dead letter")
    assert relay.metric("relay_dead_letters_total") == 1


# --- one bad event of each kind ---

def test_each_kind_of_bad_event_is_found_and_all_others_arrive(
        reloaded, store):
    scene_relay = reloaded(mode="enforce", workers=2)
    relay = scene_relay.relay
    key = events_key("s")
    huge = b'{"type":"execution_step","x":"' + b"x" * 10_000_000 + b'"}'
    null = dumps(step(1)).encode().replace(b"token 1", b"tok\0en 1")
    null_key = dumps(step(1)).encode().replace(
        b'"summary"', b'"a\\u0000b":1,"summary"')
    cases = [({"event": dumps(broken(1))}, b"invalid_payload"),
             ({"event": "no json at all"}, b"invalid_json"),
             ({"data": dumps(step(1))}, b"missing_field"),
             ({"event": huge}, b"too_large"),
             ({"event": null}, b"invalid_json"),
             ({"event": null_key}, b"invalid_json"),
             ({"event": "[1]"}, b"not_object"),
             ({"event": '{"type":"unheard_of"}'}, b"unknown_type"),
             ({"event": '{"a":' * 65 + "1" + "}" * 65}, b"too_deep"),
             ({"event": dumps(dict(step(1), cursor="1-1"))},
              b"reserved_member")]
    publisher = Publisher(store)
    expected = {}

    async def scene():
        live = [await Subscriber(relay, "s", "0-0").connect()
                for _ in range(4)]
        tasks = [asyncio.create_task(keep_reading(s)) for s in live]
        for number, (fields, code) in enumerate(cases):
            publisher.publish("s", 2 * number)
            expected[key, store.xadd(key, fields).decode()] = code
            publisher.publish("s", 2 * number + 1)
            await asyncio.sleep(0)
        last = publisher.acknowledged[key][-1][0]
        for subscriber in live:
            await until(lambda: subscriber.log.position == last, 30)
        await stop(tasks)
        late = await Subscriber(relay, "s", "0-0").connect()
        await late.read_until(lambda log: log.position == last)
        for subscriber in [*live, late]:
            assert len(subscriber.log.got) == 2 * len(cases)
            assert all(g["reason"] == "dead_lettered"
                       for g in subscriber.log.gaps)
            await subscriber.drop()
        return [s.log for s in [*live, late]]
    logs = run(scene())
    assert_six_zeros(store, publisher, logs)
    wait_for(lambda: len(letters(store)) == len(cases), 20, "dead letters")
    found = letters(store)
    assert {place: f["code"] for place, f in found.items()} == expected
    assert all(len(f["event"]) <= 65536 for f in found.values())
    assert relay.metric("relay_dead_letters_total") == len(cases)


def test_one_dead_letter_whoever_reads(start_relay, redis_server, store):
    """Two relays with three workers each; MONITOR sees one XADD for each
    refused entry, made inside a script."""
    relays = [start_relay(redis_server, "--mode", "enforce", workers=3)
              for _ in range(2)]
    monitor = Monitor(redis_server.client())
    monitor.start()
    assert monitor.started.wait(10)
    sessions = ["a", "b"]
    ids = []

    async def scene():
        watches = [await Subscriber(relay, session, "0-0").connect()
                   for relay in relays for session in sessions
                   for _ in range(9)]
        for watch in watches:
            await watch.read_until(lambda log: log.notices[-1:] and
                                   log.notices[-1]["type"] == "relay.live")
        for number in range(20):
            for session in sessions:
                ids.append((events_key(session),
                            add(store, session, dumps(broken(number, session)))))
                last = add(store, session, dumps(step(number, session)))
        for watch in watches:
            await watch.read_until(lambda log: len(log.got) == 20)
            await watch.drop()
    run(scene())
    wait_for(lambda: len(letters(store)) == len(ids), 10, "dead letters")

    def all_written():
        return sum(r.metric("relay_dead_letters_total") for r in relays)
    wait_for(lambda: all_written() == len(ids), 10, "the counters")
    # Both have asked: each refused every entry, in each worker that read it.
    assert all(r.metric("relay_events_refused_total") >= len(ids)
               for r in relays)
    store.ping()
    time.sleep(0.2)
    assert set(letters(store)) == set(ids)
    written = [l for l in list(monitor.lines)
               if re.match(r"(?i)xadd " + re.escape(DEAD), l)]
    assert len(written) == len(ids)
    monitor.stopping = True
    store.ping()
    monitor.join(10)


def test_many_reloads_leak_nothing_and_drop_nobody(reloaded, store):
    scene_relay = reloaded(mode="warn", workers=3)
    relay = scene_relay.relay
    publisher = Publisher(store)

    async def scene():
        watches = [await Subscriber(relay, "s", "0-0").connect()
                   for _ in range(6)]
        tasks = [asyncio.create_task(keep_reading(w)) for w in watches]
        for number in range(200):
            publisher.publish("s", number)
            if number % 4 == 0:
                scene_relay.write(
                    mode=["off", "warn", "enforce"][number // 4 % 3])
                relay.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.002)
        await until(lambda: all(len(w.log.got) == 200 for w in watches), 30)
        await stop(tasks)
        for watch in watches:
            await watch.drop()
        return [w.log for w in watches]
    logs = run(scene())
    assert_six_zeros(store, publisher, logs)
    scene_relay.write(mode="off")
    wait_for(lambda: scene_relay.hangup("reloaded")["mode"] == "off", 10)
    assert scene_relay.lines("reload_refused") == []


def test_the_drift_report_outlives_a_change_of_modes(reloaded, store):
    scene_relay = reloaded(mode="warn", workers=2)
    relay = scene_relay.relay

    def pointers():
        report = relay.get("/api/v1/contract/drift")[2].decode()
        return "/step/label" in report

    async def scene():
        watch = await Subscriber(relay, "s", "0-0").connect()
        await watch.read_until(lambda log: len(log.notices) == 2)
        add(store, "s", dumps(broken(1)))
        await watch.read_until(lambda log: log.got)
        await until(pointers)
        scene_relay.write(mode="enforce")
        scene_relay.hangup("reloaded")
        assert pointers()
        scene_relay.change_schema(lambda c: c.update(version="3.2"))
        scene_relay.hangup("reloaded")
        assert not pointers()
        add(store, "s", dumps(broken(2)))
        await watch.read_until(lambda log: log.gaps)
        await until(pointers)
        await watch.drop()
    run(scene())
