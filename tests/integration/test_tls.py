# SPDX-License-Identifier: MIT
"""TLS on the public listener: what is spoken and what is refused, the gate and
the delivery over it, other certificates while it runs."""

import asyncio
import json
import re
import signal
import socket
import ssl
import subprocess
import time
import warnings

import pytest

from checker import assert_six_zeros
from harness import (CHAT, RELAYD, ROOT, SLOW, Publisher, Subscriber,
                     connect, receive_type, run, wait_for)
from heads import request
from secure import Certificate, SecureRelay, openssl


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start_secure(start_relay, tmp_path, redis_server, certificate):
    relays = []

    def start(*arguments, own=None, **options):
        relay = SecureRelay(tmp_path / f"secure{len(relays)}", redis_server,
                            own or certificate, *arguments, **options)
        relays.append(relay)
        return relay

    yield start
    for relay in relays:
        if relay.process.poll() is None:
            relay.assert_at_rest()
            assert relay.stop() == 0, relay.logged()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, certificate):
    from harness import RedisServer
    folder = tmp_path_factory.mktemp("tls")
    server = RedisServer(folder / "redis")
    relay = SecureRelay(folder / "relay", server, certificate)
    yield relay
    relay.assert_at_rest()
    assert relay.stop() == 0
    server.stop()


def only(certificate, version):
    context = certificate.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    return context


def talk(relay, data, context=None, seconds=8.0):
    """All that is answered until the relay says goodbye; None: it did not."""
    with relay.open(context) as peer:
        peer.settimeout(seconds * SLOW)
        answer = b""
        try:
            peer.sendall(data)
            while chunk := peer.recv(65536):
                answer += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        except socket.timeout:
            return None
        return answer


# --- what is spoken ---

@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_events_and_commands_go_over_each_version(
        start_secure, certificate, redis_server, store, version):
    relay = start_secure()
    relay.client_options["ssl"] = only(
        certificate, getattr(ssl.TLSVersion, version))
    publisher = Publisher(redis_server.client())

    async def scene():
        subscriber = await Subscriber(relay, "s").connect()
        tls = subscriber.socket.transport.get_extra_info("ssl_object")
        assert tls.version() == version.replace("_", ".")
        publisher.publish_many("s", range(300), pad=500)
        await subscriber.read_until(lambda log: len(log.got) == 300)
        chat = await connect(relay.ws(CHAT), **relay.client_options)
        await receive_type(chat, "relay.hello")
        await chat.send(json.dumps(
            {"type": "message", "content": "x" * 100000, "session_id": "s"}))
        await receive_type(chat, "relay.ack")
        await (await chat.ping())
        await chat.close()
        assert chat.close_code == 1000
        await subscriber.socket.close()
        return subscriber.log
    log = run(scene())
    assert_six_zeros(store, publisher, [log])
    assert store.xlen("relay:commands") == 1


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_older_versions_are_refused(shared, certificate, version):
    failed = shared.metric('relay_tls_handshakes_total{outcome="failed"}')
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        shared.open(only(certificate, getattr(ssl.TLSVersion, version)))
    wait_for(lambda: shared.metric(
        'relay_tls_handshakes_total{outcome="failed"}') > failed)


