# SPDX-License-Identifier: MIT
"""Runs `relayctl bench` against a system and keeps what it says."""

import json
import subprocess

from machine import CLIENT_CORE, pin
from systems import BUILD


class Failed(Exception):
    """The run does not count; the text says why."""


def start(system, *options):
    command = [BUILD / "relayctl", "bench", "--json", *system.client, *options]
    system.before_run()
    return subprocess.Popen(
        list(map(str, pin(command, CLIENT_CORE))), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def stop(process):
    """Also in the middle of a run: its producer ends with it."""
    if process.poll() is None:
        process.kill()
        process.communicate()


def finish(process, seconds=5000):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"relayctl bench did not end within {seconds} s")
    finally:
        stop(process)
    try:
        answer = json.loads(out)
    except ValueError:
        raise Failed(f"relayctl bench said: {err.strip()[-200:]}")
    if not answer["ok"]:
        raise Failed(answer.get("error", {}).get("message", "failed"))
    return answer["result"]


def measure(system, *options):
    """One run; every event must have arrived, once and in order, and as many
    frames as the server says it has sent."""
    result = finish(start(system, *options))
    wrong = system.miscounted(result)
    system.between_runs()
    if wrong:
        raise Failed(wrong)
    return result
