# SPDX-License-Identifier: MIT
"""Resume under cuts, slow readers, killed relays, lost Redis: six zeros."""

import asyncio
import json
import random
import time

import pytest

from checker import assert_six_zeros
from harness import (CHAT, SLOW, Publisher, Subscriber, connect, dumps,
                     events_key, receive_json, receive_type, run, until)


class Writer:
    """Publishes to many sessions at a steady rate until it is told to stop."""

    def __init__(self, server, sessions, per_second, pad=0):
        self.publisher = Publisher(server.client())
        self.sessions = sessions
        self.per_second = per_second
        self.pad = pad
        self.number = 0
        self.stopping = False

    async def run(self):
        tick = 0.02
        while not self.stopping:
            started = time.monotonic()
            await asyncio.to_thread(self.burst, int(self.per_second * tick))
            await asyncio.sleep(max(0, tick - (time.monotonic() - started)))

    def burst(self, count):
        for _ in range(count):
            session = self.sessions[self.number % len(self.sessions)]
            self.publisher.publish(session, self.number, self.pad)
            self.number += 1


def last_of(writer, session):
    entries = writer.publisher.acknowledged.get(events_key(session), [])
    return entries[-1][0] if entries else "0-0"


async def catch_up(writer, subscribers, seconds=60):
    """Every subscriber reads on to the last entry of its session."""
    async def one(subscriber):
        last = last_of(writer, subscriber.log.session)
        await subscriber.follow(
            lambda log: log.got and log.got[-1][0] == last, seconds)
    await asyncio.gather(*(one(s) for s in subscribers))


def test_a_thousand_random_cuts_and_resumes(relay, redis_server, store):
    sessions = [f"s{n}" for n in range(10)]
    dice = random.Random(20260530)
    cuts = 0

    async def scene():
        nonlocal cuts
        writer = Writer(redis_server, sessions, 500)
        subscribers = [Subscriber(relay, sessions[n % 10], "0-0")
                       for n in range(50)]
        writing = asyncio.create_task(writer.run())
        stop = asyncio.Event()

        async def live(subscriber):
            nonlocal cuts
            while not stop.is_set():
                await subscriber.connect()
                for _ in range(dice.randrange(0, 60)):
                    await subscriber.read()
                await subscriber.drop()
                cuts += 1
        tasks = [asyncio.create_task(live(s)) for s in subscribers]
        await until(lambda: cuts >= 1000 or any(
            t.done() and t.exception() for t in tasks), 90)
        stop.set()
        await asyncio.gather(*tasks)
        writer.stopping = True
        await writing
        await catch_up(writer, subscribers)
        assert_six_zeros(store, writer.publisher, [s.log for s in subscribers])
        for subscriber in subscribers:
            await subscriber.drop()
    run(scene(), 240)
    assert cuts >= 1000


def test_a_slow_reader_loses_nothing_and_bounds_memory(relay, redis_server,
                                                       store):
    count = 20_000
    publisher = Publisher(redis_server.client())

    async def slow_reader(subscriber, done):
        # A pause behind each read: about 10 KB/s until the writing is over,
        # then as fast as it goes.
        await subscriber.connect()
        while not done.is_set():
            await subscriber.read()
            await asyncio.sleep(0.08)

    async def scene():
        done = asyncio.Event()
        slow = Subscriber(relay, "bulk", "0-0")
        quick = Subscriber(relay, "bulk", "0-0")
        reading = asyncio.create_task(slow_reader(slow, done))
        await quick.connect()
        await quick.read_until(lambda log: log.notices)
        resting = relay.rss_bytes()
        peak = 0
        for start in range(0, count, 200):
            await asyncio.to_thread(
                publisher.publish_many, "bulk", range(start, start + 200), 400)
            await quick.read_until(lambda log: len(log.got) >= start + 200)
            peak = max(peak, relay.metric("relay_blocks_bytes"))
        assert len(slow.log.got) < count / 2, "the slow reader was not slow"
        assert relay.metric("relay_behind_total") >= 1
        # Budget of one client (1 MiB), a block, a window, the 64 KiB rest.
        assert peak <= 3 * 1024 * 1024, peak
        assert relay.rss_bytes() - resting <= 24 * 1024 * 1024 * SLOW
        done.set()
        await reading
        await slow.follow(lambda log: len(log.got) >= count)
        assert slow.connects == 1, "the slow reader was dropped"
        assert_six_zeros(store, publisher, [slow.log, quick.log])
        await slow.drop()
        await quick.drop()
    run(scene(), 240)


