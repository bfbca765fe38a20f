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
    return subprocess.Popen(
        list(map(str, pin(command, CLIENT_CORE))), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def finish(process, seconds=2000):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"relayctl bench did not end within {seconds} s")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    try:
        answer = json.loads(out)
    except ValueError:
        raise Failed(f"relayctl bench said: {err.strip()[-200:]}")
    if not answer["ok"]:
        raise Failed(answer.get("error", {}).get("message", "failed"))
    return answer["result"]


def measure(system, *options):
    """One run; every event must have arrived, once and in order."""
    result = finish(start(system, *options))
    system.between_runs()
    return result


def figures(result):
    """The numbers of a run that tables and plots are made of."""
    latency = result["latency_us"] or {}
    server = result["server"]
    return {
        "cpu_us": server["cpu_us_per_delivery"],
        "core": server["core"],
        "rate": result["deliveries_per_second"],
        "p50_us": latency.get("p50"),
        "p99_us": latency.get("p99"),
        "max_us": latency.get("max"),
        "bytes": server["held_bytes_per_connection"],
        "deliveries": result["delivered"],
    }
