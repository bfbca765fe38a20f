# SPDX-License-Identifier: MIT
"""RFC 6455 section 7 on relay-echo-test: closing (group 7 of the Autobahn test
suite)."""

import pytest

from raw import CLOSE, PING, TEXT, close_payload, frame

GOOD = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
        1014, 3000, 3999, 4000, 4999]
BAD = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", GOOD)
def test_a_good_code_is_given_back(echo, code):
    with echo.connect() as client:
        client.echoes(TEXT, "Hello World!")
        client.close(code)


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("reason", [b"", b"reason"])
def test_a_code_that_may_not_stand_there_is_1002(echo, code, reason):
    with echo.connect() as client:
        client.send(CLOSE, close_payload(code, reason))
        client.assert_closed(1002, answer=False)


def test_a_close_without_a_code_is_given_back_without(echo):
    with echo.connect() as client:
        client.send(CLOSE)
        client.assert_closed(None, answer=False)


def test_half_a_code_is_1002(echo):
    with echo.connect() as client:
        client.send(CLOSE, b"\x03")
        client.assert_closed(1002, answer=False)


@pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123])
def test_a_reason_may_have_123_bytes(echo, reason):
    with echo.connect() as client:
        client.send(CLOSE, close_payload(1000, reason))
        client.assert_closed(1000, answer=False)


def test_a_longer_reason_is_1002(echo):
    with echo.connect() as client:
        client.send(CLOSE, close_payload(1000, b"*" * 124))
        client.assert_closed(1002, answer=False)


def test_a_reason_that_is_no_text_is_1002(echo):
    with echo.connect() as client:
        client.send(CLOSE, close_payload(1000, b"\xce\xba\xed\xa0\x80"))
        client.assert_closed(1002, answer=False)


@pytest.mark.parametrize("behind", [
    frame(CLOSE, close_payload(1000)), frame(PING, b"x"),
    frame(TEXT, "more"), b"\xff" * 300], ids=["close", "ping", "text", "junk"])
def test_what_comes_behind_a_close_means_nothing(echo, behind):
    with echo.connect() as client:
        client.send_bytes(frame(CLOSE, close_payload(1000)) + behind)
        client.assert_closed(1000, answer=False)


@pytest.mark.parametrize("chop", [None, 1])
def test_a_close_inside_a_message_counts(echo, chop):
    with echo.connect() as client:
        client.send(TEXT, "fragment1", chop, fin=False)
        client.send(CLOSE, close_payload(1000), chop)
        client.assert_closed(1000, answer=False)


def test_a_large_message_comes_back_before_the_close(echo):
    with echo.connect() as client:
        big = b"BAsd7&jh23" * 26214
        client.send_bytes(frame(TEXT, big) + frame(CLOSE, close_payload(1000)))
        assert client.read(TEXT) == big
        client.assert_closed(1000, answer=False)


def test_a_client_that_just_leaves_is_forgotten(echo):
    with echo.connect() as client:
        client.echoes(TEXT, "x")
    with echo.connect() as client:
        client.send_bytes(frame(TEXT, "half")[:4])
    with echo.connect() as client:
        client.echoes(TEXT, "still here")
        client.close()
