# SPDX-License-Identifier: MIT
"""Where the keys come from: files and URLs, rotated, withdrawn, down, slow,
garbage (F28). Handshakes never wait for any of it."""

import asyncio
import ctypes
import datetime
import ipaddress
import json
import os
import signal
import ssl
import subprocess
import time

import pytest

from auth_kit import (KeyServer, bearer, descriptors, forge, is_let_in,
                      meaning, refusal, request, ticket, token)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import (CHAT, RELAYD, SLOW, closed_with, connect, is_sanitized,
                     receive_json, receive_type, run, until, wait_for)
from test_start import refused, start

REFUSED = ("auth_failed", 1008)
UNAVAILABLE = ("auth_unavailable", 1011)


@pytest.fixture
def server():
    servers = []

    def make(document, **options):
        servers.append(KeyServer(document, **options))
        return servers[-1]

    yield make
    for made in servers:
        made.stop()


def jwks(*names, extra=()):
    every = {key["kid"]: key for key in forge.jwks()["keys"]}
    return {"keys": [every[name] for name in names] + list(extra)}


def lets_in(relay, alg="ES256", **options):
    return is_let_in(relay, headers=bearer(token(alg, **options)))


def events(relay, action):
    return [json.loads(line) for line in relay.logged().splitlines()
            if f'"action":"{action}"' in line]


def auth_state(relay):
    status, _, body = relay.get("/ready")
    return status, json.loads(body)["components"]["auth"]


# --- starting ---

def test_configurations_that_cannot_be(tmp_path, keys):
    def no(code, *arguments, names=()):
        refused(tmp_path, code, "--auth", "jwt", *arguments, names=names)

    secret = ("--auth-secret-file", keys.secret)
    no(64, names=["auth", "auth.secret_file", "auth.jwks"])
    no(64, *secret, "--auth-algorithms", "HS512", names=["HS256"])
    no(64, *secret, "--auth-algorithms", "none", names=["none"])
    no(64, *secret, "--auth-algorithms", "HS256,RS256", names=["auth.jwks"])
    no(64, *secret, "--auth-jwks", keys.jwks, "--auth-algorithms", "ES256",
       names=["auth.secret_file"])
    no(64, "--auth-jwks", keys.jwks, "--auth-algorithms", "HS256",
       names=["auth.secret_file"])
    no(64, *secret, "--auth-tenant-claim", "", names=["auth.tenant_claim"])
    no(67, "--auth-secret-file", tmp_path / "none", names=["none"])
    no(67, "--auth-secret-file", tmp_path, names=["not a file"])
    short = tmp_path / "short"
    short.write_text("s" * 31 + "\n")
    no(67, "--auth-secret-file", short, names=["32 bytes", "openssl rand"])
    short.write_text("s" * 32 + "\n")
    assert start("--auth", "jwt", "--auth-secret-file", short,
                 "--check-config")[0] == 0
    short.write_text("")
    no(67, "--auth-secret-file", short, names=["empty"])
    short.write_text("s" * 5000)
    no(67, "--auth-secret-file", short, names=["4096"])
    for text in ("", "{}", "<html>", '{"keys":[]}',
                 json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})):
        short.write_text(text)
        no(67, "--auth-jwks", short, names=[str(short)])


def test_a_file_that_may_not_be_read(keys):
    keys.secret.chmod(0o000)

    def without_override():  # root too may then not read it
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability)  # PR_CAPBSET_DROP

    done = subprocess.run(
        [str(RELAYD), "--auth", "jwt", "--auth-secret-file", str(keys.secret),
         "--check-config"], capture_output=True, timeout=60,
        preexec_fn=without_override)
    assert done.returncode == 69, done
    assert str(keys.secret) in done.stderr.decode()


