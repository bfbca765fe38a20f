# SPDX-License-Identifier: MIT
"""relayctl token makes what the relay takes, and relayctl's own clients show
it; two libraries read it."""

import json
import os
import subprocess
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

from auth_kit import bearer, forge, is_let_in
from harness import RELAYCTL, ROOT, dumps, events_key, step

KINDS = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def relayctl(*arguments, code=0, **environment):
    done = subprocess.run(
        [str(RELAYCTL), *map(str, arguments)], capture_output=True, text=True,
        cwd=str(ROOT), env={**os.environ, **environment})
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout.strip() if code == 0 else done.stdout + done.stderr


def pem(folder, alg):
    path = folder / f"{alg}.pem"
    key = KINDS[alg]()
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return path, key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo)


ISSUED = ("--issuer", "https://issuer.example", "--audience", "relay")


@pytest.mark.parametrize("alg", KINDS)
def test_a_private_key(start_relay, redis_server, tmp_path, keys, alg):
    path, public = pem(tmp_path, alg)
    options = ["--key", path, "--alg", alg, "--kid", "k1", *ISSUED]
    keys.jwks.write_text(relayctl("token", *options, "--jwks"))
    made = relayctl("token", *options, "--tenant", "acme", "--user", "é\"x")
    relay = start_relay(redis_server, *keys.options(secret=False))
    assert is_let_in(relay, headers=bearer(made)) is True
    claims = jwt.decode(made, public, [alg], audience="relay")
    assert (claims["tid"], claims["sub"]) == ("acme", "é\"x")
    assert claims["exp"] - claims["iat"] == 3600
    other = jwcrypto_jwt.JWT(jwt=made, key=jwcrypto_jwk.JWK.from_pem(public),
                             algs=[alg])
    assert json.loads(other.claims) == claims


def test_a_secret(start_relay, redis_server, keys):
    answer = json.loads(relayctl(
        "--json", "token", "--secret-file", keys.secret, "--ttl", "60",
        *ISSUED))
    made = answer["result"]["token"]
    assert abs(answer["result"]["expires_at"] / 1000 - time.time() - 60) < 10
    claims = jwt.decode(made, forge.SECRET, ["HS256"], audience="relay")
    assert (claims["tid"], claims["sub"]) == ("default", "anonymous")
    relay = start_relay(redis_server, *keys.options(jwks=False))
    assert is_let_in(relay, headers=bearer(made)) is True


def test_what_it_refuses(tmp_path, keys):
    path, _ = pem(tmp_path, "ES256")
    for code, *arguments in (
            (2,), (2, "--secret-file", keys.secret, "--key", path),
            (2, "--secret-file", keys.secret, "--alg", "RS256"),
            (2, "--secret-file", keys.secret, "--ttl", "soon"),
            (2, "--secret-file", keys.secret, "--tenant", ""),
            (2, "--secret-file", keys.secret, "--jwks"),
            (2, "--secret-file", keys.secret, "operand"),
            (3, "--secret-file", tmp_path / "none"),
            (3, "--key", path, "--alg", "RS256"),
            (3, "--key", keys.secret)):
        relayctl("token", *arguments, code=code)
    secret = tmp_path / "secret"
    for length, code in ((31, 3), (32, 0)):
        secret.write_text("s" * length + "\n")
        relayctl("token", "--secret-file", secret, *ISSUED, code=code)


def test_stream_tail_shows_a_token(start_relay, redis_server, store, keys,
                                   tmp_path):
    relay = start_relay(redis_server, *keys.options(jwks=False))
    store.xadd(events_key("s", "acme", "ada"), {"event": dumps(step(1))})
    made = relayctl("token", "--secret-file", keys.secret, "--tenant", "acme",
                    "--user", "ada", *ISSUED)
    file = tmp_path / "token"
    file.write_text(made + "\n")
    tail = ("stream", "tail", "--url", f"ws://{relay.address}", "--after",
            "0-0", "--count", "1", "s")
    assert "execution_step" in relayctl(*tail, "--token-file", file)
    assert "execution_step" in relayctl(*tail, RELAY_TOKEN=made)
    assert "auth_failed" in relayctl(*tail, code=1)
    refused = relayctl(*tail, code=1, RELAY_TOKEN=made + "x")
    assert "auth_failed" in refused and made not in refused
    file.write_text("not a token\n")
    assert "not a token" not in relayctl(*tail, "--token-file", file, code=3)


def test_stream_tail_goes_on_with_a_new_token(start_relay, redis_server, store,
                                              keys, tmp_path):
    relay = start_relay(redis_server, *keys.options(jwks=False),
                        "--auth-leeway-seconds=0")
    file = tmp_path / "token"

    def renew(ttl):
        fresh = tmp_path / "fresh"
        fresh.write_text(relayctl(
            "token", "--secret-file", keys.secret, "--ttl", ttl, "--tenant",
            "acme", "--user", "ada", *ISSUED))
        fresh.rename(file)

    key = events_key("s", "acme", "ada")
    store.xadd(key, {"event": dumps(step(1))})
    renew(3)
    tail = subprocess.Popen(
        [str(RELAYCTL), "stream", "tail", "--url", f"ws://{relay.address}",
         "--after", "0-0", "--count", "2", "--token-file", str(file), "s"],
        stdout=subprocess.PIPE, text=True, cwd=str(ROOT))
    seen = []
    for line in tail.stdout:
        frame = json.loads(line)
        seen.append(frame["type"])
        if frame["type"] == "relay.expiring" and len(seen) < 9:
            renew(600)
        if frame["type"] == "error":
            store.xadd(key, {"event": dumps(step(2))})
    assert tail.wait(30) == 0
    assert seen.count("execution_step") == 2 and "error" in seen