@pytest.mark.parametrize("offered,chosen", [
    ([], None), (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"),
    (["h2"], "refused"), (["spdy/3", "x"], "refused")])
def test_http_1_1_is_the_only_protocol(shared, certificate, offered, chosen):
    context = certificate.trusting()
    if offered:
        context.set_alpn_protocols(offered)
    if chosen == "refused":
        with pytest.raises(ssl.SSLError, match="no application protocol|ALERT"):
            shared.open(context)
        return
    with shared.open(context) as peer:
        assert peer.selected_alpn_protocol() == chosen


def test_weak_ciphers_renegotiation_and_compression_are_off(
        shared, certificate):
    context = only(certificate, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shared.open(context)
    context = only(certificate, ssl.TLSVersion.TLSv1_2)
    context.options &= ~ssl.OP_NO_COMPRESSION
    with shared.open(context) as peer:
        assert peer.compression() is None
        assert re.match("ECDHE-.*(GCM|CHACHA20)", peer.cipher()[0])
    done = subprocess.run(
        ["openssl", "s_client", "-connect", shared.address, "-tls1_2"],
        input=b"R\n", capture_output=True, timeout=20 * SLOW)
    assert b"no renegotiation" in done.stderr.lower() + done.stdout.lower()


def test_a_session_is_resumed_without_early_data(shared, certificate):
    context = certificate.trusting()
    with shared.open(context) as peer:
        peer.sendall(request("GET /health HTTP/1.1", "Host: a\r\n"))
        assert b" 200 " in peer.recv(4096)
        session = peer.session
    assert session.has_ticket
    host, port = shared.address.rsplit(":", 1)
    with context.wrap_socket(
            socket.create_connection((host, int(port)), 5),
            server_hostname="localhost", session=session) as peer:
        assert peer.session_reused
    text = subprocess.run(
        ["openssl", "s_client", "-connect", shared.address], input=b"Q\n",
        capture_output=True, timeout=20 * SLOW).stdout
    assert b"Early data was not sent" in text
    assert b"Max Early Data: " not in text or b"Max Early Data: 0" in text


def test_http_routes_answer_over_tls_and_the_admin_listener_is_plain(shared):
    assert shared.get_secure("/health")[0] == 200
    assert shared.get_secure("/ready")[0] == 200
    assert shared.get_secure("/metrics")[0] == 404
    assert shared.get("/metrics")[0] == 200


def test_a_goodbye_ends_every_answer(shared):
    # Without a close_notify recv() would raise instead of returning b"".
    answer = talk(shared, request("GET /health HTTP/1.1", "Host: a\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 ")

    async def scene():
        ws = await connect(shared.ws(CHAT), **shared.client_options)
        await receive_type(ws, "relay.hello")
        await ws.close()
    run(scene())


@pytest.mark.parametrize("text", [
    b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n", b"\0" * 40,
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", request()])
def test_what_is_no_tls_is_hung_up_on(shared, text):
    host, port = shared.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as peer:
        peer.settimeout(5 * SLOW)
        peer.sendall(text)
        answer = b""
        while chunk := peer.recv(4096):  # a reset would raise
            answer += chunk
        assert b"HTTP" not in answer


# --- the gate over it ---

def test_a_head_in_many_records_and_frames_right_behind_it(shared):
    text = b"\x81\x85\0\0\0\0" + b"nojso"
    with shared.open() as peer:
        peer.settimeout(5 * SLOW)
        for byte in request():
            peer.send(bytes([byte]))
        assert peer.recv(4096).startswith(b"HTTP/1.1 101 ")
    with shared.open() as peer:
        peer.settimeout(5 * SLOW)
        peer.sendall(request() + text * 3)  # one record
        answer = b""
        while answer.count(b"invalid_json") < 3:
            answer += peer.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ")


def test_bytes_behind_the_handshake_are_frames_or_1002(shared):
    answer = talk(shared, request() + request())
    assert re.search(rb"\r\n\r\n\x88.\x03\xea", answer, re.S), answer


def test_half_open_handshakes_end_in_time(start_secure):
    relay = start_secure("--limits-handshake-ms", "1500")
    host, port = relay.address.rsplit(":", 1)
    hello = client_hello()
    says = [b"", hello[:3], hello[:-1], hello]
    peers = []
    started = time.monotonic()
    for text in says * 100:
        peer = socket.create_connection((host, int(port)), 5)
        peer.sendall(text)
        peers.append(peer)
    with relay.open() as peer:
        peer.sendall(request("GET /health HTTP/1.1", "Host: a\r\n"))
        assert b" 200 " in peer.recv(4096)
        assert time.monotonic() - started < 1.5 * SLOW
    with relay.open() as peer:  # shaken hands, and then nothing
        for other in [*peers, peer]:
            other.settimeout(3 * SLOW)
            try:
                while other.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            other.close()
    assert relay.metric('relay_connections_total{outcome="timeout"}') >= 401
    relay.assert_at_rest()


def client_hello():
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_small_frames_in_many_records_are_no_flood(
        start_secure, certificate):
    # Each record costs 22 bytes and more besides the frame.
    relay = start_secure("--limits-frames-per-second", "0",
                         "--limits-ping-ms", "2000")

    async def scene():
        ws = await connect(relay.ws(CHAT), **relay.client_options)
        await receive_type(ws, "relay.hello")
        for _ in range(10):
            for _ in range(1000):
                await ws.send("x")
            for _ in range(1000):
                await receive_error(ws)
        # It is judged with every second ping.
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ws.recv(), 5)
        await ws.close()
        assert ws.close_code == 1000
    run(scene())


async def receive_error(ws):
    text = await asyncio.wait_for(ws.recv(), 20 * SLOW)
    assert '"invalid_json"' in text, text


def test_a_paused_client_with_bytes_in_tls_costs_nothing(
        start_secure, redis_server, certificate):
    """Eight unanswered frames: not read, though more is decrypted already."""
    relay = start_secure("--limits-frames-per-second", "0",
                         "--commands-timeout-ms", "60000",
                         "--limits-pong-ms", "60000")

    async def scene():
        ws = await connect(relay.ws(CHAT), **relay.client_options)
        await receive_type(ws, "relay.hello")
        redis_server.freeze()
        for number in range(100):
            await ws.send(json.dumps({
                "type": "message", "content": f"{number}",
                "session_id": "s"}))
        await asyncio.sleep(0.2)
        relay.assert_at_rest()
        redis_server.thaw()
        acks = 0
        while acks < 100:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 30 * SLOW))
            acks += frame["type"] in ("relay.ack", "error")
        await ws.close()
    run(scene())


# --- delivery ---

async def slow_reader(relay, session):
    """Has little room and does not read yet."""
    host, port = relay.address.rsplit(":", 1)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    raw.connect((host, int(port)))
    subscriber = Subscriber(relay, session)
    subscriber.socket = await connect(
        subscriber.url(), sock=raw, server_hostname="localhost", max_queue=4,
        **relay.client_options)
    return subscriber


def test_a_crowd_with_slow_readers_gets_everything(
        start_secure, redis_server, store, certificate):
    relay = start_secure("--limits-client-bytes", "65536", workers=2)
    publisher = Publisher(redis_server.client())
    total = 3000

    async def scene():
        crowd = [await Subscriber(relay, f"s{n % 4}").connect()
                 for n in range(40)]
        slow = [await slow_reader(relay, f"s{n}") for n in range(4)]
        publish = asyncio.get_running_loop().run_in_executor(None, publish_all)
        await asyncio.gather(*(
            s.read_until(lambda log: len(log.got) == total)
            for s in crowd))
        await publish
        assert relay.metric("relay_behind_total") >= 4
        await asyncio.gather(*(
            s.read_until(lambda log: len(log.got) == total) for s in slow))
        for s in crowd + slow:
            await s.socket.close()
        return [s.log for s in crowd + slow]

    def publish_all():
        for start in range(0, total, 100):
            for session in range(4):
                publisher.publish_many(
                    f"s{session}", range(start, start + 100), pad=1000)
    logs = run(scene())
    assert_six_zeros(store, publisher, logs)
    # The same runs as without TLS: many events in a write.
    assert relay.metric("relay_frames_total") > \
        4 * relay.metric("relay_writes_total")


# --- certificates ---

def refused(*arguments):
    done = subprocess.run(
        [RELAYD, "--check-config", *map(str, arguments)], cwd=ROOT,
        capture_output=True, timeout=20 * SLOW)
    text = done.stderr.decode()
    assert text.count("\n") == 1, text
    assert "PRIVATE" not in text
    return done.returncode, text


def test_files_that_are_no_good_are_67_with_file_and_reason(
        tmp_path, certificate):
    other = Certificate(tmp_path, "other")
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    locked = tmp_path / "locked.pem"
    openssl("pkey", "-in", other.key, "-aes128", "-passout", "pass:secret",
            "-out", locked)
    weak = tmp_path / "weak.pem"
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout",
            tmp_path / "weak.key", "-out", weak, "-subj", "/CN=weak")
    absent = tmp_path / "absent.pem"
    rows = [
        (absent, other.key, absent, "No such file"),
        (other.cert, absent, absent, "No such file"),
        (junk, other.key, junk, "no certificate chain"),
        (other.cert, junk, junk, "no private key"),
        (other.cert, certificate.key, certificate.key, "does not belong"),
        (other.cert, locked, locked, "is encrypted"),
        (weak, tmp_path / "weak.key", weak, "too small"),
    ]
    for cert, key, place, words in rows:
        code, text = refused("--tls-cert", cert, "--tls-key", key)
        assert code == 67 and str(place) in text and words in text, text
        assert "secret" not in text
    for flag in ("--tls-cert", "--tls-key"):
        code, text = refused(flag, other.cert)
        assert code == 67 and "must name a PEM file" in text


def warnings_of(relay):
    return [json.loads(l)["problem"] for l in relay.logged().splitlines()
            if '"action":"certificate"' in l]


def test_an_expired_certificate_is_a_warning(start_secure, tmp_path):
    old = Certificate(tmp_path / "old", "old", days=(-20, -10))
    relay = start_secure(own=old)
    wait_for(lambda: warnings_of(relay))
    assert "has expired" in warnings_of(relay)[0]
    early = Certificate(tmp_path / "early", "early", days=(10, 20))
    relay = start_secure(own=early)
    wait_for(lambda: warnings_of(relay))
    assert "not valid yet" in warnings_of(relay)[0]


def test_a_chain_in_disorder_is_a_warning(start_secure, tmp_path, certificate):
    own = Certificate(tmp_path / "mixed", "mixed")
    own.cert.write_text(own.cert.read_text() + certificate.cert.read_text())
    relay = start_secure(own=own)
    wait_for(lambda: warnings_of(relay))
    assert "did not issue" in warnings_of(relay)[0]


def name_shown(relay, context):
    with relay.open(context) as peer:
        return dict(pair[0] for pair in peer.getpeercert()["subject"])[
            "commonName"]


def hangup(relay, action):
    def lines():
        return [json.loads(l) for l in relay.logged().splitlines()
                if f'"action":"{action}"' in l]
    before = len(lines())
    relay.process.send_signal(signal.SIGHUP)
    return wait_for(lambda: lines()[before:], 10, action)[0]


def replace(target, source):
    target.cert.write_bytes(source.cert.read_bytes())
    target.key.write_bytes(source.key.read_bytes())


def test_a_reload_under_load_changes_the_certificate_and_drops_nobody(
        start_secure, redis_server, store, tmp_path):
    first, second = (Certificate(tmp_path / n, n) for n in ("first", "second"))
    used = Certificate(tmp_path / "used", "used")
    replace(used, first)
    context = first.trusting(second)
    relay = start_secure(own=used, workers=2)
    relay.client_options["ssl"] = context
    publisher = Publisher(redis_server.client())

    async def scene():
        crowd = [await Subscriber(relay, "s").connect() for _ in range(20)]
        # Silent and half-way connections live through it too.
        silent = [socket.create_connection(
            tuple(relay.address.rsplit(":", 1)), 5) for _ in range(4)]
        half = relay.open(context)
        half.sendall(request()[:30])
        stop = asyncio.Event()
        publish = asyncio.create_task(keep_publishing(stop))
        loop = asyncio.get_running_loop()
        for number in range(6):
            replace(used, (second, first)[number % 2])
            await loop.run_in_executor(None, hangup, relay, "reloaded")
            shown = await loop.run_in_executor(None, name_shown, relay, context)
            assert shown == ("second", "first")[number % 2]
        stop.set()
        total = await publish
        for peer in silent:
            with context.wrap_socket(peer, server_hostname="localhost") as tls:
                tls.sendall(request("GET /health HTTP/1.1", "Host: a\r\n"))
                assert b" 200 " in tls.recv(4096)
        half.sendall(request()[30:])
        assert half.recv(4096).startswith(b"HTTP/1.1 101 ")
        half.close()
        for s in crowd:
            await s.read_until(lambda log: len(log.got) == total)
            assert s.connects == 1
            await s.socket.close()
        return [s.log for s in crowd]

    async def keep_publishing(stop):
        total = 0
        while not stop.is_set():
            publisher.publish_many("s", range(total, total + 20), pad=200)
            total += 20
            await asyncio.sleep(0.01)
        return total
    assert_six_zeros(store, publisher, run(scene()))


def test_a_bad_reload_keeps_the_old_certificate(
        start_secure, tmp_path, certificate):
    used = Certificate(tmp_path / "kept", "kept")
    relay = start_secure(own=used)
    context = used.trusting()
    good = used.key.read_bytes()
    for words, key in (("does not belong", certificate.key.read_bytes()),
                       ("no private key", b"nonsense")):
        used.key.write_bytes(key)
        line = hangup(relay, "reload_refused")
        assert line["where"] == str(used.key) and words in line["error"]
        assert name_shown(relay, context) == "kept"
    used.key.write_bytes(good)
    hangup(relay, "reloaded")


def test_tls_cannot_be_switched_on_by_a_reload(
        start_relay, redis_server, tmp_path):
    certificate = Certificate(tmp_path)
    file = tmp_path / "relay.json"
    file.write_text("{}")
    relay = start_relay(redis_server, "--config", file)
    file.write_text(json.dumps({"tls": {
        "cert": str(certificate.cert), "key": str(certificate.key)}}))
    line = hangup(relay, "reload_refused")
    assert line["where"] == "tls.cert" and "restart" in line["error"]
