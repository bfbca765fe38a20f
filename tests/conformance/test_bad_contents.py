# SPDX-License-Identifier: MIT
"""B32 to B43 of our list of bad inputs: messages that are no JSON or none that
the contract knows, cursors and ids."""

import json
import time
import urllib.parse

import pytest

from abused import events_key
from raw import CLOSE, EVENTS, SLOW, TEXT, close_payload, frame

MESSAGE = '{"type":"message","content":%s}'


def refuse_each(scene, code, *texts):
    """Each is refused by this code, changes nothing, and the socket stays."""
    before = scene.store.commands()
    with scene.chat() as client:
        for text in texts:
            answer = scene.refused(client, text)
            assert answer["code"] == code, (text[:80], answer)
        client.close()
    assert scene.store.commands() == before


def accept(scene, text):
    with scene.chat() as client:
        client.send(TEXT, text)
        while True:
            got = json.loads(client.read_frame()[1])
            assert got["type"] != "error", got
            if got["type"] == "relay.ack":
                break
        client.close()
    stored = scene.store.call("XREVRANGE", "relay:commands", "+", "-",
                              "COUNT", 1)[0][1]
    fields = dict(zip(stored[::2], stored[1::2]))
    assert fields[b"frame"] == text.encode(), "the bytes as received"


def test_b32_what_is_no_object(scene):
    refuse_each(scene, "invalid_json", "", " ", "\n\t", "x", "{", "}", "{]",
                '"', "nul", "[1", '{"a"}', '{"a":}', "{,}", "1 2", "{} {}")
    refuse_each(scene, "invalid_payload", "null", "1", '"text"', "true", "[]",
                '[{"type":"cancel"}]')


@pytest.mark.slow
def test_b32_repeated_abuse_ends_it(scene):
    with scene.chat() as client:
        started, codes = time.monotonic(), set()
        client.socket.settimeout(30 * SLOW)
        while time.monotonic() - started < 20 * SLOW:
            client.send_bytes(frame(TEXT, "x") * 100)
            time.sleep(0.1)
            client.socket.setblocking(False)
            try:
                while chunk := client.socket.recv(1 << 18):
                    client.buffer += chunk
                break
            except BlockingIOError:
                continue
            except ConnectionResetError:
                break
            finally:
                client.socket.setblocking(True)
        else:
            raise AssertionError("abuse goes on for ever")
        while client.buffer:
            opcode, payload, *_ = client.read_frame()
            if opcode == CLOSE:
                assert payload == close_payload(1008)
                break
            codes.add(json.loads(payload).get("code"))
        assert codes - {None} == {"invalid_json", "rate_limited"}


def test_b33_too_deep(scene):
    # An object counts as a level, too.
    def nested(depth, opening="[", closing="]"):
        return '{"type":"command","command":"c","session_id":"s","args":{"a":' + \
            opening * (depth - 2) + closing * (depth - 2) + "}}"
    accept(scene, nested(64))
    refuse_each(scene, "too_deep", nested(65), nested(1000), nested(100000),
                "[" * 100000, '{"a":' * 100000, "[{" + '"a":[{' * 30000)
    with scene.chat() as client:
        started = time.monotonic()
        scene.refused(client, "[" * 1000000)
        assert time.monotonic() - started < 0.1 * SLOW
        client.close()


def test_b34_the_same_key_twice(scene):
    refuse_each(scene, "invalid_json",
                '{"type":"cancel","type":"cancel"}',
                '{"type":"message","content":"a","content":"b"}',
                '{"type":"cancel","\\u0074ype":"message"}',
                '{"a":1,"\\u0061":2}',
                '{"type":"command","command":"c","args":{"x":1,"x":2}}')


def test_b35_nul(scene):
    refuse_each(scene, "invalid_json", '{"type\\u0000x":"cancel"}',
                '{"type":"cancel","a\\u0000b":1}', '{"type":"can\0cel"}',
                "\0", '{"type":"cancel"}\0', '{"type":"cancel\\u0000"}',
                MESSAGE % '"a\\u0000b"')


def test_b36_halves_of_surrogates(scene):
    refuse_each(scene, "invalid_json", *(
        MESSAGE % f'"{text}"' for text in (
            "\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800",
            "\\ud800\\ud800", "\\uD83D", "\\ud83d\\u0041", "\\u12",
            "\\u{1f600}")))
    accept(scene, MESSAGE % '"\\ud83d\\ude00"')


def test_b37_numbers_keep_their_digits(scene):
    for number in ("9007199254740992", "18446744073709551616",
                   "-9223372036854775809", "1e999", "-0", "1E+2", "0.1e-7",
                   "1" + "0" * 999999 if SLOW <= 4 else "1" * 1000):
        args = '{"type":"command","command":"c","session_id":"s",' \
            '"args":{"n":%s}}' % number
        if len(args) <= 1 << 20:
            accept(scene, args)
    accept(scene, '{"type":"message","content":"x","batch_concurrency":'
           '18446744073709551616}')
    refuse_each(scene, "invalid_payload", *(
        '{"type":"message","content":"x","batch_concurrency":%s}' % number
        for number in ("1.5", "1e-1", '"5"', "true")))


