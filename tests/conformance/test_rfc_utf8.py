# SPDX-License-Identifier: MIT
"""RFC 6455 section 8.1 on relay-echo-test: text is UTF-8, judged with the
first byte that is wrong (group 6 of the Autobahn test suite)."""

import pytest

from raw import CONTINUATION, TEXT, frame

KOSME = "κόσμε".encode()

VALID = {
    "empty": b"",
    "ascii and more": "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    "kosme": KOSME,
    "first of 1 byte": b"\x00",
    "first of 2 bytes": b"\xc2\x80",
    "first of 3 bytes": b"\xe0\xa0\x80",
    "first of 4 bytes": b"\xf0\x90\x80\x80",
    "last of 1 byte": b"\x7f",
    "last of 2 bytes": b"\xdf\xbf",
    "last of 3 bytes": b"\xef\xbf\xbf",
    "last of 4 bytes": b"\xf4\x8f\xbf\xbf",
    "before the surrogates": b"\xed\x9f\xbf",
    "behind the surrogates": b"\xee\x80\x80",
    "replacement": b"\xef\xbf\xbd",
    "non-character fffe": b"\xef\xbf\xbe",
    "non-characters of all planes": b"".join(
        chr(plane << 16 | last).encode()
        for plane in range(1, 17) for last in (0xFFFE, 0xFFFF)),
    "every code point of two bytes": "".join(
        map(chr, range(0x80, 0x800))).encode(),
}

INVALID = {
    "surrogate behind text": KOSME + b"\xed\xa0\x80" + b"edited",
    "beyond 10ffff behind text": KOSME + b"\xf4\x90\x80\x80" + b"edited",
    "cut after 1 of 2": b"\xce", "cut in the middle": KOSME[:-1],
    "cut after 1 of 3": b"\xe1", "cut after 2 of 3": b"\xe1\xbd",
    "cut after 1 of 4": b"\xf0", "cut after 3 of 4": b"\xf0\x90\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "last of 5 bytes": b"\xfb\xbf\xbf\xbf\xbf",
    "last of 6 bytes": b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "beyond 1fffff": b"\xf7\xbf\xbf\xbf",
    "beyond 10ffff": b"\xf4\x90\x80\x80",
    "lone continuation 80": b"\x80", "lone continuation bf": b"\xbf",
    "2 continuations": b"\x80\xbf", "3 continuations": b"\x80\xbf\x80",
    "4 continuations": b"\x80\xbf\x80\xbf",
    "5 continuations": b"\x80\xbf\x80\xbf\x80",
    "6 continuations": b"\x80\xbf\x80\xbf\x80\xbf",
    "all continuations": bytes(range(0x80, 0xC0)),
    "starts of 2 and spaces": b"".join(
        bytes([n]) + b" " for n in range(0xC0, 0xE0)),
    "starts of 3 and spaces": b"".join(
        bytes([n]) + b" " for n in range(0xE0, 0xF0)),
    "starts of 4 and spaces": b"".join(
        bytes([n]) + b" " for n in range(0xF0, 0xF8)),
    "starts of 5 and spaces": b"\xf8 \xf9 \xfa \xfb ",
    "starts of 6 and spaces": b"\xfc \xfd ",
    "2 without the last": b"\xc0", "3 without the last": b"\xe0\x80",
    "4 without the last": b"\xf0\x80\x80",
    "5 without the last": b"\xf8\x80\x80\x80",
    "6 without the last": b"\xfc\x80\x80\x80\x80",
    "df without the last": b"\xdf", "ef without the last": b"\xef\xbf",
    "f7 without the last": b"\xf7\xbf\xbf",
    "fb without the last": b"\xfb\xbf\xbf\xbf",
    "fd without the last": b"\xfd\xbf\xbf\xbf\xbf",
    "all of these": b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80",
    "fe": b"\xfe", "ff": b"\xff", "fe fe ff ff": b"\xfe\xfe\xff\xff",
    "overlong / in 2": b"\xc0\xaf", "overlong / in 3": b"\xe0\x80\xaf",
    "overlong / in 4": b"\xf0\x80\x80\xaf",
    "overlong / in 5": b"\xf8\x80\x80\x80\xaf",
    "overlong / in 6": b"\xfc\x80\x80\x80\x80\xaf",
    "largest overlong in 2": b"\xc1\xbf",
    "largest overlong in 3": b"\xe0\x9f\xbf",
    "largest overlong in 4": b"\xf0\x8f\xbf\xbf",
    "largest overlong in 5": b"\xf8\x87\xbf\xbf\xbf",
    "largest overlong in 6": b"\xfc\x83\xbf\xbf\xbf\xbf",
    "overlong NUL in 2": b"\xc0\x80", "overlong NUL in 3": b"\xe0\x80\x80",
    "overlong NUL in 4": b"\xf0\x80\x80\x80",
    "overlong NUL in 5": b"\xf8\x80\x80\x80\x80",
    "overlong NUL in 6": b"\xfc\x80\x80\x80\x80\x80",
    "d800": b"\xed\xa0\x80", "db7f": b"\xed\xad\xbf",
    "db80": b"\xed\xae\x80", "dbff": b"\xed\xaf\xbf",
    "dc00": b"\xed\xb0\x80", "df80": b"\xed\xbe\x80",
    "dfff": b"\xed\xbf\xbf",
    "d800 dc00": b"\xed\xa0\x80\xed\xb0\x80",
    "d800 dfff": b"\xed\xa0\x80\xed\xbf\xbf",
    "db7f dc00": b"\xed\xad\xbf\xed\xb0\x80",
    "db7f dfff": b"\xed\xad\xbf\xed\xbf\xbf",
    "db80 dc00": b"\xed\xae\x80\xed\xb0\x80",
    "db80 dfff": b"\xed\xae\x80\xed\xbf\xbf",
    "dbff dc00": b"\xed\xaf\xbf\xed\xb0\x80",
    "dbff dfff": b"\xed\xaf\xbf\xed\xbf\xbf",
}