def test_the_relay_killed_ten_times_under_load(relay, redis_server, store):
    sessions = [f"s{n}" for n in range(5)]

    async def scene():
        writer = Writer(redis_server, sessions, 300)
        subscribers = [Subscriber(relay, sessions[n % 5], "0-0")
                       for n in range(20)]
        writing = asyncio.create_task(writer.run())
        stop = asyncio.Event()
        following = [asyncio.create_task(
            s.follow(lambda log: stop.is_set(), 200)) for s in subscribers]
        for _ in range(10):
            seen = [len(s.log.got) for s in subscribers]
            await until(lambda: all(
                len(s.log.got) > n + 20 for s, n in zip(subscribers, seen)),
                60, "every subscriber to get events")
            relay.kill()
            await asyncio.to_thread(relay.start)
        stop.set()
        await asyncio.gather(*following)
        writer.stopping = True
        await writing
        await catch_up(writer, subscribers)
        assert all(s.connects >= 10 for s in subscribers)
        assert_six_zeros(store, writer.publisher, [s.log for s in subscribers])
        for subscriber in subscribers:
            await subscriber.drop()
    run(scene(), 300)


def test_redis_lost_for_ten_seconds(relay, redis_server, store):
    async def scene():
        publisher = Publisher(redis_server.client())
        knowing = [await Subscriber(relay, "s", "0-0").connect()
                   for _ in range(5)]
        plain = await Subscriber(relay, "s", "0-0", notices=False).connect()
        everyone = [*knowing, plain]
        publisher.publish_many("s", range(100))
        for subscriber in everyone:
            await subscriber.read_until(lambda log: len(log.got) == 100)
        chat = await connect(relay.ws(CHAT))
        await receive_type(chat, "relay.hello")
        reading = [asyncio.create_task(s.read_until(
            lambda log: len(log.got) == 200, 60)) for s in everyone]
        redis_server.kill()
        lost = time.monotonic()
        frame = await receive_type(chat, "relay.degraded", 5)
        assert frame["capabilities"] and "reason" in frame["capabilities"][0]
        refused = 0
        while time.monotonic() - lost < 10:
            await chat.send(dumps({"type": "message", "content": "hello",
                                   "session_id": "other"}))
            answer = await receive_json(chat)
            assert answer["type"] == "error", answer
            assert answer["code"] in ("degraded", "command_timeout"), answer
            refused += 1
            await asyncio.sleep(0.5)
        assert refused >= 5
        late = await connect(relay.ws("/api/v1/ws/execution/events",
                                      session_id="late"))
        hello = await receive_json(late, 1)
        assert hello["type"] == "relay.hello" and hello["mode"] == "degraded"
        code, _, body = await asyncio.to_thread(relay.get, "/ready")
        assert code == 503 and not json.loads(body)["ready"]
        assert (await asyncio.to_thread(relay.get, "/health"))[0] == 200
        await asyncio.to_thread(redis_server.start)
        publisher.publish_many("s", range(100, 200))
        await asyncio.gather(*reading)
        recovered = await receive_type(chat, "relay.recovered", 5)
        assert recovered["duration_ms"] >= 9000
        for subscriber in knowing:
            await subscriber.read_until(lambda log: any(
                n["type"] == "relay.recovered" for n in log.notices))
            kinds = [n["type"] for n in subscriber.log.notices]
            assert kinds.count("relay.degraded") == 1
            assert kinds.count("relay.recovered") == 1
            assert subscriber.connects == 1
        assert plain.connects == 1 and plain.log.notices == []
        assert store.exists("relay:commands") == 0
        await chat.send(dumps({"type": "message", "content": "hello",
                               "session_id": "other"}))
        await receive_type(chat, "relay.ack")
        assert_six_zeros(store, publisher, [s.log for s in everyone])
        for subscriber in everyone:
            await subscriber.drop()
        await chat.close()
        await late.close()
    run(scene(), 120)


def test_redis_frozen_is_noticed_and_survived(relay, redis_server, store):
    async def scene():
        publisher = Publisher(redis_server.client())
        subscriber = await Subscriber(relay, "s", "0-0").connect()
        publisher.publish_many("s", range(10))
        await subscriber.read_until(lambda log: len(log.got) == 10)
        redis_server.freeze()
        await subscriber.read_until(lambda log: any(
            n["type"] == "relay.degraded" for n in log.notices), 10)
        redis_server.thaw()
        await subscriber.read_until(lambda log: any(
            n["type"] == "relay.recovered" for n in log.notices), 10)
        publisher.publish_many("s", range(10, 20))
        await subscriber.read_until(lambda log: len(log.got) == 20)
        assert subscriber.connects == 1
        assert_six_zeros(store, publisher, [subscriber.log])
        await subscriber.drop()
    run(scene())


