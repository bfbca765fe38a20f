# SPDX-License-Identifier: MIT
"""permessage-deflate: what is negotiated, that independent clients read what
we compress under every offer, what we make of what they compress, and that
plain and compressed readers of one stream get the same."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import zlib

import pytest
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory)
from wsproto import ConnectionType, WSConnection
from wsproto.events import (AcceptConnection, CloseConnection, Message,
                            Request, TextMessage)
from wsproto.extensions import PerMessageDeflate

from checker import assert_six_zeros
from harness import (CHAT, EVENTS, SLOW, Log, Publisher, RedisServer, Relay,
                     Subscriber, agreed_extensions, connect, dumps,
                     events_key, receive_type, run, step, wait_for)
from test_frames import Peer, frame

MIB = 1 << 20
BOTH = "; server_no_context_takeover; client_no_context_takeover"
OFFER = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
MESSAGE = dumps({"type": "message", "content": "hello " * 50})
# Short, middling, long: below and above each length form and window.
PADS = (0, 30, 400, 5_000, 70_000)

# (what the client asks for, the window it gets or None where we decline)
OFFERS = [
    ({}, 15),
    ({"server_no_context_takeover": True}, 15),
    ({"client_no_context_takeover": True}, 15),
    ({"server_no_context_takeover": True,
      "client_no_context_takeover": True}, 15),
    ({"client_max_window_bits": True}, 15),
    ({"client_max_window_bits": 9}, 15),
    ({"client_max_window_bits": 15}, 15),
    ({"server_max_window_bits": 8}, None),
    *[({"server_max_window_bits": bits}, bits) for bits in range(9, 16)],
    ({"server_max_window_bits": 10, "client_max_window_bits": 10,
      "server_no_context_takeover": True,
      "client_no_context_takeover": True}, 10),
]


def name_of(offer):
    return ",".join(f"{k}={v}" for k, v in offer.items()) or "plain"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deflate")
    server = RedisServer(folder / "redis")
    relay = Relay(folder / "relay", server, "--deflate")
    relay.store = server.client()
    yield relay
    relay.assert_at_rest()
    assert relay.stop() == 0
    server.stop()


def compress(data, bits=15, level=9, finish=False):
    """The payload of a compressed message."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, -bits)
    out = deflater.compress(data)
    if finish:
        return out + deflater.flush(zlib.Z_FINISH) + b"\0"
    return (out + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def packed(data, **options):
    return frame(compress(data, **options), rsv=4)


def extensions_of(head):
    found = re.findall(rb"(?i)\r\nsec-websocket-extensions: ([^\r]*)", head)
    assert len(found) < 2
    return found[0].decode() if found else None


# --- negotiation ---

ANSWERS = [
    ("permessage-deflate", BOTH),
    ("permessage-deflate" + BOTH, BOTH),
    ("permessage-deflate; client_max_window_bits", BOTH),
    ("permessage-deflate; client_max_window_bits=8", BOTH),
    *[(f"permessage-deflate; server_max_window_bits={n}",
       f"{BOTH}; server_max_window_bits={n}") for n in range(9, 16)],
    ('permessage-deflate; server_max_window_bits="10"',
     BOTH + "; server_max_window_bits=10"),
    ("x-webkit-deflate-frame, permessage-deflate", BOTH),
    ("permessage-deflate; server_max_window_bits=8, permessage-deflate",
     BOTH),
    ("permessage-deflate; what=1, permessage-deflate; "
     "server_max_window_bits=12", BOTH + "; server_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=8", None),
    ("permessage-deflate; server_max_window_bits", None),
    ("permessage-deflate; server_max_window_bits=16", None),
    ("permessage-deflate; client_max_window_bits=7", None),
    ("permessage-deflate; what", None),
    ("permessage-deflate; server_no_context_takeover=1", None),
    ("permessage-bzip2", None),
    ("permessage-deflate;", None),
    ("", None),
]


@pytest.mark.parametrize("offer, answer", ANSWERS)
def test_the_answer(world, offer, answer):
    with Peer(world, headers=f"Sec-WebSocket-Extensions: {offer}\r\n") as peer:
        wanted = None if answer is None else "permessage-deflate" + answer
        assert extensions_of(peer.head) == wanted


def test_the_offer_may_stand_in_a_second_field(world):
    with Peer(world, headers="Sec-WebSocket-Extensions: foo; bar\r\n"
              + OFFER) as peer:
        assert extensions_of(peer.head) == "permessage-deflate" + BOTH


def test_without_the_option_nothing_is_negotiated(relay):
    with Peer(relay, headers=OFFER) as peer:
        assert extensions_of(peer.head) is None
        peer.send(packed(MESSAGE.encode()))
        assert peer.close_code() == 1002


def test_a_reload_turns_it_on_and_off(start_relay, redis_server, tmp_path):
    path = tmp_path / "relay.json"
    path.write_text('{"deflate": true}')
    relay = start_relay(redis_server, "--config", path)
    with Peer(relay, headers=OFFER) as before:
        assert extensions_of(before.head)
        path.write_text("{}")
        os.kill(relay.pid, signal.SIGHUP)
        wait_for(lambda: '"event":"reloaded"' in relay.logged()
                 or "reloaded" in relay.logged())
        with Peer(relay, headers=OFFER) as after:
            assert extensions_of(after.head) is None
        # What was agreed on holds for as long as the connection.
        before.send(packed(b"not json"))
        assert b"invalid_json" in before.read_until(1)


# --- what we compress ---

class Wsproto:
    """The other independent client: blocking, on a socket of its own."""

    def __init__(self, relay, target, offer):
        host, port = relay.address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(10 * SLOW)
        self.events = []
        self.text = ""
        self.connection = WSConnection(ConnectionType.CLIENT)
        self.send(Request(host="relay", target=target, extensions=[
            PerMessageDeflate(**offer)], subprotocols=["relay.v1"]))
        self.accepted = self.take(AcceptConnection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, event):
        self.socket.sendall(self.connection.send(event))

    def take(self, kind):
        while True:
            for event in self.connection.events():
                assert not isinstance(event, CloseConnection), event
                if isinstance(event, kind):
                    return event
            self.connection.receive_data(self.socket.recv(65536))

    def message(self):
        text = ""
        while True:
            event = self.take(TextMessage)
            text += event.data
            if event.message_finished:
                return text


def publish_all_sizes(store, session):
    publisher = Publisher(store)
    for number, pad in enumerate(PADS * 2):
        publisher.publish(session, number, pad)
    return publisher


# This one always names both windows, with values from 9 on.
WSPROTO_OFFERS = [o for o in OFFERS if o[1]
                  and o[0].get("client_max_window_bits") is not True]


@pytest.mark.parametrize("offer, window", OFFERS, ids=lambda v: (
    name_of(v) if isinstance(v, dict) else str(v)))
def test_websockets_reads_it(world, offer, window):
    session = f"a{window}{name_of(offer)}"
    publisher = publish_all_sizes(world.store, session)
    subscriber = Subscriber(
        world, session, compression=None,
        extensions=[ClientPerMessageDeflateFactory(**offer)])

    async def scene():
        await subscriber.connect()
        negotiated = agreed_extensions(subscriber.socket)
        assert bool(negotiated) == (window is not None), negotiated
        await subscriber.read_until(lambda log: len(log.got) == len(PADS) * 2)
        await subscriber.drop()
        # The way in: compressed by the client, accepted as if it were not.
        ws = await connect(world.ws(CHAT), compression=None, extensions=[
            ClientPerMessageDeflateFactory(**offer)])
        for _ in range(3):
            await ws.send(MESSAGE)
            await receive_type(ws, "relay.ack")
        await ws.close()
    before = world.metric("relay_frames_deflated_total")
    run(scene())
    assert_six_zeros(world.store, publisher, [subscriber.log])
    made = world.metric("relay_frames_deflated_total") - before
    assert made == (0 if window is None else len(PADS) * 2)


@pytest.mark.parametrize("offer, window", WSPROTO_OFFERS, ids=lambda v: (
    name_of(v) if isinstance(v, dict) else str(v)))
def test_wsproto_reads_it(world, offer, window):
    session = f"b{window}{name_of(offer)}"
    publisher = publish_all_sizes(world.store, session)
    log = Log(session)
    target = f"{EVENTS}?session_id={session}&after=0-0"
    with Wsproto(world, target, offer) as client:
        assert len(client.accepted.extensions) == 1
        while len(log.got) < len(PADS) * 2:
            log.take(client.message())
    assert_six_zeros(world.store, publisher, [log])
    with Wsproto(world, CHAT, offer) as client:
        for _ in range(3):
            client.send(Message(data=MESSAGE))
            while json.loads(client.message())["type"] != "relay.ack":
                pass


NODE_CLIENT = """
const WebSocket = require('ws');
const [url, offer, count] = process.argv.slice(1);
const ws = new WebSocket(url, ['relay.v1'],
    { perMessageDeflate: { threshold: 0, ...JSON.parse(offer) } });
let seen = 0;
ws.on('message', (data) => {
  const text = data.toString();
  if (!text.startsWith('{"cursor"')) return;
  console.log(text);
  if (++seen == count) ws.terminate();
});
ws.on('error', (error) => { console.error(error); process.exit(1); });
"""


def node_has_ws():
    return bool(shutil.which("node")) and subprocess.run(
        ["node", "-e", "require('ws')"], capture_output=True).returncode == 0


@pytest.mark.skipif(not node_has_ws(), reason="no node with the package ws")
@pytest.mark.parametrize("offer", [
    {}, {"serverNoContextTakeover": True}, {"clientNoContextTakeover": True},
    {"clientMaxWindowBits": 10}, *[{"serverMaxWindowBits": bits}
                                   for bits in range(9, 16)]],
    ids=json.dumps)
def test_ws_of_node_reads_it(world, offer):
    session = f"n{json.dumps(offer)}"
    publisher = publish_all_sizes(world.store, session)
    log = Log(session)
    out = subprocess.run(
        ["node", "-e", NODE_CLIENT,
         world.ws(EVENTS, session_id=session, after="0-0"),
         json.dumps(offer), str(len(PADS) * 2)],
        capture_output=True, timeout=30 * SLOW, check=True).stdout.decode()
    for line in out.splitlines():
        log.take(line)
    assert_six_zeros(world.store, publisher, [log])


def test_an_event_is_compressed_once_for_a_crowd(world):
    """40 subscribers, half compressed, of these a quarter with a small
    window: each event is compressed twice, and the wire carries less."""
    publisher = Publisher(world.store)
    small = [ClientPerMessageDeflateFactory(server_max_window_bits=9)]
    options = [{}, {"compression": "deflate"}, {},
               {"extensions": small}] * 5 + [{}, {"compression": "deflate"},
                                             ] * 10
    crowd = [Subscriber(world, "crowd", None, **o) for o in options]

    async def scene():
        for subscriber in crowd:
            await subscriber.connect()
            await subscriber.read_until(lambda log: len(log.notices) == 2)
        await asyncio.to_thread(publisher.publish_many, "crowd",
                                range(200), 300)
        await asyncio.gather(*[s.read_until(lambda log: len(log.got) == 200)
                               for s in crowd])
        for subscriber in crowd:
            await subscriber.drop()
    made = world.metric("relay_frames_deflated_total")
    sent = world.metric("relay_delivered_bytes_total")
    run(scene())
    assert_six_zeros(world.store, publisher, [s.log for s in crowd])
    assert world.metric("relay_frames_deflated_total") - made == 400
    plain = 200 * len(dumps(step(0, "crowd", 300)))
    assert (world.metric("relay_delivered_bytes_total") - sent
            < plain * 20 + plain * 20 * 0.6)
    wait_for(lambda: world.metric("relay_blocks_bytes") == 0)


@pytest.mark.slow
def test_slow_and_resuming_readers_lose_nothing(start_relay, redis_server,
                                                store):
    """Plain and compressed, quick, slow and cut off again and again."""
    relay = start_relay(redis_server, "--deflate",
                        "--limits-client-bytes", 65536)
    publisher = Publisher(store)
    key = events_key("mix")
    count = 6000
    options = [{}, {"compression": "deflate"},
               {"extensions": [ClientPerMessageDeflateFactory(
                   server_max_window_bits=9)]}]
    quick = [Subscriber(relay, "mix", "0-0", **o) for o in options]
    slow = [Subscriber(relay, "mix", "0-0", **o) for o in options]
    cut = [Subscriber(relay, "mix", "0-0", **o) for o in options]

    def publish(numbers):
        # Text that shrinks to a half, not to nothing.
        for number in numbers:
            event = step(number, "mix")
            event["step"]["output"]["text"] = os.urandom(1000).hex()
            text = dumps(event)
            publisher.log(key, store.xadd(key, {"event": text}), number, text)

    async def read_slowly(subscriber, done):
        await subscriber.connect()
        while not done.is_set():
            await subscriber.read()
            await asyncio.sleep(0.05)
        await subscriber.follow(lambda log: len(log.got) == count)

    async def read_in_pieces(subscriber):
        while len(subscriber.log.got) < count:
            await subscriber.connect()
            goal = min(count, len(subscriber.log.got) + 170)
            await subscriber.read_until(lambda log: len(log.got) >= goal)
            await subscriber.drop()

    async def scene():
        done = asyncio.Event()
        reading = [asyncio.create_task(
            s.follow(lambda log: len(log.got) == count)) for s in quick]
        reading += [asyncio.create_task(read_slowly(s, done)) for s in slow]
        reading += [asyncio.create_task(read_in_pieces(s)) for s in cut]
        for start in range(0, count, 50):
            await asyncio.to_thread(publish, range(start, start + 50))
        assert relay.metric("relay_behind_clients") >= 3
        done.set()
        await asyncio.gather(*reading)
        for subscriber in quick + slow:
            await subscriber.drop()
    run(scene())
    assert_six_zeros(store, publisher, [s.log for s in quick + slow + cut])
    assert all(s.connects == 1 for s in slow), "a slow reader was dropped"
    wait_for(lambda: relay.metric("relay_blocks_bytes") == 0)


# --- what they compress ---

HALF = compress(MESSAGE.encode())
ROWS = [
    ("not a stream", frame(b"\xff\xff\xff", rsv=4), 1007),
    ("truncated", frame(HALF[:-5], rsv=4), 1007),
    ("nothing", frame(b"", rsv=4), 1007),
    ("bad UTF-8 inside", packed(b'{"type":"\xff"}'), 1007),
    ("cut UTF-8 inside", packed(b"\xe2\x82"), 1007),
    ("RSV1 on a continuation",
     frame(HALF[:9], rsv=4, final=False) + frame(HALF[9:], 0, rsv=4), 1002),
    ("RSV1 only on a continuation",
     frame(b"{", final=False) + frame(HALF, 0, rsv=4), 1002),
    ("RSV1 on a pong", frame(b"x", 10, rsv=4), 1002),
    ("RSV1 on a close", frame(b"\x03\xe8", 8, rsv=4), 1002),
    ("RSV2", frame(HALF, rsv=2), 1002),
    ("RSV1 and RSV3", frame(HALF, rsv=5), 1002),
    ("binary", frame(HALF, 2, rsv=4), 1003),
    ("over the limit, inflated", packed(b'"' + b"a" * (MIB - 1) + b'"'),
     1009),
]


@pytest.mark.parametrize("_, data, code", ROWS, ids=[r[0] for r in ROWS])
def test_bad_compressed_frames(world, _, data, code):
    with Peer(world, headers=OFFER) as peer:
        peer.send(data)
        assert peer.close_code() == code
    with Peer(world, headers=OFFER, behind=data) as peer:
        assert peer.close_code() == code


GOOD = [
    ("in one frame", packed(MESSAGE.encode())),
    ("not compressed", frame(MESSAGE.encode())),
    ("stored", packed(MESSAGE.encode(), level=0)),
    ("a small window", packed(MESSAGE.encode(), bits=9)),
    ("ended for good", packed(MESSAGE.encode(), finish=True)),
    ("in frames", frame(HALF[:9], rsv=4, final=False)
     + frame(b"", 0, final=False) + frame(b"", 9)
     + frame(HALF[9:], 0)),
    ("as long as may be", packed(
        b'{"type":"message","content":"' + b"a" * 49_000 + b'"}'
        + b" " * (MIB - 49_031))),
]


@pytest.mark.parametrize("_, data", GOOD, ids=[r[0] for r in GOOD])
def test_good_compressed_frames(world, _, data):
    headers = OFFER + "Sec-WebSocket-Protocol: relay.v1\r\n"
    with Peer(world, headers=headers) as peer:
        for _ in range(3):
            for byte in (data[:40], data[40:]):
                peer.send(byte)
            while True:
                seen = json.loads(peer.read_until(1))
                assert seen["type"] != "error", seen
                if seen["type"] == "relay.ack":
                    break


def test_a_bomb_is_1009_and_takes_no_memory(world):
    bomb = frame(compress(b"\0" * (200 * MIB)), rsv=4)
    assert len(bomb) < 250_000
    peers = [Peer(world, headers=OFFER) for _ in range(20)]
    for peer in peers[:2]:
        peer.send(bomb)
        assert peer.close_code() == 1009
    before = world.rss_bytes()
    highest = 0
    senders = [threading.Thread(target=p.send, args=(bomb,))
               for p in peers[2:]]
    for sender in senders:
        sender.start()
    for peer in peers[2:]:
        assert peer.close_code() == 1009
        highest = max(highest, world.rss_bytes())
    for sender in senders:
        sender.join()
    for peer in peers:
        peer.socket.close()
    # Each may hold what came of it, and one at a time what it inflates to.
    allowed = 18 * len(bomb) + 3 * MIB
    if SLOW > 1:
        allowed += 256 * MIB  # what a sanitizer holds back
    assert highest - before < allowed
    wait_for(lambda: world.metric("relay_clients") == 0)
