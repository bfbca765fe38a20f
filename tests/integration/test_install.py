# SPDX-License-Identifier: MIT
"""What `cmake --install` puts somewhere works from there: the programs find
their contract, the sandbox lets them, keys are fetched."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from auth_kit import KeyServer, bearer, forge, is_let_in, token
from harness import (BUILD, EVENTS, ROOT, SLOW, connect, receive_type, run,
                     wait_for)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A prefix of its own below a DESTDIR."""
    folder = tmp_path_factory.mktemp("destination")
    done = subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", "/opt/relay"],
        env=dict(os.environ, DESTDIR=str(folder)), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder / "opt" / "relay"


def output(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True,
                          cwd="/", timeout=30 * SLOW)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_of_it_is_there_and_readable_by_all(place):
    there = {str(path.relative_to(place))
             for path in place.rglob("*") if path.is_file()}
    schemas = {f"share/relay/{path.relative_to(ROOT)}"
               for path in (ROOT / "schemas").rglob("*") if path.is_file()}
    assert there == schemas | {
        "bin/relayd", "bin/relayctl", "bin/relay-fetch",
        "share/doc/relayd/README.md", "share/doc/relayd/LICENSE",
        "lib/systemd/system/relayd.service"}
    for path in there:
        mode = (place / path).stat().st_mode & 0o777
        assert mode == (0o755 if path.startswith("bin/") else 0o644), path


def test_each_program_says_what_it_is(place):
    version = re.search(r"VERSION (\d[.\d]*)",
                        (ROOT / "CMakeLists.txt").read_text()
                        .split("project(", 1)[1])[1]
    assert version in output(place / "bin" / "relayctl", "--version")
    said = output(place / "bin" / "relayd", "--version")
    assert version in said and "fleet-rlm" in said


def test_the_contract_is_the_installed_one(place, tmp_path):
    contract = place / "share/relay/schemas/fleet-rlm/3"
    shown = output(place / "bin" / "relayd", "--print-config")
    line = next(l for l in shown.splitlines() if '"contract"' in l
                or l.split()[0] == "contract")
    named = re.search(r"(/\S+?/fleet-rlm/3)", line)[1]
    assert pathlib.Path(named).resolve() == contract.resolve()
    output(place / "bin" / "relayctl", "contract", "lint", contract)
    # Moved as a whole it still is.
    moved = tmp_path / "elsewhere"
    shutil.copytree(place, moved)
    shutil.rmtree(moved / "share/relay/schemas/fleet-rlm/2")
    assert str(moved / "share") in os.path.normpath(re.search(
        r"(/\S+?/fleet-rlm/3)", output(
            moved / "bin" / "relayd", "--print-config"))[1])


def test_it_serves_with_its_own_redis_and_fetched_keys(
        place, start_relay, keys):
    source = KeyServer(forge.jwks())
    try:
        relay = start_relay(
            None, *keys.options(secret=False, jwks=source.url),
            program=place / "bin" / "relayd")
        pass_ = bearer(token("ES256"))
        wait_for(lambda: is_let_in(relay, headers=pass_) is True, 20)
        assert source.asked

        async def scene():
            ws = await connect(relay.ws(EVENTS, session_id="s"),
                               headers=pass_)
            hello = await receive_type(ws, "relay.hello")
            assert hello["contract"]["name"] == "fleet-rlm"
            await receive_type(ws, "relay.live")
            await ws.close()
        run(scene())
        # A reload reads the contract again, from inside the sandbox.
        relay.process.send_signal(1)
        wait_for(lambda: '"action":"reloaded"' in relay.logged(), 20)
        status = json.loads(output(place / "bin" / "relayctl", "status",
                                   "--relay", relay.admin, "--json"))
        assert status["result"]["mode"] == "live"
    finally:
        source.stop()


def test_the_service_names_the_installed_programs(place):
    unit = (place / "lib/systemd/system/relayd.service").read_text()
    assert "ExecStart=/opt/relay/bin/relayd --config" in unit
    paths = re.search(r"^ExecPaths=(.*)$", unit, re.M)[1].split()
    assert {"/opt/relay/bin/relayd", "/opt/relay/bin/relay-fetch"} <= set(paths)
    assert "/usr/bin/relay" not in unit
    assert "file:/opt/relay/share/doc/relayd/README.md" in unit