def test_an_open_secret_is_warned_of(start_relay, redis_server, keys):
    keys.secret.chmod(0o644)
    relay = start_relay(redis_server, *keys.options(jwks=False))
    line, = events(relay, "secret_file_is_open")
    assert line["path"] == str(keys.secret) and "chmod" in line["fix"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_end_is_not_part_of_a_secret(start_relay, redis_server, keys,
                                            end):
    keys.secret.write_bytes(forge.SECRET + end)
    relay = start_relay(redis_server, *keys.options(jwks=False))
    assert lets_in(relay, "HS256") is True


def test_bytes_are_taken_as_they_are(start_relay, redis_server, keys):
    secret = bytes(range(200, 240)) + b"\n"
    keys.secret.write_bytes(secret)
    relay = start_relay(redis_server, *keys.options(jwks=False))
    assert lets_in(relay, "HS256", key=secret) is True
    assert lets_in(relay, "HS256", key=secret[:-1]) == REFUSED


def test_only_listed_algorithms(start_relay, redis_server, keys):
    relay = start_relay(redis_server, *keys.options(secret=False),
                        "--auth-algorithms", "ES256,EdDSA")
    assert lets_in(relay, "ES256") is True and lets_in(relay, "EdDSA") is True
    for alg in ("RS256", "PS256", "HS256"):
        assert lets_in(relay, alg) == REFUSED


# --- reloading files ---

def hangup(relay, action="reloaded"):
    before = len(events(relay, action))
    relay.process.send_signal(signal.SIGHUP)
    return wait_for(lambda: events(relay, action)[before:], 10, action)


def test_a_withdrawn_key_ends_its_connections(start_relay, redis_server, keys):
    keys.jwks.write_text(json.dumps(jwks("ES256", "EdDSA")))
    relay = start_relay(redis_server, *keys.options(), workers=2)

    async def scene():
        mine = [await connect(relay.ws(CHAT), headers=bearer(
            token("ES256"))) for _ in range(4)]
        others = [await connect(relay.ws(CHAT), headers=bearer(
            token(alg))) for alg in ("EdDSA", "HS256", "EdDSA", "HS256")]
        made = ticket(relay, token("ES256"))["ticket"]
        for socket_ in mine + others:
            await receive_type(socket_, "relay.hello")
        keys.jwks.write_text(json.dumps(jwks("EdDSA", "RS256")))
        await asyncio.to_thread(hangup, relay)
        for socket_ in mine:
            while (frame := await receive_json(socket_))["type"] != "error":
                pass
            assert frame["code"] == "auth_expired"
            assert await closed_with(socket_) == (4401, "")
        for socket_ in others:
            await (await socket_.ping())
            await socket_.close()
        assert lets_in(relay, "ES256") == REFUSED
        assert lets_in(relay, "RS256") is True
        assert is_let_in(relay, path=f"{CHAT}?ticket={made}") == REFUSED

    run(scene())


def test_a_bad_file_leaves_the_keys_as_they_were(start_relay, redis_server,
                                                 keys):
    relay = start_relay(redis_server, *keys.options())
    keys.jwks.write_text('{"keys":[{"kty"')
    line, = hangup(relay, "reload_refused")
    assert line["where"] == str(keys.jwks) and "JSON" in line["error"]
    assert lets_in(relay, "ES256") is True
    keys.secret.write_text("short")
    hangup(relay, "reload_refused")
    assert lets_in(relay, "HS256") is True


def test_a_file_is_looked_at_again_by_itself(start_relay, redis_server, keys):
    keys.jwks.write_text(json.dumps(jwks("ES256")))
    relay = start_relay(redis_server, *keys.options(),
                        "--auth-refetch-seconds=1")
    assert lets_in(relay, "EdDSA") == REFUSED  # which asks for a look
    keys.jwks.write_text(json.dumps(jwks("EdDSA")))
    wait_for(lambda: lets_in(relay, "EdDSA") is True, 10)
    assert lets_in(relay, "ES256") == REFUSED


def test_a_file_in_a_folder_of_its_own_is_read_again(
        start_relay, redis_server, keys, tmp_path_factory):
    """The sandbox lets in what a reload needs, wherever it lies."""
    path = tmp_path_factory.mktemp("apart") / "jwks.json"
    path.write_text(json.dumps(jwks("ES256")))
    relay = start_relay(redis_server, *keys.options(secret=False, jwks=path))
    assert lets_in(relay, "ES256") is True
    path.write_text(json.dumps(jwks("EdDSA")))
    hangup(relay, "reloaded")
    wait_for(lambda: lets_in(relay, "EdDSA") is True, 10)


# --- URLs ---

def url_relay(start_relay, redis_server, keys, url, *more, **options):
    return start_relay(
        redis_server, *keys.options(secret=False, jwks=url),
        "--auth-refresh-seconds=1", "--auth-refetch-seconds=1", *more,
        **options)


def test_keys_are_there_when_the_relay_says_it_started(
        start_relay, redis_server, keys, server):
    source = server(jwks("ES256"))
    relay = url_relay(start_relay, redis_server, keys, source.url)
    assert lets_in(relay, "ES256") is True
    assert auth_state(relay) == (200, "ready")


def test_a_file_that_fails_beside_a_url_is_told(
        start_relay, redis_server, keys, server):
    relay = start_relay(
        redis_server, *keys.options(jwks=server(jwks("ES256")).url),
        "--auth-refresh-seconds=1", "--auth-refetch-seconds=1")
    assert auth_state(relay) == (200, "ready")
    secret = keys.secret.read_text()
    keys.secret.write_text("short")
    wait_for(lambda: auth_state(relay) == (200, "degraded"), 10, "degraded")
    assert lets_in(relay, "HS256") is True and lets_in(relay) is True
    keys.secret.write_text(secret)
    wait_for(lambda: auth_state(relay) == (200, "ready"), 10, "ready")


def test_rotation(start_relay, redis_server, keys, server):
    source = server(jwks("ES256"))
    relay = url_relay(start_relay, redis_server, keys, source.url, workers=2)

    async def scene():
        old = await connect(relay.ws(CHAT), headers=bearer(
            token("ES256")))
        await receive_type(old, "relay.hello")
        source.document = jwks("ES256", "EdDSA")
        await until(lambda: lets_in(relay, "EdDSA") is True, 10)
        assert lets_in(relay, "ES256") is True
        await (await old.ping())
        source.document = jwks("EdDSA")
        assert (await closed_with(old, 10))[0] == 4401
        assert lets_in(relay, "ES256") == REFUSED
        assert lets_in(relay, "EdDSA") is True

    run(scene())


def test_a_new_key_is_found_when_a_token_names_it_but_not_too_often(
        start_relay, redis_server, keys, server):
    source = server(jwks("ES256"))
    relay = start_relay(
        redis_server, *keys.options(secret=False, jwks=source.url),
        "--auth-refetch-seconds=2", workers=2)
    assert len(source.asked) == 1
    source.document = jwks("ES256", "EdDSA")
    began = time.monotonic()
    tries = 0

    def is_known():
        nonlocal tries
        tries += 1
        is_let_in(relay, headers=bearer(forge.token(
            "RS256", header={"alg": "RS256", "kid": f"flood-{tries}"})))
        return lets_in(relay, "EdDSA") is True

    wait_for(is_known, 10)
    took = time.monotonic() - began
    print(f"known after {took:.1f} s, {tries} floods, "
          f"{len(source.asked)} fetches")
    # One more later: the flood goes on, the fetches keep their distance.
    over = time.monotonic() + 5
    wait_for(lambda: is_known() and time.monotonic() > over, 10)
    count = len(source.asked)
    span = source.asked[-1] - source.asked[0]
    assert count <= 5 and span > 2 * (count - 1) - 1, source.asked


def test_a_new_key_is_found_when_a_ticket_of_another_node_names_it(
        start_relay, redis_server, keys, server):
    source = server(jwks("ES256"))
    options = [*keys.options(secret=False, jwks=source.url),
               "--auth-refetch-seconds=1"]
    maker, taker = (start_relay(redis_server, *options) for _ in range(2))
    source.document = jwks("ES256", "EdDSA")
    wait_for(lambda: lets_in(maker, "EdDSA") is True, 10)

    def lets_ticket_in():
        made = ticket(maker, token("EdDSA"))["ticket"]
        return is_let_in(taker, path=f"{CHAT}?ticket={made}")

    assert lets_ticket_in() == REFUSED
    wait_for(lambda: lets_ticket_in() is True, 10, "the key")


def test_down_at_the_start_and_back(start_relay, redis_server, keys, server):
    source = server(b"")
    source.mood = "status"
    relay = start_relay(redis_server, *keys.options(jwks=source.url),
                        "--auth-refetch-seconds=1", ready=503)
    assert lets_in(relay, "HS256") is True
    assert lets_in(relay, "ES256") == UNAVAILABLE
    assert request(relay, "POST", "/api/v1/auth/ws-ticket",
                   bearer(token("ES256")))[0] == 503
    assert meaning(refusal(relay)) == REFUSED
    assert auth_state(relay) == (503, "failed")
    source.document, source.mood = jwks("ES256"), "fine"
    wait_for(lambda: lets_in(relay, "ES256") is True, 10)
    wait_for(lambda: auth_state(relay) == (200, "ready"))
    assert "status" in events(relay, "keys_not_read")[0]["reason"]


MOODS = {
    "down": lambda s: s.stop(),
    "slow": lambda s: setattr(s, "mood", "slow"),
    "status": lambda s: setattr(s, "mood", "status"),
    "redirect": lambda s: setattr(s, "mood", "redirect"),
    "garbage": lambda s: setattr(s, "document", os.urandom(3000)),
    "empty": lambda s: setattr(s, "document", b""),
    "no keys": lambda s: setattr(s, "document", {"keys": []}),
    "deep": lambda s: setattr(s, "document", b"[" * 60000),
    "10 MB": lambda s: setattr(s, "document", b'{"keys":[' + b" " * 10 ** 7),
    "64 KiB and one": lambda s: setattr(
        s, "document", json.dumps(jwks("ES256")).encode().ljust(65537)),
}


@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS)
def test_a_source_that_fails_leaves_the_keys_for_their_time(
        start_relay, redis_server, keys, server, mood):
    source = server(jwks("ES256"))
    relay = url_relay(start_relay, redis_server, keys, source.url,
                      "--auth-stale-seconds=7")
    before = descriptors(relay)
    rss = relay.rss_bytes()
    assert lets_in(relay, "ES256") is True

    async def scene():
        old = await connect(relay.ws(CHAT), headers=bearer(
            token("ES256")))
        await receive_type(old, "relay.hello")
        began = time.monotonic()
        MOODS[mood](source)
        await until(lambda: events(relay, "keys_not_read"), 10)
        assert events(relay, "keys_not_read")[0]["kept"] == "the keys before"
        assert auth_state(relay) == (200, "degraded")
        slowest = 0
        while lets_in(relay, "ES256") is True:
            at = time.monotonic()
            lets_in(relay, "RS256")
            slowest = max(slowest, time.monotonic() - at)
            assert at - began < 20 * SLOW
            await asyncio.sleep(0.02)
        kept = time.monotonic() - began
        print(f"{mood}: kept {kept:.1f} s, slowest handshake meanwhile "
              f"{slowest * 1000:.0f} ms")
        assert 5 < kept < 8.5 + SLOW
        assert slowest < 0.5 * SLOW
        assert lets_in(relay, "ES256") == UNAVAILABLE
        assert auth_state(relay) == (503, "failed")
        # Nobody knows that the key is no good: who is in stays.
        await (await old.ping())
        await old.close()

    run(scene())
    if not is_sanitized():  # which keeps what was freed, and tells of leaks
        assert relay.rss_bytes() < rss + 4 * 2 ** 20
    wait_for(lambda: descriptors(relay) <= before + 4, 10, "descriptors")
    assert not [line for line in relay.logged().splitlines()
                if not json.loads(line)]
    assert relay.stop() == 0


