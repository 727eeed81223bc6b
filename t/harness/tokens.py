# SPDX-License-Identifier: Apache-2.0
"""Good and bad tokens in the manner of the EDI IAM, for the HTTP tests.

A Mint is a P-256 key pair. Its tokens are put together by hand, since a
library would refuse to make the bad ones.
"""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature)

ISSUER = "https://auth.edirepository.org"
DOMAIN = "edirepository.org"
LIFETIME = 8 * 3600
HEADER = {"alg": "ES256", "typ": "JWT"}


class Absent:
    """As the value of a claim: leave the claim out."""


def edi_id(uid):
    """The EDI-ID of an identity provider's user id."""
    return "EDI-" + hashlib.sha256(uid.encode()).hexdigest()[:40]


def base64url(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def profile_claims(sub, /, **changes):
    """The claims of a person's token, with some of them changed."""
    now = int(time.time())
    claims = {
        "sub": sub,
        "cn": "Ada Lovelace",
        "email": "ada@example.org",
        "principals": [],
        "links": [],
        "isEmailEnabled": True,
        "isEmailVerified": False,
        "idpCommonName": "Ada Lovelace",
        "idpName": "github",
        "idpUid": "https://github.com/ada",
        "iss": ISSUER,
        "hd": DOMAIN,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
    }
    claims.update(changes)
    return {name: value for name, value in claims.items()
            if value is not Absent}


def group_claims(sub, /, **changes):
    """The claims of a group's token: all about a person is null."""
    claims = {"cn": "Field crew", "email": None, "isEmailEnabled": False,
              "idpCommonName": None, "idpName": None, "idpUid": None}
    claims.update(changes)
    return profile_claims(sub, **claims)


class Mint:
    """A key pair and the tokens that it signs."""

    def __init__(self):
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self.private_key.public_key()
        self.public_pem = self.public_key.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def write_public_key(self, path):
        with open(path, "w", encoding="ascii") as file:
            file.write(self.public_pem)
        return str(path)

    def jwk(self, kid=None):
        """The public key as a JWK."""
        numbers = self.public_key.public_numbers()
        jwk = {"kty": "EC", "crv": "P-256",
               "x": base64url(numbers.x.to_bytes(32, "big")),
               "y": base64url(numbers.y.to_bytes(32, "big"))}
        return jwk if kid is None else {**jwk, "kid": kid}

    def sign(self, claims, header=None):
        """Sign claims (a dict, or the text itself) with ES256."""
        body = self._body(claims, header or HEADER)
        signature = self.private_key.sign(body.encode(),
                                          ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return body + "." + base64url(r.to_bytes(32, "big") +
                                      s.to_bytes(32, "big"))

    def sign_hmac(self, claims):
        """HS256 with the public key's PEM as the secret."""
        body = self._body(claims, {"alg": "HS256", "typ": "JWT"})
        mac = hmac.new(self.public_pem.encode(), body.encode(),
                       hashlib.sha256)
        return body + "." + base64url(mac.digest())

    @staticmethod
    def _body(claims, header):
        text = claims if isinstance(claims, str) else compact(claims)
        return base64url(compact(header)) + "." + base64url(text)

    def token(self, sub, /, **changes):
        """A good token of a person, unless the changes spoil it."""
        return self.sign(profile_claims(sub, **changes))

    def group_token(self, sub, /, **changes):
        return self.sign(group_claims(sub, **changes))


def good_tokens(mint, sub):
    """Tokens that must be accepted, by what is special about them."""
    now = int(time.time())
    return {
        "plain": mint.token(sub),
        "group": mint.group_token(sub),
        "extra_claims": mint.token(sub, avatarUrl="https://x/y.png",
                                   pastaGroups=[{"a": 1}], sn=None, jti=7),
        "non_ascii_cn": mint.token(sub, cn="Zo\u00eb \u5c71\u7530"),
        "null_cn": mint.token(sub, cn=None),
        "fraction_exp": mint.token(sub, exp=now + 600.25),
        "nbf_within_skew": mint.token(sub, nbf=now + 30, iat=now + 30),
        "unknown_kid": mint.sign(profile_claims(sub), {**HEADER, "kid": "x"}),
        "no_typ": mint.sign(profile_claims(sub), {"alg": "ES256"}),
    }


def _bad_by_header(mint, sub):
    claims = profile_claims(sub)
    forger = Mint()
    good = mint.sign(claims)
    return {
        "alg_none": Mint._body(claims, {"alg": "none", "typ": "JWT"}) + ".",
        "alg_none_signed": mint.sign(claims, {"alg": "none", "typ": "JWT"}),
        "alg_hs256": mint.sign_hmac(claims),
        "alg_rs256": mint.sign(claims, {"alg": "RS256", "typ": "JWT"}),
        "no_alg": mint.sign(claims, {"typ": "JWT"}),
        "wrong_key": forger.sign(claims),
        "embedded_jwk": forger.sign(claims, {**HEADER, "jwk": forger.jwk()}),
        "jku": mint.sign(claims, {**HEADER, "jku": "http://127.0.0.1:9/"}),
        "x5u": mint.sign(claims, {**HEADER, "x5u": "http://127.0.0.1:9/"}),
        "crit": mint.sign(claims, {**HEADER, "crit": ["b64"], "b64": True}),
        "other_typ": mint.sign(claims, {**HEADER, "typ": "dpop+jwt"}),
        "no_signature": good.rsplit(".", 1)[0] + ".",
        "cut": good[:-10],
        "two_parts": good.rsplit(".", 1)[0],
        "too_long": mint.token(sub, cn="x" * 9000),
        "not_a_token": "this-is-no-token",
    }


def _bad_by_claims(mint, sub):
    now = int(time.time())
    text = compact(profile_claims(sub, exp=Absent))[:-1]
    return {
        "expired": mint.token(sub, exp=now - 1),
        "no_exp": mint.token(sub, exp=Absent),
        "text_exp": mint.token(sub, exp=str(now + 600)),
        "huge_exp": mint.sign(text + ',"exp":1e300}'),
        "infinite_exp": mint.sign(text + ',"exp":1e999}'),
        "nbf_future": mint.token(sub, nbf=now + 600),
        "iat_future": mint.token(sub, iat=now + 600),
        "wrong_iss": mint.token(sub, iss="https://auth.example.org"),
        "no_iss": mint.token(sub, iss=Absent),
        "wrong_hd": mint.token(sub, hd="example.org"),
        "no_hd": mint.token(sub, hd=Absent),
        "no_sub": mint.token(sub, sub=Absent),
        "number_sub": mint.token(sub, sub=7),
        "null_sub": mint.token(sub, sub=None),
        "empty_sub": mint.token(sub, sub=""),
        "long_sub": mint.token(sub, sub="E" * 65),
        "control_sub": mint.token(sub, sub="EDI-\n1"),
        "double_sub": mint.sign(text + f',"exp":{now + 600},"sub":"x"}}'),
        "no_json": mint.sign("not JSON"),
        "array": mint.sign("[]"),
    }


def bad_tokens(mint, sub):
    """Tokens that must be refused with 401, by what is wrong with them."""
    return {**_bad_by_header(mint, sub), **_bad_by_claims(mint, sub)}
