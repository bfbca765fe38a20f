# SPDX-License-Identifier: MIT
"""Two relays on one Redis are one relay: what one of them said is good on the
other. And what Redis refuses reaches the client by name."""

import json

import pytest

from harness import (CHAT, EVENTS, Publisher, Subscriber, bound, closed_with,
                     completed, connect, cut, dumps, events_key,
                     receive_event, receive_json, receive_type, run,
                     split_cursor, step, until)


@pytest.fixture
def nodes(start_relay, redis_server):
    return start_relay(redis_server), start_relay(redis_server)


async def chat(relay, **query):
    socket = await connect(relay.ws(CHAT, **query))
    await receive_type(socket, "relay.hello")
    return socket


MESSAGE = dumps({"type": "message", "content": "go", "session_id": "s"})


def test_a_repeat_on_another_node_is_run_once_and_sees_the_run_again(
        nodes, store):
    async def scene():
        first = await chat(nodes[0])
        await first.send(MESSAGE)
        ack = await bound(first)
        key = events_key("s")
        ids = [store.xadd(key, {"event": dumps(step(n))}).decode()
               for n in range(5)]
        for entry in ids[:3]:
            assert split_cursor(await receive_event(first))[0] == entry
        cut(first)
        second = await chat(nodes[1])
        await second.send(MESSAGE)
        again = await receive_type(second, "relay.ack")
        assert again["deduplicated"] is True
        assert again["command_id"] == ack["command_id"]
        for entry in ids:
            assert split_cursor(await receive_event(second))[0] == entry
        assert store.xlen("relay:commands") == 1
        await second.close()
    run(scene())


def test_a_repeat_with_a_cursor_goes_on_behind_it_on_another_node(
        nodes, store):
    async def scene():
        first = await chat(nodes[0])
        await first.send(MESSAGE)
        ack = await bound(first)
        key = events_key("s")
        ids = [store.xadd(key, {"event": dumps(step(n))}).decode()
               for n in range(5)]
        await receive_event(first)
        cut(first)
        second = await chat(nodes[1], after=ids[1])
        await second.send(MESSAGE)
        again = await receive_type(second, "relay.ack")
        assert again["deduplicated"] is True
        assert again["command_id"] == ack["command_id"]
        for entry in ids[2:]:
            assert split_cursor(await receive_event(second))[0] == entry
        await second.close()
    run(scene())


ANSWER = {"type": "command_result", "command": "hitl.resolve",
          "result": {"ok": True}, "version": 2}


async def kinds_until_step(ws, number):
    """What comes, notices apart, up to this step."""
    seen = []
    while True:
        frame = json.loads(await receive_event(ws))
        seen.append(frame["type"])
        if frame.get("sequence") == number + 1:
            return seen


@pytest.mark.parametrize("other", [0, 1], ids=["same node", "other node"])
@pytest.mark.parametrize("moves", [1, 2, 3])
def test_a_direct_answer_reaches_the_owner_alone(nodes, store, other, moves):
    """Also while those who owned the command before live on."""
    key = events_key("s")

    async def scene():
        clients = [await chat(nodes[0])]
        await clients[0].send(MESSAGE)
        command = (await bound(clients[0]))["command_id"]
        clients.append(await chat(nodes[other]))
        owner = 0
        for _ in range(moves):
            owner = 1 - owner
            await clients[owner].send(MESSAGE)
            again = await receive_type(clients[owner], "relay.ack")
            assert again["command_id"] == command and again["deduplicated"]
        for number in (1, 2):
            store.xadd(key, {"event": dumps(ANSWER), "command": command})
            store.xadd(key, {"event": dumps(step(number))})
            assert await kinds_until_step(clients[owner], number) == [
                "command_result", "execution_step"]
            assert await kinds_until_step(clients[1 - owner], number) == [
                "execution_step"]
            # The answer ends the record; who had the command is known on.
            await until(lambda: not store.keys("relay:dedup:*"))
        assert store.xlen("relay:commands") == 1
        for ws in clients:
            await ws.close()
    run(scene())


def test_an_answer_is_given_though_nobody_can_say_whose_it_is(nodes, store):
    """Better twice than not at all."""
    async def scene():
        first = await chat(nodes[0])
        await first.send(MESSAGE)
        command = (await bound(first))["command_id"]
        store.acl_setuser("default", commands=["-hget"])
        store.xadd(events_key("s"), {"event": dumps(ANSWER),
                                     "command": command})
        assert json.loads(await receive_event(first))["type"] == \
            "command_result"
        store.acl_setuser("default", commands=["+hget"])
        await first.close()
    run(scene())


def test_a_direct_answer_reaches_whoever_owns_the_command_now(nodes, store):
    answer = {"type": "command_result", "command": "hitl.resolve",
              "result": {"ok": True}, "version": 2}

    async def scene():
        first = await chat(nodes[0])
        await first.send(MESSAGE)
        ack = await bound(first)
        second = await chat(nodes[1])
        await second.send(MESSAGE)
        again = await receive_type(second, "relay.ack")
        assert again["deduplicated"] is True
        await receive_type(second, "relay.live")
        key = events_key("s")
        direct = store.xadd(key, {
            "event": dumps(answer), "command": ack["command_id"]}).decode()
        tail = store.xadd(key, {"event": dumps(step(1))}).decode()
        assert split_cursor(await receive_event(second))[0] == direct
        assert split_cursor(await receive_event(second))[0] == tail
        await first.close()
        await second.close()
    run(scene())


