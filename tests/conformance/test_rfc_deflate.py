# SPDX-License-Identifier: MIT
"""RFC 7692 on relay-echo-test --deflate=true (groups 12 and 13 of the Autobahn
test suite)."""

import random
import zlib

import pytest

from raw import BINARY, CONTINUATION, PING, PONG, TEXT

OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; "
    "server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover; "
    "client_max_window_bits=9, permessage-deflate",
]


def deflate(payload, bits=15, level=6):
    stream = zlib.compressobj(level, wbits=-bits)
    data = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
    assert data.endswith(b"\0\0\xff\xff")
    return data[:-4] or b"\0"


def inflate(payload, bits=15):
    stream = zlib.decompressobj(wbits=-bits)
    return stream.decompress(payload + b"\0\0\xff\xff") + stream.flush()


def open_with(echo, offer=OFFERS[0]):
    client = echo.connect(headers=f"Sec-WebSocket-Extensions: {offer}\r\n")
    assert "\r\nSec-WebSocket-Extensions: permessage-deflate" in client.head
    return client


def read_message(client, opcode, bits=15):
    got, payload, fin, rsv = client.read_frame()
    assert (got, fin) == (opcode, 1) and rsv in (0, 4)
    return inflate(payload, bits) if rsv else payload


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("size", [0, 16, 64, 1024, 8192, 131072])
def test_a_compressed_message_comes_back(deflating_echo, offer, size):
    words = [b"alpha", b"beta", b"gamma", b"{\"type\":"]
    payload = b" ".join(random.choices(words, k=size // 5 + 1))[:size]
    bits = 9 if "server_max_window_bits=9" in offer else 15
    with open_with(deflating_echo, offer) as client:
        for opcode in (TEXT, BINARY):
            for _ in range(10):
                client.send(opcode, deflate(payload, 9), rsv=4)
                assert read_message(client, opcode, bits) == payload
        client.close()


def test_what_does_not_compress_comes_back(deflating_echo):
    with open_with(deflating_echo) as client:
        for size in (1, 1000, 65536, 1 << 20):
            payload = random.randbytes(size)
            client.send(BINARY, deflate(payload), rsv=4)
            assert read_message(client, BINARY) == payload
            client.send(BINARY, deflate(payload, level=0), rsv=4)
            assert read_message(client, BINARY) == payload
        client.close()


def test_a_compressed_message_in_fragments_comes_back(deflating_echo):
    payload = b"fragments of one stream " * 500
    data = deflate(payload)
    with open_with(deflating_echo) as client:
        for piece in (1, 7, 100):
            pieces = [data[n:n + piece] for n in range(0, len(data), piece)]
            for n, part in enumerate(pieces):
                client.send(TEXT if n == 0 else CONTINUATION, part,
                            rsv=4 if n == 0 else 0,
                            fin=n == len(pieces) - 1)
            client.send(PING, b"x")
            assert read_message(client, TEXT) == payload
            assert client.read(PONG) == b"x"
        client.close()


def test_messages_may_come_uncompressed(deflating_echo):
    with open_with(deflating_echo) as client:
        client.send(TEXT, "plain")
        assert read_message(client, TEXT) == b"plain"
        client.close()


def test_the_bit_elsewhere_is_refused(deflating_echo):
    with open_with(deflating_echo) as client:
        client.send(PING, b"", rsv=4)
        client.assert_closed(1002)
    with open_with(deflating_echo) as client:
        client.send(TEXT, deflate(b"a")[:1], rsv=4, fin=False)
        client.send(CONTINUATION, b"x", rsv=4)
        client.assert_closed(1002)


@pytest.mark.parametrize("offer", [
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=0",
    "permessage-deflate; no_such_thing", "x-webkit-deflate-frame",
    "permessage-deflate; server_no_context_takeover=1"])
def test_what_cannot_be_kept_is_not_agreed_on(deflating_echo, offer):
    with deflating_echo.connect(
            headers=f"Sec-WebSocket-Extensions: {offer}\r\n") as client:
        assert "Extensions" not in client.head
        client.send(TEXT, deflate(b"a"), rsv=4)
        client.assert_closed(1002)


@pytest.mark.parametrize("payload,code", [
    (b"\xff" * 40, 1007), (deflate(b"hello " * 50)[:8], 1007),
    (deflate(b"\xed\xa0\x80"), 1007), (deflate(b"\0" * (40 << 20)), 1009)],
    ids=["no stream", "cut off", "no text", "a bomb"])
def test_what_does_not_inflate_well_is_refused(deflating_echo, payload, code):
    before = deflating_echo.rss_bytes()
    with open_with(deflating_echo) as client:
        client.send(TEXT, payload, rsv=4)
        client.assert_closed(code)
    assert deflating_echo.rss_bytes() - before < 48 << 20


def test_without_the_option_nothing_is_agreed_on(echo):
    with echo.connect(
            headers=f"Sec-WebSocket-Extensions: {OFFERS[0]}\r\n") as client:
        assert "Extensions" not in client.head
        client.close()
