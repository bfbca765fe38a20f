# SPDX-License-Identifier: MIT
"""What the figures were measured on, and the core each process is kept to."""

import os
import platform
import resource
import subprocess
import time

SERVER_CORE = 0
CLIENT_CORE = 1


def pin(command, core):
    """The command, kept to one core where there is more than one."""
    if os.cpu_count() < 2:
        return command
    return ["taskset", "-c", str(core), *map(str, command)]


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr).strip().split("\n")[0]


def library(name):
    return first_line("pkg-config", "--modversion", name)


def processor():
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def distribution():
    with open("/etc/os-release") as lines:
        for line in lines:
            if line.startswith("PRETTY_NAME"):
                return line.split("=", 1)[1].strip().strip('"')
    return "unknown"


def memory_gib():
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return round(pages / 2**30, 1)


def processor_times():
    """(busy, all) of all cores, in ticks."""
    with open("/proc/stat") as lines:
        times = [int(word) for word in lines.readline().split()[1:9]]
    idle = times[3] + times[4]  # and waiting for disks
    return sum(times) - idle, sum(times)


def busy(seconds=1.0):
    """The share of the whole machine that is used, by whomever, while this
    process sleeps."""
    before = processor_times()
    time.sleep(seconds)
    after = processor_times()
    return (after[0] - before[0]) / max(after[1] - before[1], 1)


def commit(root):
    """What is measured; results that were written meanwhile are not."""
    git = ("git", "-C", str(root))
    name = first_line(*git, "describe", "--always")
    changed = first_line(*git, "status", "--porcelain",
                         "--untracked-files=no", "--", ".",
                         ":(exclude)tools/bench/results")
    return f"{name}-dirty" if changed else name


def now(root):
    """What differs from one scenario to the next; nothing of ours runs."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit(root),
        "load_average": round(os.getloadavg()[0], 2),
        "busy": round(busy(), 3),
    }


def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def describe():
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": memory_gib(),
        "system": distribution(),
        "kernel": platform.release(),
        "redis": first_line("redis-server", "--version"),
        "node": first_line("node", "--version"),
        "nginx": first_line("nginx", "-v"),
        "libwebsockets": library("libwebsockets"),
        "descriptors": descriptors(),
    }