def first_wrong(data):
    """Where the byte stands with which no text can begin so any more; None:
    it is only cut off."""
    import codecs
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(len(data)):
        try:
            decoder.decode(data[at:at + 1])
        except UnicodeDecodeError:
            return at
    return None


@pytest.mark.parametrize("name", VALID)
def test_good_text_comes_back_however_it_is_cut(echo, name):
    text = VALID[name]
    with echo.connect() as client:
        client.echoes(TEXT, text)
        client.echoes(TEXT, text, chop=1)
        client.send_in([text[at:at + 1] for at in range(len(text))] + [b""])
        assert client.read(TEXT) == text
        client.close()


@pytest.mark.parametrize("name", INVALID)
def test_bad_text_is_1007_however_it_is_cut(echo, name):
    text = INVALID[name]
    for pieces, chop in (([text], None), ([text], 1),
                         ([text[at:at + 1] for at in range(len(text))],
                          None)):
        with echo.connect() as client:
            client.send_in(pieces, chop=chop)
            client.assert_closed(1007)


@pytest.mark.parametrize("name", INVALID)
def test_the_first_wrong_byte_is_enough(echo, name):
    """Neither the rest of the frame nor that of the message is needed."""
    text = INVALID[name]
    wrong = first_wrong(text)
    if wrong is None:
        pytest.skip("more bytes could make it right")
    with echo.connect() as client:
        whole = frame(TEXT, text + b"*" * 100, fin=False)
        client.send_bytes(whole[:len(whole) - 100 - len(text) + wrong + 1])
        client.assert_closed(1007)
    with echo.connect() as client:
        client.send(TEXT, text[:wrong], fin=False)
        client.send(CONTINUATION, text[wrong:wrong + 1], fin=False)
        client.assert_closed(1007)