def test_a_source_that_hangs_is_left_after_two_seconds(
        start_relay, redis_server, keys, server):
    source = server(jwks("ES256"))
    relay = url_relay(start_relay, redis_server, keys, source.url)
    source.mood = "slow"
    line = wait_for(lambda: events(relay, "keys_not_read"), 10)[0]
    assert "2 s" in line["reason"]
    source.mood = "fine"
    source.release.set()
    source.document = jwks("EdDSA")
    wait_for(lambda: lets_in(relay, "EdDSA") is True, 10)


def test_a_url_that_was_replaced_is_not_believed_any_more(
        start_relay, redis_server, server, tmp_path):
    """Not even what was on its way from there when the reload came."""
    old, gone = server(jwks("ES256")), server(jwks("EdDSA"))
    gone.mood = "status"
    file = tmp_path / "relay.json"

    def configure(url):
        fresh = tmp_path / "fresh.json"
        fresh.write_text(json.dumps({"auth": {
            "mode": "jwt", "jwks": url, "refresh_seconds": 1,
            "refetch_seconds": 1}}))
        fresh.rename(file)

    configure(old.url)
    relay = start_relay(redis_server, "--config", file)
    assert lets_in(relay, "ES256") is True
    count = len(old.asked)
    old.mood = "late"
    wait_for(lambda: len(old.asked) > count, 10)
    configure(gone.url)
    hangup(relay)
    old.release.set()
    assert lets_in(relay, "ES256") == UNAVAILABLE
    wait_for(lambda: len(gone.asked) > 1, 10)
    assert lets_in(relay, "ES256") == UNAVAILABLE
    gone.mood = "fine"
    wait_for(lambda: lets_in(relay, "EdDSA") is True, 10)
    assert lets_in(relay, "ES256") == REFUSED
    configure(str(tmp_path / "none.json"))
    hangup(relay, "reload_refused")
    assert lets_in(relay, "EdDSA") is True


