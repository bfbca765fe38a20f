# SPDX-License-Identifier: MIT
"""RFC 6455 section 5 on relay-echo-test: framing, pings and pongs, reserved
bits, opcodes, fragments (groups 1 to 5 of the Autobahn test suite)."""

import pytest

from raw import BINARY, CONTINUATION, PING, PONG, TEXT, frame

SIZES = [0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537]
CHOPS = [None, 1, 997]


# --- 1: framing ---

@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chop", CHOPS)
def test_a_message_of_any_size_comes_back(echo, opcode, size, chop):
    if chop == 1 and size > 1000:
        pytest.skip("65,536 segments say no more than 128")
    filler = b"*" if opcode == TEXT else b"\xfe"
    with echo.connect() as client:
        client.echoes(opcode, filler * size, chop)
        client.close()


def test_the_masking_key_may_be_anything(echo):
    with echo.connect() as client:
        for key in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0"):
            from raw import masked
            for size in range(20):
                text = bytes(range(65, 65 + size))
                client.send_bytes(bytes([0x81, 0x80 | size]) + key +
                                  masked(text, key))
                assert client.read(TEXT) == text
        client.close()


def test_a_frame_without_a_mask_is_refused(echo):
    for opcode in (TEXT, BINARY, PING, PONG):
        with echo.connect() as client:
            client.send(opcode, b"x", mask=False)
            client.assert_closed(1002)


def test_a_length_in_a_longer_form_than_needed_is_refused(echo):
    for size, form in ((0, 16), (125, 16), (1, 64), (126, 64), (65535, 64)):
        with echo.connect() as client:
            client.send(TEXT, b"*" * size, form=form)
            client.assert_closed(1002)


# --- 2: pings and pongs ---

@pytest.mark.parametrize("payload", [
    b"", b"Hello, world!", b"\0\xff\xfe\xfd\xfc\xfb\0\xff", b"\xfe" * 125])
def test_a_ping_is_given_back(echo, payload):
    with echo.connect() as client:
        client.send(PING, payload)
        assert client.read(PONG) == payload
        client.close()


def test_a_ping_over_125_bytes_is_refused(echo):
    with echo.connect() as client:
        client.send(PING, b"\xfe" * 126)
        client.assert_closed(1002)


def test_a_ping_in_single_bytes_is_given_back(echo):
    with echo.connect() as client:
        client.send(PING, b"\xfe" * 125, chop=1)
        assert client.read(PONG) == b"\xfe" * 125
        client.close()


def test_pongs_that_nobody_asked_for_are_no_harm(echo):
    with echo.connect() as client:
        client.send(PONG)
        client.send(PONG, b"unsolicited")
        client.send(PING, b"ping")
        assert client.read(PONG) == b"ping"
        client.close()


@pytest.mark.parametrize("chop", [None, 1])
def test_ten_pings_get_ten_pongs_in_order(echo, chop):
    with echo.connect() as client:
        payloads = [b"payload-%d" % n for n in range(10)]
        client.send_bytes(b"".join(frame(PING, p) for p in payloads), chop)
        assert [client.read(PONG) for _ in payloads] == payloads
        client.close()


# --- 3: reserved bits ---

@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, 0x8])
@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_are_refused(echo, rsv, opcode):
    with echo.connect() as client:
        client.send_bytes(frame(TEXT, "before") +
                          frame(opcode, b"", rsv=rsv) + frame(PING))
        assert client.read(TEXT) == b"before"
        client.assert_closed(1002)


def test_reserved_bits_are_refused_in_single_bytes(echo):
    with echo.connect() as client:
        client.send(TEXT, "x", rsv=4, chop=1)
        client.assert_closed(1002)


# --- 4: opcodes ---

@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"reserved"])
def test_opcodes_of_no_meaning_are_refused(echo, opcode, payload):
    with echo.connect() as client:
        client.send_bytes(frame(TEXT, "before") + frame(opcode, payload) +
                          frame(PING))
        assert client.read(TEXT) == b"before"
        client.assert_closed(1002)


# --- 5: fragments ---

@pytest.mark.parametrize("opcode", [PING, PONG, 0x8])
def test_a_control_frame_in_fragments_is_refused(echo, opcode):
    with echo.connect() as client:
        client.send(opcode, b"", fin=False)
        client.send(CONTINUATION, b"")
        client.assert_closed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("chop", [None, 1])
def test_fragments_come_back_as_one_message(echo, opcode, chop):
    with echo.connect() as client:
        client.send_in([b"fragment1", b"fragment2"], opcode, chop)
        assert client.read(opcode) == b"fragment1fragment2"
        client.send_in([b"", b"", b""], opcode, chop)
        assert client.read(opcode) == b""
        client.send_in([b"", b"middle", b""], opcode, chop)
        assert client.read(opcode) == b"middle"
        client.close()


@pytest.mark.parametrize("chop", [None, 1])
def test_a_ping_between_fragments_is_answered_at_once(echo, chop):
    with echo.connect() as client:
        client.send(TEXT, "fragment1", chop, fin=False)
        client.send(PING, "ping payload", chop)
        assert client.read(PONG) == b"ping payload"
        client.send(CONTINUATION, "fragment2", chop)
        assert client.read(TEXT) == b"fragment1fragment2"
        client.close()


def test_many_pings_between_many_fragments(echo):
    with echo.connect() as client:
        for n in range(5):
            client.send(TEXT if n == 0 else CONTINUATION, f"f{n}",
                        fin=n == 4)
            client.send(PING, f"p{n}")
        got = [client.read_frame()[:2] for _ in range(6)]
        assert [p for o, p in got if o == PONG] == \
            [b"p%d" % n for n in range(5)]
        assert [p for o, p in got if o == TEXT] == [b"f0f1f2f3f4"]
        client.close()


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_is_refused(echo, fin):
    with echo.connect() as client:
        client.send(CONTINUATION, "nothing to continue", fin=fin)
        client.send(TEXT, "Hello")
        client.assert_closed(1002)


def test_a_continuation_behind_a_whole_message_is_refused(echo):
    with echo.connect() as client:
        client.echoes(TEXT, "whole")
        client.send(CONTINUATION, "more")
        client.assert_closed(1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_inside_another_is_refused(echo, opcode):
    with echo.connect() as client:
        client.send(TEXT, "fragment1", fin=False)
        client.send(opcode, b"fragment2")
        client.assert_closed(1002)


def test_any_number_of_fragments_comes_back(echo):
    with echo.connect() as client:
        client.send_in([b"*"] * 20000)
        assert client.read(TEXT) == b"*" * 20000
        client.close()
