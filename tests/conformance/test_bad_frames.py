# SPDX-License-Identifier: MIT
"""B21 to B31, B41 and B44 of our list of bad inputs: hostile frames, after a
good handshake with relayd. What the echo is asked in test_rfc_*.py in full is
asked here once of each kind."""

import json
import time
import zlib

import pytest

from raw import (BINARY, CHAT, CLOSE, CONTINUATION, EVENTS, PING, PONG, SLOW,
                 TEXT, Client, Ended, close_payload, frame)
from test_rfc_utf8 import INVALID

MIB = 1 << 20


def test_b22_text_that_is_no_utf8(scene):
    for text in INVALID.values():
        scene.closes(frame(TEXT, text), 1007)
    scene.closes(frame(TEXT, b"\xff"), 1007, f"{EVENTS}?session_id=s")


def test_b23_a_frame_without_a_mask(scene):
    for opcode in (TEXT, BINARY, PING, PONG, CLOSE):
        scene.closes(frame(opcode, b"", mask=False), 1002)


def test_b24_reserved_bits_and_opcodes(scene):
    for rsv in range(1, 8):
        for opcode in (TEXT, PING):
            scene.closes(frame(opcode, b"x", rsv=rsv), 1002)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        scene.closes(frame(opcode, b"x"), 1002)
        scene.closes(frame(opcode), 1002, f"{EVENTS}?session_id=s")


def test_b25_fragments_out_of_order(scene):
    for data in (
            frame(CONTINUATION, b"x"), frame(CONTINUATION, b"x", fin=False),
            frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
            frame(TEXT, b"a", fin=False) + frame(BINARY, b"b"),
            frame(PING, b"x", fin=False), frame(CLOSE, b"", fin=False),
            frame(PONG, b"", fin=False), frame(PING, b"*" * 126),
            frame(PONG, b"*" * 65536),
            frame(CLOSE, close_payload(1000, b"*" * 124))):
        scene.closes(data, 1002)


