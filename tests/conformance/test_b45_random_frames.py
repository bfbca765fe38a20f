# SPDX-License-Identifier: MIT
"""B45: random sequences of frames, of which an own model knows the answers. The
slow lane is --dice-seeds 100 --dice-sequences 10000."""

import struct

import pytest

from echo import Echo
from frame_dice import Sequence
from raw import CHAT, CLOSE, PING, Client

LIMIT = 1 << 16
# What a message of relayd's own judgement may add: abuse of the rate.
ALSO = {1008}


@pytest.fixture(scope="module")
def listen(tmp_path_factory, certificate):
    """A function that names a listener: by TCP all cost twice the time,
    but TLS needs it."""
    folder = tmp_path_factory.mktemp("listeners")
    return lambda name: "127.0.0.1:0" if certificate else \
        f"unix:{folder / name}"


@pytest.fixture(scope="module")
def small_echo(tmp_path_factory, certificate, listen):
    running = Echo(tmp_path_factory.mktemp("echo"), certificate,
                   "--limits-frame-bytes", str(LIMIT), listen=listen("echo"))
    yield running
    running.stop()


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize(
            "seed", range(metafunc.config.getoption("--dice-seeds")))


def sequences(request, seed, **options):
    for number in range(request.config.getoption("--dice-sequences")):
        yield Sequence(f"{seed}/{number}", limit=LIMIT, **options)


def answers(client, sequence):
    """Every frame up to the close and the end."""
    for segment in sequence.segments:
        client.send_bytes(segment)
    got = []
    while not got or got[-1][0] != CLOSE:
        opcode, payload, fin, rsv = client.read_frame()
        assert fin and rsv == 0
        if opcode != PING:
            got.append((opcode, payload))
    client.assert_ended()
    return got


def test_b45_an_echo_answers_as_the_model_does(request, small_echo, seed):
    for sequence in sequences(request, seed):
        with small_echo.connect() as client:
            assert answers(client, sequence) == sequence.said, sequence.data


def test_b45_relayd_closes_as_the_model_does(request, abused_relay, listen,
                                                seed):
    relay = abused_relay("--limits-frame-bytes", str(LIMIT),
                         listen=listen("relay"))
    for sequence in sequences(request, seed, binary=False):
        with Client(relay.address, CHAT) as client:
            assert client.status == 101
            got = answers(client, sequence)
        code = got[-1][1]
        assert code == sequence.said[-1][1] or \
            struct.unpack(">H", code)[0] in ALSO, (code, sequence.data)
    assert relay.process.poll() is None
    assert relay.get("/health")[0] == 200
