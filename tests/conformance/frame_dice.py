# SPDX-License-Identifier: MIT
"""B45: random sequences of frames, and by the letter of RFC 6455 what a server
must make of them: the messages and pongs it gives back, and its close."""

import codecs
import random

from raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT,
                 close_payload, frame)

GOOD_CODES = [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]
BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]
SEGMENTS = 64  # small ones in a sequence: each costs a call on both sides


class Sequence:
    """`data` to be sent; `said`: what an echo answers, as (opcode, payload)
    with the close frame's payload last. Ends with a close of some kind."""

    def __init__(self, seed, binary=True, limit=1 << 16):
        self.dice = random.Random(seed)
        self.binary = binary
        self.limit = limit
        self.parts, self.said = [], []
        self.message, self.opcode = None, None
        self.ended = False
        for _ in range(self.dice.randrange(1, 30)):
            if not self.ended:
                self._roll()
        while not self.ended:
            self._close()
        # What is behind the end means nothing.
        if self.dice.random() < 0.2:
            self.parts.append(self.dice.randbytes(self.dice.randrange(50)))
        self.data = b"".join(self.parts)
        self.segments = self._cut(
            self.dice.choice([None, None, None, 1, 2, 7, 100]))

    def _cut(self, size):
        """The data as it is sent: whole, or with a stretch anywhere in it
        that comes in segments of this size."""
        if size is None:
            return [self.data]
        begin = self.dice.randrange(len(self.data))
        end = min(begin + SEGMENTS * size, len(self.data))
        cuts = [0, *range(begin, end, size), end, len(self.data)]
        return [self.data[a:b] for a, b in zip(cuts, cuts[1:]) if a < b]

    def _end(self, code):
        self.said.append((CLOSE, b"" if code is None else
                          close_payload(code)))
        self.ended = True

    def _payload(self):
        size = self.dice.choice([0, 1, 2, 5, 125, 126, 127, 300, 3000])
        if self.dice.random() < 0.7:
            return ("aé€😀"[:size] * (size // 4 + 1))[:size].encode()
        return bytes(self.dice.choices(b"abc{}\"\\ \n", k=size))

    def _roll(self):
        kinds = [self._data] * 12 + [self._continue] * 8 + \
            [self._control] * 8 + [self._bad_header, self._bad_text,
                                   self._bad_order, self._close,
                                   self._too_large]
        self.dice.choice(kinds)()

    def _take(self, payload, fin):
        self.message += payload
        if len(self.message) > self.limit:
            return self._end(1009)
        if self.opcode == TEXT:
            try:
                codecs.getincrementaldecoder("utf-8")().decode(
                    self.message, final=fin)
            except UnicodeDecodeError:
                return self._end(1007)
        if fin:
            self.said.append((self.opcode, self.message))
            self.message = None

    def _data(self):
        if self.message is not None:
            return self._continue()
        opcode = self.dice.choice([TEXT, TEXT, BINARY])
        fin = self.dice.random() < 0.6
        payload = self._payload()
        self.parts.append(frame(opcode, payload, fin=fin))
        if opcode == BINARY and not self.binary:
            return self._end(1003)
        self.message, self.opcode = b"", opcode
        self._take(payload, fin)

    def _continue(self):
        if self.message is None:
            return self._data()
        fin = self.dice.random() < 0.5
        payload = self._payload()
        self.parts.append(frame(CONTINUATION, payload, fin=fin))
        self._take(payload, fin)

    def _control(self):
        payload = self.dice.randbytes(self.dice.choice([0, 1, 5, 125]))
        if self.dice.random() < 0.5:
            self.parts.append(frame(PONG, payload))
            return
        self.parts.append(frame(PING, payload))
        self.said.append((PONG, payload))

    def _bad_header(self):
        dice = self.dice
        self.parts.append(dice.choice([
            lambda: frame(dice.choice([3, 4, 5, 6, 7, 11, 12, 15]), b"x"),
            lambda: frame(TEXT, b"x", rsv=dice.randrange(1, 8)),
            lambda: frame(PING, b"x", rsv=dice.randrange(1, 8)),
            lambda: frame(PING, b"x" * 126),
            lambda: frame(PONG, b"x", fin=False),
            lambda: frame(PING, b"x", mask=False),
            lambda: frame(PING, b"x", form=16),
            lambda: frame(CLOSE, b"", fin=False),
            lambda: frame(CONTINUATION if self.message is not None else TEXT,
                          b"x" * 100, form=dice.choice([16, 64])),
            lambda: frame(CONTINUATION if self.message is not None else TEXT,
                          b"", form=64, announce=1 << 63),
        ])())
        self._end(1002)

    def _bad_text(self):
        bad = self.dice.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
                                b"\xf4\x90\x80\x80", b"\xe2\x28"])
        fresh = self.message is None
        if not fresh and self.opcode != TEXT:
            return
        self.parts.append(frame(TEXT if fresh else CONTINUATION,
                                b"ok" + bad, fin=False))
        if fresh:
            self.message, self.opcode = b"", TEXT
        self._take(b"ok" + bad, False)

    def _bad_order(self):
        opcode = TEXT if self.message is not None else CONTINUATION
        self.parts.append(frame(opcode, b"x"))
        self._end(1002)

    def _too_large(self):
        fresh = self.message is None
        self.parts.append(frame(
            TEXT if fresh else CONTINUATION, b"", form=64,
            announce=self.dice.choice([(1 << 17), 1 << 40, (1 << 63) - 1])))
        self._end(1009)

    def _close(self):
        shape = self.dice.random()
        if shape < 0.2:
            self.parts.append(frame(CLOSE))
            return self._end(None)
        if shape < 0.7:
            code = self.dice.choice(GOOD_CODES)
            self.parts.append(frame(CLOSE, close_payload(code, "grüße".encode())))
            return self._end(code)
        self.parts.append(frame(CLOSE, self.dice.choice(
            [b"\x03", close_payload(1000, b"\xff"),
             *(close_payload(code) for code in BAD_CODES)])))
        self._end(1002)