def test_b38_dialects_of_json(scene):
    refuse_each(scene, "invalid_json", *(MESSAGE % value for value in (
        "NaN", "Infinity", "-Infinity", "'x'", "1.", ".5", "01", "+1", "0x1",
        "1e", "-", "undefined")), "{'type':'cancel'}", '{"type":"cancel",}',
        '{"type":"cancel"}//', '/**/{"type":"cancel"}', "{type:1}",
        '\ufeff{"type":"cancel"}', '{"type":"cancel"} x')


def test_b39_raw_control_characters(scene):
    refuse_each(scene, "invalid_json", *(
        MESSAGE % f'"a{chr(n)}b"' for n in range(32)))
    accept(scene, MESSAGE % '"a\x7fb"')
    for bad in (b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xff"):
        scene.closes(frame(TEXT, b'{"type":"' + bad + b'"}'), 1007)


def test_b40_what_the_contract_does_not_know(scene):
    refuse_each(scene, "unknown_type", '{"type":"nothing"}',
                '{"type":"__proto__"}', '{"type":"Message"}')
    pointers = {
        '{"type":"message","content":"x","repoUrl":"y"}': "/repoUrl",
        '{"type":"message","content":"x","__proto__":{}}': "/__proto__",
        '{"type":"message","content":"x","trace":"yes"}': "/trace",
        '{"type":"message","content":"x","execution_mode":"no"}':
            "/execution_mode",
    }
    with scene.chat() as client:
        for text, pointer in pointers.items():
            answer = scene.refused(client, text)
            assert answer["code"] == "invalid_payload"
            violations = answer["details"]["violations"]
            assert len(violations) <= 10
            assert pointer in [v["pointer"] for v in violations], violations
        many = "".join(f',"x{n}":1' for n in range(1000))
        answer = scene.refused(client, MESSAGE[:-1] % '"x"' + many + "}")
        assert len(answer["details"]["violations"]) == 10
        client.close()


def test_b42_cursors(scene):
    for cursor in ("x", "1", "-1-0", "1-", "-", "1-0-0", "1-0x", "$", "*",
                   "18446744073709551616-0", "0-18446744073709551616", "",
                   "1" * 4000, " 1-0x", "1 - 0", "+1-0", "0x1-0"):
        quoted = urllib.parse.quote(cursor)
        scene.refuses_query(f"session_id=s&after={quoted}", "invalid_cursor")
    scene.refuses_query("session_id=s&since=x", "invalid_cursor")
    scene.refuses_query("session_id=s&since=1&after=1-0", "invalid_cursor")
    # A future one is good, but the stream is behind it.
    scene.store.publish("future", '{"type":"execution_step"}')
    future = "18446744073709551615-0"
    with scene.connect(f"{EVENTS}?session_id=future&after={future}",
                       "Sec-WebSocket-Protocol: relay.v1\r\n") as client:
        types = []
        while "relay.gap" not in types:
            notice = json.loads(client.read_frame()[1])
            types.append(notice.get("type"))
        assert notice["reason"] == "rewound"


STRANGE = ["*", "?", "[a]", "{x}", "a:b", "a/b", "..", "../../x", "a\\b",
           "a b", "%41", "%", "🙂", "a}{b", "default/anonymous/s", "relay:x",
           "a\"b", "<b>", "a" * 256]


def test_b43_strange_ids_are_kept_apart(scene):
    clients = {}
    for session in STRANGE:
        quoted = urllib.parse.quote(session, safe="")
        client = scene.connect(f"{EVENTS}?session_id={quoted}")
        clients[session] = client
        assert scene.store.call(
            "EXISTS", events_key(session)) == b"0"
    time.sleep(0.2 * SLOW)
    for number, session in enumerate(STRANGE):
        scene.store.publish(session, json.dumps(
            {"type": "execution_step", "note": number}))
    for number, session in enumerate(STRANGE):
        assert scene.next_frame(clients[session])["note"] == number
        clients[session].close()
    keys = {events_key(session) for session in STRANGE}
    assert len(keys) == len(STRANGE)


def test_b43_ids_that_are_none(scene):
    for session in ("%00", "a%00b", "a%0d%0ab", "%07", "%7f", "a" * 257,
                    "x" * 1024, "%ff", "%c0%80", "%ed%a0%80"):
        scene.refuses_query(f"session_id={session}", "invalid_session_id")
    scene.refuses_query("session_id=", "missing_session_id")
    # An identity is nobody's to name.
    for name in ("workspace_id", "user_id"):
        scene.refuses_query(f"session_id=s&{name}=other",
                            "unsupported_identity_query_params")


def test_b43_another_tenants_session_is_simply_empty(scene):
    other = "relay:events:{other/someone/s43}"
    scene.store.call("XADD", other, "*", "event", '{"type":"execution_step"}')
    with scene.connect(f"{EVENTS}?session_id=s43&after=0-0",
                       "Sec-WebSocket-Protocol: relay.v1\r\n") as client:
        notices = [json.loads(client.read_frame()[1]) for _ in range(2)]
        assert notices[0]["newest"] is None
        assert notices[1]["type"] == "relay.live"
        assert notices[1]["replayed"] == 0
