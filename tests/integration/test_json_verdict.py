# SPDX-License-Identifier: MIT
"""The scanner's verdict against another reader of JSON: documents that are
nearly right, thousands of them, the same in every run."""

import json
import random
import subprocess

from harness import RELAYCTL

COUNT = 20000

SEEDS = [
    b'{"a":[1,-0,0.5,1e5,-1.25E-10],"b":{"c":null,"d":true},"":"x"}',
    b'"\\u00e9\\ud83d\\ude00\\n\\/\\\\\\""',
    '["\u00e9","\u20ac","\U0001f600","\u2028","\u007f"]'.encode(),
    b'[[],{},[[]],{"a":{}}]', b"-0.0e+00", b" [ 1 , 2 ] ", b'{"a":1,"a":2}',
    b"123456789012345678901234567890", b"1e400", b"false",
    b'"' + b"x" * 70 + b"\\u0041" + b"y" * 40 + b'"',
]
PARTS = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"0", b"-", b"+", b".",
    b"e", b"00", b"\\u", b"\\u12", b"\\x", b"'", b"NaN", b"-Infinity", b"nul",
    b"\t", b"\r", b"\0", b"\x1f", b"\x0b", b"\xc2\xa0", b"\xef\xbb\xbf",
    b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff", b"\x80",
    b"\xe2\x82", b"\xf0\x9f\x98", b"/**/", b"//", b"0x1", b".5", b"5.", b"1e+",
    b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xef\xbf\xbf", b"\xdf\xbf",
]


def change(dice, text):
    text = bytearray(text)
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        at = dice.randrange(len(text) + 1)
        kind = dice.randrange(5)
        if kind == 0:
            del text[at:at + dice.randrange(1, 4)]
        elif kind == 1:
            text[at:at] = dice.choice(PARTS)
        elif kind == 2:
            text[at:at + 1] = bytes([dice.randrange(256)])
        elif kind == 3:
            text[at:at + 1] = dice.choice(PARTS)
        else:
            text = text[:at]
    return bytes(text).replace(b"\n", b" ")


def refuse(constant):
    raise ValueError(constant)


def is_json(text):
    """Python's own reader, held to the RFC: no NaN, no byte order mark."""
    try:
        json.loads(text.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True


def test_near_misses_are_judged_as_another_reader_judges_them(tmp_path):
    dice = random.Random(8259)
    texts = []
    while len(texts) < COUNT:
        text = change(dice, dice.choice(SEEDS))
        if text.strip(b" \t\r"):
            texts.append(text)
    (tmp_path / "d.ndjson").write_bytes(b"\n".join(texts))
    (tmp_path / "any.json").write_text("true")
    ran = subprocess.run(
        [RELAYCTL, "schema", "validate", "--schema", tmp_path / "any.json",
         tmp_path / "d.ndjson"], capture_output=True)
    verdicts = ran.stdout.splitlines()
    assert len(verdicts) == COUNT
    wrong = []
    accepted = 0
    for text, verdict in zip(texts, verdicts):
        # Half a surrogate pair is no character: ours refuses the escape.
        if b"lone surrogate" in verdict:
            continue
        accepted += verdict == b"valid"
        if (verdict == b"valid") != is_json(text):
            wrong.append((text, verdict))
    assert wrong == []
    assert COUNT // 10 < accepted < COUNT // 2


def test_a_name_cannot_speak_for_another_file(tmp_path):
    (tmp_path / "good").write_text("1")
    (tmp_path / "x: valid\ny").write_text("{")
    run = subprocess.run([RELAYCTL, "json", "good", "x: valid\ny"],
                         cwd=tmp_path, capture_output=True, text=True,
                         check=False)
    assert run.returncode == 1
    assert run.stdout.splitlines() == [
        "good: valid",
        "x: valid\ufffdy: invalid at byte 1: unexpected end"]