def test_a_url_in_place_of_a_file_needs_a_restart(
        start_relay, redis_server, server, tmp_path, keys):
    file = tmp_path / "relay.json"
    auth = {"mode": "jwt", "jwks": str(keys.jwks)}
    file.write_text(json.dumps({"auth": auth}))
    relay = start_relay(redis_server, "--config", file)
    auth["jwks"] = server(jwks("EdDSA")).url
    file.write_text(json.dumps({"auth": auth}))
    line, = hangup(relay, "reload_refused")
    assert line["where"] == "auth.jwks" and "restart" in line["error"]
    assert lets_in(relay, "ES256") is True


# --- https ---

def certificate(folder):
    """A certificate of 127.0.0.1 that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(1))
            .not_valid_after(now + datetime.timedelta(1))
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(key, hashes.SHA256()))
    (folder / "cert.pem").write_bytes(
        made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_https_only_from_who_is_trusted(start_relay, redis_server, keys,
                                        server, tmp_path):
    cert, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    source = server(jwks("ES256"), tls=tls)
    trusting = start_relay(
        redis_server, *keys.options(secret=False, jwks=source.url),
        environment={"SSL_CERT_FILE": str(cert)})
    assert lets_in(trusting, "ES256") is True
    wary = start_relay(
        redis_server, *keys.options(secret=False, jwks=source.url), ready=503)
    assert lets_in(wary, "ES256") == UNAVAILABLE
    # Who comes meanwhile is refused before the handshake has failed.
    failed = wait_for(lambda: events(wary, "keys_not_read"), 10, "the failure")
    assert "TLS" in failed[0]["reason"]
