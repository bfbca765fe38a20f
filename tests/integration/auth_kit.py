# SPDX-License-Identifier: MIT
"""What the tests of tokens stand on: keys, tokens, a server of key sets that
misbehaves on demand, and a handshake of which every byte counts."""

import http.server
import json
import os
import pathlib
import socket
import struct
import sys
import threading
import time

from harness import CHAT, ROOT, SLOW

sys.path.insert(0, str(ROOT / "tests" / "data" / "tokens"))
import forge  # noqa: E402

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def token(alg="HS256", ttl=600, tenant="acme", user="ada", key=None, kid=None,
          **claims):
    """A token of now on, by our own hand; kid: where it is not the algorithm's
    name."""
    forge.begin(int(time.time()))
    header = {"alg": alg, "typ": "JWT"}
    if alg != "HS256" or kid:
        header["kid"] = kid or alg
    return forge.token(alg, header=header, key=key, claims=forge.changed(
        exp=time.time() + ttl, tid=tenant, oid=user, **claims))


class Keys:
    """The files that a relay reads its keys from."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.secret = self.folder / "secret"
        self.secret.write_bytes(forge.SECRET + b"\n")
        self.secret.chmod(0o600)
        self.jwks = self.folder / "jwks.json"
        self.jwks.write_text(json.dumps(forge.jwks()))

    def options(self, secret=True, jwks=True):
        options = ["--auth", "jwt", "--auth-issuer", "https://issuer.example",
                   "--auth-audience", "relay"]
        if secret:
            options += ["--auth-secret-file", self.secret]
        if jwks:
            options += ["--auth-jwks",
                        self.jwks if jwks is True else jwks]
        return options


# --- a handshake to the last byte ---

def read_frame(stream):
    """(opcode, payload) of one frame of the server, or None at the end."""
    head = stream.read(2)
    if len(head) < 2:
        return None
    length = head[1] & 127
    if length == 126:
        length, = struct.unpack(">H", stream.read(2))
    elif length == 127:
        length, = struct.unpack(">Q", stream.read(8))
    return head[0] & 15, stream.read(length)


def handshake(relay, path=CHAT, headers=(), protocols="relay.v1"):
    """A connected socket whose request is sent, and its stream."""
    host, port = relay.address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), 10 * SLOW)
    peer.settimeout(10 * SLOW)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = [f"GET {path} HTTP/1.1", "Host: a", "Upgrade: websocket",
             "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
             "Sec-WebSocket-Version: 13"]
    if protocols:
        lines.append(f"Sec-WebSocket-Protocol: {protocols}")
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return peer, peer.makefile("rb")


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        assert line, head
        head += line
    return head


def refusal(relay, **options):
    """All that a refused client gets: the head, then (opcode, payload) up to
    the close frame."""
    peer, stream = handshake(relay, **options)
    with peer:
        head = read_head(stream)
        frames = []
        while not frames or frames[-1][0] != 8:
            frame = read_frame(stream)
            assert frame, (head, frames)
            frames.append(frame)
        mask = b"\0\0\0\0"
        peer.sendall(b"\x88" + bytes([0x80 | len(frames[-1][1])]) + mask +
                     frames[-1][1])
        assert stream.read() == b""
        return head, frames


def meaning(refused):
    """(code of the error frame, code of the close frame)."""
    _, frames = refused
    assert [opcode for opcode, _ in frames] == [1, 8], frames
    assert len(frames[1][1]) == 2, "the reason is empty"
    return (json.loads(frames[0][1])["code"],
            struct.unpack(">H", frames[1][1])[0])


def is_let_in(relay, **options):
    """Whether the first frame is the hello; else what meaning() says."""
    peer, stream = handshake(relay, **options)
    with peer:
        read_head(stream)
        opcode, payload = read_frame(stream)
        frame = json.loads(payload)
        if frame["type"] == "relay.hello":
            return True
        return meaning((None, [(opcode, payload), read_frame(stream)]))


def request(relay, method, path, headers=(), admin=False, body=b""):
    """(status, head, body) of one plain request."""
    host, port = (relay.admin if admin else relay.address).rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10 * SLOW) as peer:
        peer.settimeout(10 * SLOW)
        lines = [f"{method} {path} HTTP/1.1", "Host: a",
                 f"Content-Length: {len(body)}"]
        lines += [f"{n}: {v}" for n, v in dict(headers).items()]
        peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        answer = b""
        while chunk := peer.recv(65536):
            answer += chunk
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), rest


def ticket(relay, token_text):
    status, _, body = request(
        relay, "POST", "/api/v1/auth/ws-ticket", bearer(token_text))
    assert status == 200, body
    return json.loads(body)


# --- a server of key sets ---

class KeyServer:
    """Serves `document`; `mood`: fine, slow, late, status, redirect."""

    def __init__(self, document, tls=None):
        self.document = document
        self.mood = "fine"
        self.asked = []  # times
        self.release = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(time.monotonic())
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}/jwks"
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, handler):
        if self.mood == "slow":
            self.release.wait(20 * SLOW)
            return
        if self.mood == "late":
            self.release.wait(1.5)
        document = self.document
        if not isinstance(document, bytes):
            document = json.dumps(document).encode()
        status = 503 if self.mood == "status" else \
            302 if self.mood == "redirect" else 200
        handler.send_response(status)
        if status == 302:
            handler.send_header("Location", self.url)
        handler.send_header("Content-Length", str(len(document)))
        handler.end_headers()
        try:
            handler.wfile.write(document)
        except OSError:
            pass

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def descriptors(relay):
    return len(os.listdir(f"/proc/{relay.pid}/fd"))
