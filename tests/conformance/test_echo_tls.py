# SPDX-License-Identifier: MIT
"""relay-echo-test takes relayd's flags of TLS and is the same listener then;
--tls runs all of the suite over it, these few say so in any run."""

import ssl
import subprocess
import urllib.request

import pytest

import secured
from echo import PROGRAM, Echo
from raw import BINARY, CLOSE, SLOW, TEXT, close_payload, dial
from secure import Certificate


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("echo_certificate"))


@pytest.fixture(scope="module")
def secure_echo(tmp_path_factory, own):
    running = Echo(tmp_path_factory.mktemp("secure_echo"), own,
                   "--deflate=true", "--limits-frame-bytes", str(4 << 20))
    yield running
    running.stop()


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def version(request, secure_echo):
    context = secured.contexts[secure_echo.address]
    wanted = getattr(ssl.TLSVersion, request.param)
    before = context.minimum_version, context.maximum_version
    context.minimum_version = context.maximum_version = wanted
    yield request.param.replace("_", ".")
    context.minimum_version, context.maximum_version = before


def test_messages_come_back_over_each_version(secure_echo, version):
    with secure_echo.connect("/any/path") as client:
        assert client.socket.version() == version
        for size in (0, 125, 126, 65535, 65536, 1 << 20):
            client.echoes(TEXT, "x" * size)
            client.echoes(BINARY, b"\x00\xff" * (size // 2))
        client.send_in(["ab", "", "\u20ac"])
        assert client.read(TEXT) == "ab\u20ac".encode()
        client.close()


def test_frames_are_judged_as_without_tls(secure_echo):
    for data, code in ((b"\x81\x01a", 1002), (b"\x83\x80" + bytes(4), 1002),
                       (b"\x81\x81" + bytes(4) + b"\xff", 1007),
                       (b"\x82\xff" + (5 << 20).to_bytes(8, "big") + bytes(4),
                        1009)):
        with secure_echo.connect() as client:
            client.send_bytes(data)
            client.assert_closed(code, answer=False)
    with secure_echo.connect() as client:
        client.send(CLOSE, close_payload(5000))
        client.assert_closed(1002, answer=False)


def test_compression_is_agreed_on(secure_echo):
    with secure_echo.connect(headers="Sec-WebSocket-Extensions: "
                             "permessage-deflate\r\n") as client:
        assert "permessage-deflate" in client.head
        client.send(TEXT, "y" * 1000)
        opcode, payload, fin, rsv = client.read_frame()
        assert (opcode, fin, rsv) == (TEXT, 1, 4) and len(payload) < 100


def test_what_is_no_tls_is_hung_up_on_and_the_admin_listener_is_plain(
        secure_echo):
    context = secured.contexts.pop(secure_echo.address)
    try:
        with dial(secure_echo.address) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                assert not peer.recv(4096).startswith(b"HTTP/")
            except ConnectionResetError:
                pass
    finally:
        secured.contexts[secure_echo.address] = context
    with urllib.request.urlopen(f"http://{secure_echo.admin}/health",
                                timeout=10 * SLOW) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("flags", [
    ("--tls-cert", "/none"), ("--tls-key", "/none"),
    ("--tls-cert", "/none", "--tls-key", "/none")])
def test_files_that_are_no_good_are_67(flags):
    done = subprocess.run(
        [PROGRAM, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
         *flags], capture_output=True, timeout=20 * SLOW)
    assert done.returncode == 67, done.stderr
    assert done.stderr.count(b"\n") == 1