def test_a_run_that_ended_on_one_node_is_new_work_on_the_other(nodes, store):
    async def scene():
        first = await chat(nodes[0])
        await first.send(MESSAGE)
        ack = await bound(first)
        store.xadd(events_key("s"), {"event": dumps(completed(1)),
                                     "command": ack["command_id"]})
        await receive_type(first, "execution_completed")
        await until(lambda: not store.keys("relay:dedup:*"),
                    what="the record to end")
        second = await chat(nodes[1])
        await second.send(MESSAGE)
        again = await receive_type(second, "relay.ack")
        assert again["deduplicated"] is False
        assert again["command_id"] != ack["command_id"]
        assert store.xlen("relay:commands") == 2
        await first.close()
        await second.close()
    run(scene())


def test_the_cursor_of_a_drain_and_of_a_gap_are_good_on_the_other_node(
        nodes, store):
    publisher = Publisher(store)

    async def scene():
        subscriber = await Subscriber(nodes[0], "s").connect()
        publisher.publish_many("s", range(100))
        await subscriber.read_until(lambda log: len(log.got) == 100)
        store.xtrim(events_key("s"), maxlen=10, approximate=False)
        subscriber.log.position = "1-1"
        await subscriber.drop()
        await subscriber.connect()
        await subscriber.read_until(lambda log: log.gaps)
        gap = subscriber.log.gaps[0]
        assert gap["reason"] == "trimmed"
        nodes[0].process.terminate()
        await subscriber.read_until(
            lambda log: any(n["type"] == "relay.drain" for n in log.notices))
        code, _ = await closed_with(subscriber.socket)
        assert code == 1012
        drain = subscriber.log.notices[-1]
        publisher.publish_many("s", range(100, 200))
        for cursor in (drain["cursor"], gap["through"]):
            other = Subscriber(nodes[1], "s", start=cursor)
            await other.connect()
            await other.read_until(lambda log: len(log.got) >= 100)
            assert not other.log.gaps, other.log.gaps
            await other.drop()
    run(scene())


def test_a_full_redis_is_overloaded_and_readers_go_on(relay, store):
    async def scene():
        ws = await chat(relay)
        await ws.send(MESSAGE)
        await bound(ws)
        store.config_set("maxmemory-policy", "noeviction")
        store.config_set("maxmemory", "1mb")
        await ws.send('{"type":"cancel"}')
        answer = await receive_type(ws, "error")
        assert answer["code"] == "overloaded", answer
        store.config_set("maxmemory", "0")
        await ws.send('{"type":"cancel"}')
        await receive_type(ws, "relay.ack")
        entry = store.xadd(events_key("s"), {"event": dumps(step(1))})
        assert split_cursor(await receive_event(ws))[0] == entry.decode()
        await ws.close()
    run(scene())


def test_a_redis_that_may_not_write_is_degraded_and_recovers(relay, store):
    async def scene():
        ws = await chat(relay)
        await ws.send(MESSAGE)
        await bound(ws)
        store.config_set("min-replicas-to-write", "1")
        await ws.send('{"type":"cancel"}')
        answer = await receive_type(ws, "error")
        assert answer["code"] == "degraded", answer
        assert store.xlen("relay:commands") == 1
        await until(lambda: relay.get("/ready")[0] == 503, what="503")
        store.config_set("min-replicas-to-write", "0")
        await until(lambda: relay.get("/ready")[0] == 200, what="200")
        await ws.send('{"type":"cancel"}')
        await receive_type(ws, "relay.ack")
        await ws.close()
    run(scene())


def test_a_backlog_over_the_limit_is_overloaded(start_relay, redis_server,
                                                store):
    relay = start_relay(redis_server, "--commands-max-backlog", "3")
    store.xgroup_create("relay:commands", "workers", id="0", mkstream=True)

    async def scene():
        ws = await chat(relay)
        await ws.send(MESSAGE)
        await bound(ws)
        kinds = []
        for _ in range(20):
            await ws.send('{"type":"cancel"}')
            frame = await receive_json(ws)
            while frame["type"] not in ("relay.ack", "error"):
                frame = await receive_json(ws)
            kinds.append(frame.get("code", frame["type"]))
            if kinds[-1] == "overloaded":
                break
        assert kinds[-1] == "overloaded", kinds
        await ws.close()
    run(scene())


def test_a_frozen_redis_is_a_timeout_and_never_a_false_ok(
        start_relay, redis_server, store):
    relay = start_relay(redis_server, "--commands-timeout-ms", "300")

    async def scene():
        ws = await chat(relay)
        await ws.send(MESSAGE)
        await bound(ws)
        redis_server.freeze()
        await ws.send('{"type":"cancel"}')
        answer = await receive_type(ws, "error")
        assert answer["code"] in ("command_timeout", "degraded"), answer
        redis_server.thaw()
        await until(lambda: relay.get("/ready")[0] == 200, what="200")
        await ws.close()
    run(scene())
