# SPDX-License-Identifier: MIT
"""What MONITOR sees: nothing is written to event streams, no `$` is re-sent,
one read per stream and news and not one per subscriber."""

import asyncio
import re
import threading

from harness import (EVENTS, Publisher, Subscriber, connect, dumps, events_key,
                     receive_type, run, until)


class Monitor(threading.Thread):
    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client
        self.lines = []
        self.started = threading.Event()
        self.stopping = False

    def run(self):
        with self.client.monitor() as monitor:
            self.started.set()
            for command in monitor.listen():
                if self.stopping:
                    return
                self.lines.append(command["command"])


def test_redis_traffic_is_as_promised(relay, redis_server, store):
    monitor = Monitor(redis_server.client())
    monitor.start()
    assert monitor.started.wait(10)
    publisher = Publisher(store)
    key = events_key("s")

    async def scene():
        subscribers = [await Subscriber(relay, "s", start=None).connect()
                       for _ in range(20)]
        for subscriber in subscribers:
            await subscriber.read_until(lambda log: len(log.notices) == 2)
        opened = len(monitor.lines)
        for n in range(50):
            publisher.publish("s", n)
            for subscriber in subscribers:
                await subscriber.read_until(
                    lambda log: len(log.got) == n + 1)
        store.ping()
        await until(lambda: any("PING" in l.upper()
                                for l in monitor.lines[opened:]))
        lines = monitor.lines[opened:]
        reads = [l for l in lines if l.upper().startswith("XREAD") and key in l]
        # Each event: one read that brings it, one more that finds nothing.
        assert 50 <= len(reads) <= 110, len(reads)
        assert not any("$" in l.split() for l in monitor.lines)
        writers = {"XADD", "XTRIM", "XDEL", "DEL", "XACK", "XGROUP", "XSETID",
                   "EXPIRE", "UNLINK", "SET"}
        ours = [l for l in monitor.lines
                if l.split()[0].upper() in writers and key in l
                and "execution_step" not in l]
        assert ours == []
        # A later subscriber at the tail costs no read of the stream either.
        for subscriber in subscribers:
            await subscriber.drop()
    run(scene())
    monitor.stopping = True
    store.ping()
    monitor.join(10)


def test_resuming_clients_share_their_reads(relay, redis_server, store):
    publisher = Publisher(store)
    publisher.publish_many("s", range(1000))
    monitor = Monitor(redis_server.client())
    monitor.start()
    assert monitor.started.wait(10)

    async def scene():
        subscribers = [Subscriber(relay, "s", "0-0") for _ in range(40)]
        await asyncio.gather(*(s.connect() for s in subscribers))
        await asyncio.gather(*(
            s.read_until(lambda log: len(log.got) == 1000)
            for s in subscribers))
        reads = [l for l in monitor.lines if l.upper().startswith("XREAD")]
        entries = 1000 * 40
        assert len(reads) < 200, (len(reads), entries)
        for subscriber in subscribers:
            await subscriber.drop()
    run(scene())
    monitor.stopping = True
    store.ping()
    monitor.join(10)


def test_who_comes_a_moment_later_shares_what_was_read(relay, store):
    publisher = Publisher(store)
    publisher.publish_many("s", range(1000))

    async def scene():
        first = Subscriber(relay, "s", "0-0")
        await first.connect()
        await first.read_until(lambda log: len(log.got) == 1000)
        for _ in range(15):
            later = Subscriber(relay, "s", "0-0")
            await later.connect()
            await later.read_until(lambda log: len(log.got) == 1000)
            await later.drop()
        # Two windows hold it all; on a slow machine they expire meanwhile.
        assert relay.metric("relay_windows_total") < 16
        # Taken away since: it is said, whatever is still in memory.
        store.xtrim(events_key("s"), maxlen=10, approximate=False)
        ws = await connect(relay.ws(f"{EVENTS}?session_id=s&after=0-0"))
        gap = await receive_type(ws, "relay.gap")
        assert gap["reason"] == "trimmed"
        await ws.close()
        await first.drop()
    run(scene())
