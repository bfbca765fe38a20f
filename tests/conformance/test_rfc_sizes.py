# SPDX-License-Identifier: MIT
"""Large and many messages on relay-echo-test (groups 9 and 10 of the Autobahn
test suite): nothing is lost, whatever the fragments and segments."""

import random
import threading

import pytest

from raw import BINARY, TEXT, frame

MIB = 1 << 20


def exchange(client, opcode, data, payload):
    """Writes while it reads: an echo of 16 MiB fits into no buffer."""
    client.socket.settimeout(120)
    writer = threading.Thread(target=client.send_bytes, args=(data,))
    writer.start()
    got = client.read(opcode)
    writer.join()
    assert got == payload


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [
    64 << 10, 256 << 10, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB])
def test_a_large_message_comes_back(echo, opcode, size):
    payload = b"*" * size if opcode == TEXT else random.randbytes(size)
    with echo.connect() as client:
        exchange(client, opcode, frame(opcode, payload), payload)
        client.close()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("piece", [64, 256, 1024, 4096, 65536, 4 * MIB])
def test_four_megabytes_in_fragments_come_back(echo, opcode, piece):
    payload = random.randbytes(2 * MIB).hex().encode()
    pieces = [payload[at:at + piece] for at in range(0, len(payload), piece)]
    data = b"".join(
        frame(opcode if n == 0 else 0, p, fin=n == len(pieces) - 1)
        for n, p in enumerate(pieces))
    with echo.connect() as client:
        exchange(client, opcode, data, payload)
        client.close()


@pytest.mark.parametrize("chop", [64, 128, 1000])
def test_a_megabyte_in_small_segments_comes_back(echo, chop):
    payload = random.randbytes(MIB // 2).hex().encode()
    with echo.connect() as client:
        client.socket.settimeout(120)
        data = frame(TEXT, payload)
        writer = threading.Thread(target=client.send_bytes, args=(data, chop))
        writer.start()
        assert client.read(TEXT) == payload
        writer.join()
        client.close()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 16, 64, 256, 1024, 4096])
def test_a_thousand_round_trips(echo, opcode, size):
    with echo.connect() as client:
        for _ in range(1000):
            client.echoes(opcode, b"*" * size)
        client.close()


def test_a_thousand_messages_at_once_come_back_in_order(echo):
    with echo.connect() as client:
        payloads = [b"%d" % n * (n % 300) for n in range(1000)]
        data = b"".join(frame(TEXT, p) for p in payloads)
        writer = threading.Thread(target=client.send_bytes, args=(data,))
        writer.start()
        assert [client.read(TEXT) for _ in payloads] == payloads
        writer.join()
        client.close()


def test_who_does_not_read_is_not_read(echo):
    """Its echoes are bounded by what it lets go out."""
    with echo.connect() as client:
        client.socket.settimeout(1)
        client.echoes(TEXT, "x")
        before = echo.rss_bytes()
        chunk = frame(TEXT, b"*" * 65536)
        sent = 0
        try:
            while sent < 64 * MIB:
                client.socket.sendall(chunk)
                sent += len(chunk)
        except TimeoutError:
            pass
        assert sent < 64 * MIB
        assert echo.rss_bytes() - before < 16 * MIB


def test_an_echo_longer_than_125_is_one_frame(echo):
    """Group 10: what the client cut up comes back in one piece."""
    payload = b"*" * 65536
    with echo.connect() as client:
        client.send_in([payload[at:at + 1300]
                        for at in range(0, len(payload), 1300)])
        assert client.read(TEXT) == payload
        client.close()


def test_over_the_limit_it_is_1009_with_the_header(echo):
    for announce in ((32 << 20) + 1, 1 << 40, 1 << 62):
        with echo.connect() as client:
            client.send_bytes(frame(TEXT, b"", announce=announce, form=64))
            client.assert_closed(1009)
