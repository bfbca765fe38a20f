# SPDX-License-Identifier: MIT
"""Tokens by two independent libraries, PyJWT and jwcrypto, and forged ones by
hand, with keys that are made when this is imported. rows(now) is all of them,
as (name, verdict, token). tests/data/tokens/make writes them to files for the
unit tests; the integration tests make their own."""

import base64
import hashlib
import hmac
import json

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

SECRET = b"0123456789abcdef0123456789abcdef-the-secret"
NOW = 1700000000
CLAIMS = {}

KEYS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
OTHER = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
SMALL = rsa.generate_private_key(65537, 1024)


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo)


def public_jwk(name, key):
    made = jwcrypto_jwk.JWK.from_pem(pem(key)).export_public(as_dict=True)
    return {**made, "kid": name, "alg": name, "use": "sig"}


def sign(alg, text, key=None):
    """A signature over the text by our own hand."""
    key = key or KEYS.get(alg)
    data = text.encode()
    if alg == "HS256":
        return hmac.new(key or SECRET, data, hashlib.sha256).digest()
    if alg == "RS256":
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    if alg == "PS256":
        return key.sign(data, padding.PSS(
            padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    if alg == "ES256":
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(data)


def token(alg="RS256", header=None, claims=None, key=None, signature=None,
          by=None):
    """Header and claims may be texts, to be as wrong as is wanted; `by`: the
    algorithm that is signed with, where it differs from what the header says."""
    if header is None:
        header = {"alg": alg, "typ": "JWT"}
        if alg in KEYS:
            header["kid"] = alg
    if not isinstance(header, str):
        header = json.dumps(header)
    if claims is None:
        claims = CLAIMS
    if not isinstance(claims, str):
        claims = json.dumps(claims)
    text = f"{b64(header)}.{b64(claims)}"
    if signature is None:
        signature = sign(by or alg, text, key)
    return f"{text}.{b64(signature)}"


def changed(**claims):
    return {**CLAIMS, **claims}


def without(name):
    return {k: v for k, v in CLAIMS.items() if k != name}


ROWS = []


def row(verdict, name, text):
    ROWS.append((name, verdict, text))


def pyjwt(alg, claims, headers=None):
    key = SECRET if alg == "HS256" else pem(KEYS[alg])
    return jwt.encode(claims, key, alg, headers)


def jwcrypto(alg, claims, headers=None):
    key = jwcrypto_jwk.JWK(kty="oct", k=b64(SECRET)) if alg == "HS256" \
        else jwcrypto_jwk.JWK.from_pem(pem(KEYS[alg]))
    made = jwcrypto_jwt.JWT(
        header={"alg": alg, "typ": "JWT", **(headers or {})}, claims=claims)
    made.make_signed_token(key)
    return made.serialize()


def begin(now):
    """The time from which the tokens count."""
    global NOW, CLAIMS
    NOW = now
    CLAIMS = {"iss": "https://issuer.example", "aud": "relay", "tid": "acme",
              "oid": "ada", "exp": now + 600}


begin(NOW)


def rows(now):
    begin(now)
    ROWS.clear()
    good_rows()
    shape_rows()
    header_rows()
    key_rows()
    signature_rows()
    claim_rows()
    return list(ROWS)


def good_rows():
    for name, library in (("PyJWT", pyjwt), ("jwcrypto", jwcrypto)):
        for alg in ("HS256", "RS256", "PS256", "ES256", "EdDSA"):
            kid = None if alg == "HS256" else {"kid": alg}
            row("ACCEPTED", f"{name} {alg}", library(alg, CLAIMS, kid))
        row("ACCEPTED", f"{name} list of audiences",
            library("ES256", changed(aud=["x", "relay"]), {"kid": "ES256"}))
        row("ACCEPTED", f"{name} more claims than we know", library(
            "EdDSA", changed(nbf=NOW - 5, iat=NOW - 5, jti="1", roles=["a"],
                             nested={"a": [1, 2, {"b": None}]}),
            {"kid": "EdDSA"}))
    row("ACCEPTED", "secret, whatever its kid",
        pyjwt("HS256", CLAIMS, {"kid": "whatever"}))
    row("ACCEPTED", "exp with a fraction", token(claims=changed(exp=NOW + 5.5)))
    row("ACCEPTED", "exp within the leeway", token(claims=changed(exp=NOW - 59)))
    row("ACCEPTED", "nbf within the leeway", token(claims=changed(nbf=NOW + 60)))
    row("ACCEPTED", "typ at+jwt", token(
        header={"alg": "RS256", "kid": "RS256", "typ": "at+JWT"}))
    row("ACCEPTED", "no typ", token(header={"alg": "RS256", "kid": "RS256"}))
    row("ACCEPTED", "escaped alg", token(
        header='{"\\u0061lg":"RS\\u003256","kid":"RS256"}'))
    row("ACCEPTED", "sub where there is no oid", token(
        claims={**without("oid"), "sub": "ada"}))


def shape_rows():
    good = token()
    head, body, signed = good.split(".")
    row("MALFORMED", "empty", "")
    row("MALFORMED", "one part", head)
    row("MALFORMED", "two parts", f"{head}.{body}")
    row("MALFORMED", "four parts", good + ".x")
    row("MALFORMED", "five parts (JWE)", f"{head}.{body}.x.y.z")
    row("MALFORMED", "no signature", f"{head}.{body}.")
    row("MALFORMED", "no header", f".{body}.{signed}")
    row("MALFORMED", "no claims", f"{head}..{signed}")
    row("MALFORMED", "padding", good + "==")
    row("MALFORMED", "standard base64", f"{head}.{body}.+/{signed[2:]}")
    row("MALFORMED", "a space", f"{head} .{body}.{signed}")
    row("MALFORMED", "a line end", f"{head}.{body}.{signed}\\n")
    row("MALFORMED", "JSON in the clear", '{"alg":"none"}.{}.x')
    row("MALFORMED", "bits left over", good[:-1] + chr(ord(good[-1]) + 1)
        if good[-1] in "AQgw" else good)
    row("MALFORMED", "over 4 KiB", token(claims=changed(x="y" * 3000)) + "A" * 1000)
    row("MALFORMED", "20 kB", token(claims=changed(x="y" * 15000)))


def header_rows():
    def header_row(name, verdict="HEADER", **members):
        row(verdict, name, token(
            header={"alg": "RS256", "kid": "RS256", **members}))

    header_row("crit", crit=["exp"])
    header_row("b64", b64=False)
    header_row("jwk", jwk=public_jwk("RS256", OTHER["RS256"]))
    header_row("jku", jku="https://evil.example/jwks.json")
    header_row("x5u", x5u="https://evil.example/chain.pem")
    header_row("x5c", x5c=["MIIB"])
    header_row("zip", zip="DEF")
    header_row("alg a number", alg=256)
    header_row("alg null", alg=None)
    header_row("kid a number", kid=1)
    header_row("kid a list", kid=["RS256"])
    header_row("typ of another kind", typ="logout+jwt")
    row("HEADER", "no alg", token(header={"kid": "RS256", "typ": "JWT"}))
    row("HEADER", "alg twice", token(
        header='{"alg":"none","kid":"RS256","alg":"RS256"}'))
    row("HEADER", "alg twice, once escaped", token(
        header='{"alg":"none","kid":"RS256","\\u0061lg":"RS256"}'))
    row("HEADER", "a list", token(header='["RS256"]'))
    row("HEADER", "no JSON", token(header="alg=RS256"))
    row("HEADER", "deep", token(header='{"alg":' + "[" * 900 + "]" * 900 + "}"))
    row("HEADER", "NaN", token(header='{"alg":"RS256","kid":NaN}'))
    row("HEADER", "bytes behind it", token(header='{"alg":"RS256"} {}'))
    row("HEADER", "byte order mark", token(header='\ufeff{"alg":"RS256"}'))


def key_rows():
    for none in ("none", "None", "NONE", "nOnE", ""):
        row("ALGORITHM", f"alg {none or 'empty'}", token(
            header={"alg": none, "kid": "RS256"}, by="RS256"))
    row("MALFORMED", "alg none, no signature", token(
        header={"alg": "none"}, signature=b""))
    row("ALGORITHM", "alg in lower case", token(
        header={"alg": "rs256", "kid": "RS256"}, by="RS256"))
    row("ALGORITHM", "alg HS512", token(
        header={"alg": "HS512"}, signature=hmac.new(
            SECRET, b"", hashlib.sha512).digest()))
    row("ALGORITHM", "alg RS512", token(
        header={"alg": "RS512", "kid": "RS256"}, by="RS256"))
    row("ALGORITHM", "alg with a blank", token(
        header={"alg": "RS256 ", "kid": "RS256"}, by="RS256"))
    for form in ("PEM", "DER"):
        public = public_pem(KEYS["RS256"])
        if form == "DER":
            public = b"".join(public.splitlines()[1:-1])
        row("ALGORITHM", f"HS256 with the public key as secret ({form})", token(
            header={"alg": "HS256", "kid": "RS256"}, key=public, by="HS256"))
    for made in KEYS:
        for meant in KEYS:
            if made != meant:
                row("ALGORITHM", f"{made} for the key of {meant}", token(
                    header={"alg": made, "kid": meant}, by=made))
                row("SIGNATURE", f"{made} that says {meant}", token(
                    header={"alg": meant, "kid": meant}, by=made))
    row("SIGNATURE", "RS256 that says HS256", token(
        header={"alg": "HS256"}, by="RS256"))
    row("SIGNATURE", "HS256 that says RS256", token(
        header={"alg": "RS256", "kid": "RS256"}, by="HS256"))
    for kid in ("unknown", "", "../../../dev/null", "' OR 1=1 --", "RS256\x00",
                "rs256", "x" * 300):
        row("UNKNOWN_KEY", f"kid {kid[:20]!r}", token(
            header={"alg": "RS256", "kid": kid}))
    row("UNKNOWN_KEY", "no kid", token(header={"alg": "RS256"}))
    row("UNKNOWN_KEY", "the key that is too small", token(
        header={"alg": "RS256", "kid": "small"}, key=SMALL))
    row("UNKNOWN_KEY", "the secret out of the key set", token(
        header={"alg": "RS256", "kid": "oct"}, key=SECRET, by="HS256"))
    row("UNKNOWN_KEY", "the key for encryption", token(
        header={"alg": "RS256", "kid": "enc"}, key=OTHER["RS256"]))


def signature_rows():
    head, body, signed = token().split(".")
    for alg, key in OTHER.items():
        row("SIGNATURE", f"{alg} by another key", token(alg, key=key))
    row("SIGNATURE", "HS256 by another secret", token("HS256", key=b"y" * 32))
    row("SIGNATURE", "HS256 by the empty secret", token("HS256", key=b"\0"))
    for alg in ("HS256", "RS256", "PS256", "ES256", "EdDSA"):
        whole = token(alg)
        text, signature = whole.rsplit(".", 1)
        raw = bytearray(unb64(signature))
        raw[7] ^= 1
        row("SIGNATURE", f"{alg} with a bit flipped", f"{text}.{b64(raw)}")
        row("SIGNATURE", f"{alg} one byte short", f"{text}.{b64(raw[:-1])}")
        row("SIGNATURE", f"{alg} one byte long", f"{text}.{b64(raw + b'x')}")
        row("SIGNATURE", f"{alg} all zero", f"{text}.{b64(bytes(len(raw)))}")
    text, _ = token("ES256").rsplit(".", 1)
    row("SIGNATURE", "ES256 in DER", "{}.{}".format(text, b64(
        KEYS["ES256"].sign(text.encode(), ec.ECDSA(hashes.SHA256())))))
    order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
    row("SIGNATURE", "ES256 with r = s = n", "{}.{}".format(
        text, b64(order.to_bytes(32, "big") * 2)))
    row("SIGNATURE", "claims changed", f"{head}.{b64(json.dumps(changed(tid='x')))}"
        f".{signed}")
    row("SIGNATURE", "another token's signature", f"{head}.{body}."
        + token(claims=changed(oid="eve")).rsplit(".", 1)[1])


def claim_rows():
    row("CLAIMS", "no exp", token(claims=without("exp")))
    for value in ("1900000000", None, True, -1, 1e30, [NOW], 10 ** 16):
        row("CLAIMS", f"exp {value!r}", token(claims=changed(exp=value)))
    row("CLAIMS", "exp with an exponent", token(
        claims=json.dumps(CLAIMS).replace(str(NOW + 600), "19e8")))
    row("CLAIMS", "exp twice", token(
        claims=json.dumps(CLAIMS)[:-1] + ',"exp":1900000000}'))
    row("CLAIMS", "tid twice", token(
        claims=json.dumps(CLAIMS)[:-1] + ',"t\\u0069d":"other"}'))
    row("CLAIMS", "nbf a text", token(claims=changed(nbf="1")))
    row("CLAIMS", "claims no JSON", token(claims="exp=1"))
    row("CLAIMS", "claims a list", token(claims="[]"))
    row("CLAIMS", "claims too deep", token(
        claims='{"a":' + "[" * 40 + "]" * 40 + "}"))
    row("EXPIRED", "expired long ago", token(claims=changed(exp=NOW - 3600)))
    row("EXPIRED", "expired at the end of the leeway", token(
        claims=changed(exp=NOW - 60)))
    row("EXPIRED", "exp 0", token(claims=changed(exp=0)))
    row("EARLY", "not yet", token(claims=changed(nbf=NOW + 61)))
    row("ISSUER", "no issuer", token(claims=without("iss")))
    row("ISSUER", "another issuer", token(claims=changed(iss="https://evil")))
    row("ISSUER", "issuer and more", token(
        claims=changed(iss="https://issuer.example.evil")))
    row("ISSUER", "issuer in a list", token(
        claims=changed(iss=["https://issuer.example"])))
    row("AUDIENCE", "no audience", token(claims=without("aud")))
    row("AUDIENCE", "another audience", token(claims=changed(aud="relays")))
    row("AUDIENCE", "other audiences", token(claims=changed(aud=["a", "b"])))
    row("AUDIENCE", "audience an object", token(claims=changed(aud={"relay": 1})))
    row("IDENTITY", "no tenant", token(claims=without("tid")))
    row("IDENTITY", "no user", token(claims=without("oid")))
    for claim in ("tid", "oid"):
        for value in ("", "x" * 257, 7, None, ["a"], "a\x00b", "a\nb", "\x7f"):
            row("IDENTITY", f"{claim} {str(value)[:8]!r}", token(
                claims=changed(**{claim: value})))
    row("IDENTITY", "empty oid does not fall back to sub", token(
        claims=changed(oid="", sub="ada")))


def jwks():
    enc = {**public_jwk("RS256", OTHER["RS256"]), "kid": "enc", "use": "enc"}
    small = {**public_jwk("RS256", SMALL), "kid": "small"}
    secret = {"kty": "oct", "k": b64(SECRET), "kid": "oct", "alg": "HS256"}
    return {"keys": [public_jwk(name, key) for name, key in KEYS.items()] +
            [small, enc, secret]}
