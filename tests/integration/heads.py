# SPDX-License-Identifier: MIT
"""Heads of requests as bytes, for tests that speak from raw sockets."""

from harness import CHAT

GOOD = ("Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n")


def request(line=f"GET {CHAT} HTTP/1.1", headers=GOOD):
    return f"{line}\r\n{headers}\r\n".encode("latin-1")


def status_of(answer):
    """The status; "drop" without an answer, "held" if it does not end."""
    if answer is None:
        return "held"
    return int(answer.split()[1]) if answer else "drop"