def test_the_relay_starts_before_redis(start_relay, tmp_path):
    from harness import RedisServer
    server = RedisServer(tmp_path / "later")
    server.stop()
    relay = start_relay(server)

    async def scene():
        subscriber = await Subscriber(relay, "s", start=None).connect()
        hello = await receive_json(subscriber.socket, 1)
        assert hello["mode"] == "degraded" and hello["newest"] is None
        await asyncio.to_thread(server.start)
        publisher = Publisher(server.client())
        publisher.publish_many("s", range(5))
        await subscriber.read_until(lambda log: len(log.got) == 5)
        await subscriber.drop()
    try:
        run(scene())
    finally:
        relay.stop()
        server.stop()


@pytest.mark.parametrize("fault,reason", [
    ("trim", "trimmed"), ("delete_key", "recreated"), ("flush", "recreated"),
])
def test_what_redis_lost_is_announced(relay, store, fault, reason):
    publisher = Publisher(store)
    key = events_key("s")

    async def scene():
        ids = [publisher.publish("s", n) for n in range(100)]
        subscriber = Subscriber(relay, "s", ids[9])
        if fault == "trim":
            store.xtrim(key, maxlen=10, approximate=False)
        elif fault == "delete_key":
            store.delete(key)
        else:
            store.flushall()
        if fault != "trim":
            publisher.acknowledged.clear()
            store.xadd(key, {"event": dumps_step(0)}, id="5-0")
            store.xadd(key, {"event": dumps_step(1)}, id="6-0")
        await subscriber.connect()
        await subscriber.read_until(lambda log: any(
            n["type"] == "relay.live" for n in log.notices))
        gap = subscriber.log.gaps[0]
        assert len(subscriber.log.gaps) == 1
        assert gap["after"] == ids[9]
        if fault == "trim":
            assert gap["reason"] == "trimmed"
            assert gap["resumes_at"] == ids[90]
            assert [c for c, _ in subscriber.log.got] == ids[90:]
        else:
            assert gap["reason"] in ("recreated", "rewound")
            assert [c for c, _ in subscriber.log.got] == ["5-0", "6-0"]
        await subscriber.drop()
    run(scene())


def dumps_step(number):
    from harness import step
    return dumps(step(number))


@pytest.mark.parametrize("how", ["delete", "flush"])
def test_an_idle_subscriber_is_told_that_the_stream_was_wiped(relay, store,
                                                              how):
    publisher = Publisher(store)

    async def scene():
        ids = [publisher.publish("s", n) for n in range(5)]
        subscriber = await Subscriber(relay, "s", "0-0").connect()
        plain = await Subscriber(relay, "s", "0-0", notices=False).connect()
        for one in (subscriber, plain):
            await one.read_until(lambda log: len(log.got) == 5)
        store.delete(events_key("s")) if how == "delete" else store.flushall()
        await subscriber.read_until(lambda log: log.gaps, 5)
        assert subscriber.log.gaps[0]["reason"] in ("recreated", "rewound")
        assert subscriber.log.gaps[0]["after"] == ids[4]
        store.xadd(events_key("s"), {"event": dumps_step(9)}, id="7-0")
        for one in (subscriber, plain):
            await one.read_until(lambda log: log.got[-1][0] == "7-0", 10)
            assert len(one.log.got) == 6
        await subscriber.drop()
        await plain.drop()
    run(scene())


def test_a_deleted_entry_never_stalls(relay, store):
    publisher = Publisher(store)

    async def scene():
        ids = [publisher.publish("s", n) for n in range(10)]
        store.xdel(events_key("s"), ids[4])
        subscriber = await Subscriber(relay, "s", ids[4]).connect()
        await subscriber.read_until(lambda log: len(log.got) == 5)
        assert [c for c, _ in subscriber.log.got] == ids[5:]
        await subscriber.drop()
    run(scene())


def test_an_entry_that_came_without_a_push_is_found_by_the_sweep(relay, store,
                                                                redis_server):
    """SWAPDB brings entries under a followed key without any invalidation:
    the one way to lose a push that Redis offers from outside."""
    key = events_key("s")

    async def scene():
        publisher = Publisher(store)
        ids = [publisher.publish("s", n) for n in range(3)]
        with redis_server.client(db=1) as other:
            for entry, fields in store.xrange(key):
                other.xadd(key, fields, id=entry)
            subscriber = await Subscriber(relay, "s", "0-0").connect()
            await subscriber.read_until(lambda log: len(log.got) == 3)
            late = other.xadd(key, {"event": dumps_step(3)}).decode()
            pushes = relay.metric("relay_source_pushes_total")
            await until(lambda: relay.metric(
                "relay_source_pushes_total") >= pushes)
            # The push above was for database 1; its read found nothing.
            await asyncio.sleep(0.3)
            store.swapdb(0, 1)
        await subscriber.read_until(lambda log: len(log.got) == 4, 45)
        assert [c for c, _ in subscriber.log.got] == [*ids, late]
        await subscriber.drop()
    run(scene())