def test_b26_lengths_beyond_all_measure(scene):
    for announce, code in ((MIB + 1, 1009), (1 << 40, 1009), (1 << 62, 1009),
                           ((1 << 63) - 1, 1009), (1 << 63, 1002),
                           ((1 << 64) - 1, 1002)):
        scene.closes(frame(TEXT, b"", announce=announce, form=64), code)
    scene.closes(frame(TEXT, b"*" * (MIB // 2), fin=False) +
                 frame(CONTINUATION, b"*" * (MIB // 2 + 1)), 1009)
    scene.closes(frame(TEXT, b"abc", form=16), 1002)
    scene.closes(frame(TEXT, b"abc", form=64), 1002)


def test_b27_too_many_fragments(scene):
    empty = frame(CONTINUATION, b"", fin=False)
    scene.closes(frame(TEXT, b"", fin=False) + empty * 16384, 1008)
    scene.closes(frame(TEXT, b"", fin=False) + empty * 100000, 1008)
    with scene.connect() as client:  # one less is a message
        client.send_bytes(frame(TEXT, b"", fin=False) + empty * 16382)
        client.send(CONTINUATION, b"{}")
        assert scene.next_frame(client)["type"] == "error"
        client.close()


def test_b28_close_codes_that_may_not_stand_there(scene):
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
        with scene.connect() as client:
            client.send(CLOSE, close_payload(code))
            client.assert_closed(1002, answer=False)
    for payload in (b"\x03", close_payload(1000, b"\xff"),
                    close_payload(1000, b"\xed\xa0\x80")):
        with scene.connect() as client:
            client.send(CLOSE, payload)
            client.assert_closed(1002, answer=False)
    for code in (1000, 1001, 1012, 1014, 3000, 4999):
        with scene.connect() as client:
            client.close(code)


@pytest.mark.parametrize("opcode", [PING, PONG])
@pytest.mark.parametrize("path", [CHAT, f"{EVENTS}?session_id=s"])
def test_b29_a_flood_of_pings_or_pongs(scene, opcode, path):
    with scene.connect(path) as client:
        client.send_bytes(frame(opcode, b"flood") * 10000)
        client.assert_closed(1008)


def deflate(payload, level=9):
    stream = zlib.compressobj(level, wbits=-15)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_b30_deflate_that_was_not_agreed_on(scene):
    with scene.connect(headers="Sec-WebSocket-Extensions: "
                       "permessage-deflate\r\n") as client:
        assert "Extensions" not in client.head
        client.send(TEXT, deflate(b"{}"), rsv=4)
        client.assert_closed(1002)


def test_b30_bad_deflate_where_it_is_on(abused_relay):
    relay = abused_relay("--deflate=true")
    offer = "Sec-WebSocket-Extensions: permessage-deflate"
    before = relay.rss_bytes()
    good = deflate(b'{"type":"cancel"}' * 9)
    for payload, code in (
            (deflate(b"a" * (200 * MIB)), 1009), (good[:8], 1007),
            (b"\xff" * 50, 1007), (b"\x07", 1007), (b"", 1007),
            (deflate(b"\xff\xfe"), 1007)):
        with Client(relay.address, CHAT, offer + "\r\n") as client:
            assert "permessage-deflate" in client.head
            client.send(TEXT, payload, rsv=4)
            client.assert_closed(code)
    assert relay.rss_bytes() - before < 16 * MIB * max(1, SLOW)
    for bits in ("7", "16", "0", "x", "-9", "999"):
        for name in ("server_max_window_bits", "client_max_window_bits"):
            with Client(relay.address, CHAT,
                        f"{offer}; {name}={bits}\r\n") as client:
                assert "Extensions" not in client.head
                client.close()


def test_b31_a_binary_message(scene):
    for payload in (b"", b"a", b"{}", b"\xff" * 1000):
        scene.closes(frame(BINARY, payload), 1003)
    scene.closes(frame(BINARY, b"a", fin=False), 1003)


def test_b41_a_message_at_the_limit_and_one_byte_over(scene):
    text = b'{"type":"message","content":"' + b"a" * MIB + b'"}'
    text = text[:MIB - 2] + b'"}'
    assert len(text) == MIB
    with scene.chat() as client:
        client.send(TEXT, text)
        while b'"relay.ack"' not in (got := client.read_frame()[1]):
            assert b'"error"' not in got, got
    scene.closes(frame(TEXT, text + b" "), 1009)
    keys = b",".join(b'"k%d":1' % n for n in range(80000))
    with scene.connect() as client:
        started = time.monotonic()
        answer = scene.refused(client, b"{" + keys + b"}")
        assert time.monotonic() - started < 1 * SLOW
        assert answer["code"]
        client.close()


def test_b44_frames_where_none_are_wanted(scene):
    for data in (frame(TEXT, b'{"type":"message","content":"x"}'),
                 frame(TEXT, b"x"), frame(BINARY, b"x")):
        with scene.connect(f"{EVENTS}?session_id=s") as client:
            client.send_bytes(data)
            assert client.read_close() == 1008
            assert json.loads(client.before[-1])["code"] == \
                "passive_subscription_only"
            client.send(CLOSE, close_payload(1008))
            client.assert_ended()
    # The acknowledgement of nothing is a pong of nothing: no harm.
    with scene.connect(f"{EVENTS}?session_id=s") as client:
        client.send(PONG, b"0123456789abcdef")
        client.close()
    with scene.chat() as client:
        assert scene.refused(client, b'{"type":"ack","id":"1-0"}')["code"] \
            == "unknown_type"
        client.close()


def test_a_client_that_never_answers_a_close_is_let_go(scene):
    with scene.connect() as client:
        client.send(BINARY, b"x")
        assert client.read_close() == 1003
        started = time.monotonic()
        client.socket.settimeout(20 * SLOW)
        with pytest.raises(Ended):
            while True:
                client.send(PING)
                client.read_frame()
        assert time.monotonic() - started < 6 * SLOW
