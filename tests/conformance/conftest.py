# SPDX-License-Identifier: MIT
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import secured  # noqa: E402
from echo import PROGRAM, Echo  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--valgrind", action="store_true",
                     help="run relayd under valgrind")
    parser.addoption("--tls", action="store_true",
                     help="everything over TLS")
    parser.addoption("--dice-seeds", type=int, default=3,
                     help="B45: how many seeds (all: 100)")
    parser.addoption("--dice-sequences", type=int, default=200,
                     help="B45: sequences of frames for each (all: 10000)")


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow: takes more than ten seconds; tools/test --fast")


def pytest_sessionstart(session):
    if not PROGRAM.exists():
        pytest.exit(f"{PROGRAM} is not built; run tools/test", returncode=3)


@pytest.fixture(scope="session")
def certificate(request, tmp_path_factory):
    """None without --tls."""
    if not request.config.getoption("--tls"):
        return None
    from secure import Certificate
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def echo(tmp_path_factory, certificate):
    """Messages up to 32 MiB; must end well, which a sanitizer decides."""
    running = Echo(tmp_path_factory.mktemp("echo"), certificate,
                   "--limits-frame-bytes", str(32 << 20))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def deflating_echo(tmp_path_factory, certificate):
    running = Echo(tmp_path_factory.mktemp("echo"), certificate,
                   "--deflate=true", "--limits-frame-bytes", str(32 << 20))
    yield running
    running.stop()


# --- relayd under abuse ---

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99",
            "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
            "--trace-children=no"]


@pytest.fixture(scope="module")
def abused_relay(request, tmp_path_factory, certificate):
    """A function that starts relayd with these options; each must end well,
    which sanitizers and valgrind decide."""
    from abused import assert_log_is_json
    from harness import RedisServer, Relay
    folder = tmp_path_factory.mktemp("abused")
    server = RedisServer(folder / "redis", appendonly=False)
    relays = {}

    def start(*options, listen=None):
        if options not in relays:
            at = folder / f"relay{len(relays)}"
            wrapper = [*VALGRIND, f"--log-file={at}.valgrind"] \
                if request.config.getoption("--valgrind") else []
            flags = certificate.flags() if certificate else ()
            relays[options] = Relay(at, server, *options, *flags,
                                    listen=listen, wrapper=wrapper)
            if certificate:
                secured.trust(relays[options].address, certificate)
            relays[options].store_path = server.socket
        return relays[options]

    yield start
    for number, relay in enumerate(relays.values()):
        code = relay.stop(60)
        report = folder / f"relay{number}.valgrind"
        found = report.read_text() if report.exists() else ""
        assert code == 0 and found == "", f"{code}: {found}{relay.logged()}"
        assert_log_is_json(relay.logged())
    server.stop()


@pytest.fixture
def scene(abused_relay):
    """One bad input beside one good client; what every case demands is
    demanded here."""
    from abused import (GoodClient, Scene, assert_at_rest,
                        assert_log_is_json)
    relay = abused_relay()
    good = GoodClient(relay, relay.store_path)
    yield Scene(relay, relay.store_path)
    assert relay.process.poll() is None, relay.logged()
    good.check()
    assert_at_rest(relay.pid)
    assert_log_is_json(relay.logged())
