# SPDX-License-Identifier: MIT
import pytest

from harness import RELAYD, RedisServer, Relay


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow: takes more than ten seconds; tools/test --fast")


def pytest_sessionstart(session):
    if not RELAYD.exists():
        pytest.exit(f"{RELAYD} is not built; run tools/test", returncode=3)


@pytest.fixture
def redis_server(tmp_path):
    server = RedisServer(tmp_path / "redis")
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
def store(redis_server):
    with redis_server.client() as client:
        yield client


@pytest.fixture
def keys(tmp_path):
    """Files of keys, for relays that ask for tokens."""
    from auth_kit import Keys  # whose libraries no other scene needs
    return Keys(tmp_path)


@pytest.fixture
def start_relay(tmp_path):
    """A factory; every relay must be at rest and drain at the end."""
    relays = []

    def start(*arguments, **options):
        relay = Relay(tmp_path / f"relay{len(relays)}", *arguments, **options)
        relays.append(relay)
        return relay

    yield start
    failures = []
    for relay in relays:
        if relay.process.poll() is not None:
            continue
        try:
            relay.assert_at_rest()
        except AssertionError as failure:
            failures.append(str(failure))
        code = relay.stop()
        if code != 0:
            failures.append(f"relayd ended with {code}: {relay.logged()}")
    assert not failures, failures


@pytest.fixture
def relay(start_relay, redis_server):
    return start_relay(redis_server)
