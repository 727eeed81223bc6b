# SPDX-License-Identifier: Apache-2.0
"""Every route for every kind of caller: the table is the test."""

import secrets

import pytest

import tokens
import wire
from clients import Client

ROUTES = ("list", "post", "get", "head", "data", "head data", "delete")

#                      list post get  head data hdat delete
EXPECTED = {
    "owner":          (200, 202, 200, 200, 302, 302, 204),
    "owner's query":  (200, 202, 200, 200, 302, 302, 204),
    "owner, reads":   (200, 403, 200, 200, 302, 302, 403),
    "owner, writes":  (403, 202, 403, 403, 403, 403, 204),
    "nobody":         (401, 401, 401, 401, 401, 401, 401),
    "wrong key":      (401, 401, 401, 401, 401, 401, 401),
    "revoked key":    (401, 401, 401, 401, 401, 401, 401),
    "disabled":       (401, 401, 401, 401, 401, 401, 401),
    "forged token":   (401, 401, 401, 401, 401, 401, 401),
    "expired token":  (401, 401, 401, 401, 401, 401, 401),
    "other account":  (200, 202, 404, 404, 404, 404, 404),
    "other, reads":   (200, 403, 404, 404, 404, 404, 403),
    "lab token":      (200, 202, 404, 404, 404, 404, 404),
    "edi, granted":   (200, 202, 404, 404, 404, 404, 404),
    "edi, ungranted": (200, 403, 404, 404, 404, 404, 404),
    "edi key":        (200, 202, 404, 404, 404, 404, 404),
    "two keys":       (400, 400, 400, 400, 400, 400, 400),
    "other service":  (200, 202, 404, 404, 404, 404, 404),
    "another module": (200, 202, 404, 404, 404, 404, 404),
}


def edi_token(server, is_granted):
    sub = tokens.edi_id(secrets.token_hex(8))
    if is_granted:
        server.iam.grant(sub)
    return server.secret(server.iam.token(sub))


def edi_key(server):
    secret = server.secret(secrets.token_urlsafe(20))
    sub = tokens.edi_id(secret)
    server.iam.add_key(secret, sub)
    server.iam.grant(sub)
    return secret


def disabled_key(server):
    key = server.key("disabled")
    server.ctl("account", "disable", "disabled")
    return key


def revoked_key(server):
    key = server.key("ended")
    server.ctl("key", "revoke", key[:12])
    return key


def in_query(server, **params):
    caller = Client(server)
    caller.session.params = params
    return caller


@pytest.fixture(scope="module", name="callers")
def all_callers(server):
    def bearer(value, path="/upload"):
        return Client(server, path, value)

    owner = server.key("owner")
    server.iam.add_resource()
    lab = server.token("isolated")
    return {
        "owner": bearer(owner),
        "owner's query": in_query(server, key=owner),
        "owner, reads": bearer(server.key("owner", "--scope", "read")),
        "owner, writes": bearer(server.key("owner", "--scope", "write")),
        "nobody": bearer(None),
        "wrong key": bearer(server.secret(owner[:-1] + "z")),
        "revoked key": bearer(revoked_key(server)),
        "disabled": bearer(disabled_key(server)),
        "forged token": bearer(server.secret(tokens.Mint().token("EDI-1"))),
        "expired token": bearer(server.token("isolated", exp=1)),
        "other account": bearer(server.key("stranger")),
        "other, reads": bearer(server.key("stranger", "--scope", "read")),
        "lab token": bearer(lab),
        "edi, granted": bearer(edi_token(server, True)),
        "edi, ungranted": bearer(edi_token(server, False)),
        "edi key": bearer(edi_key(server)),
        "two keys": in_query(server, key=owner, token=lab),
        "other service": bearer(owner, "/otherservice"),
        "another module": Client(server, "/basic",
                                 auth=("carol", "secret-of-carol")),
    }


def call(caller, route, upload):
    if route == "post":
        body, kind = wire.form(("file", b"mine", "mine.txt"))
        return caller.request("POST", data=body,
                              headers={"Content-Type": kind})
    method, suffix = {
        "list": ("GET", ""), "get": ("GET", "/" + upload),
        "head": ("HEAD", "/" + upload), "data": ("GET", f"/{upload}/data"),
        "head data": ("HEAD", f"/{upload}/data"),
        "delete": ("DELETE", "/" + upload)}[route]
    return caller.request(method, suffix)


@pytest.mark.parametrize("who", EXPECTED)
@pytest.mark.parametrize("route", ROUTES)
def test_everybody_gets_what_is_theirs(server, callers, who, route):
    owner = callers["owner"]
    upload = owner.stage(b"of the owner", label="the owner's")["id"]
    response = call(callers[who], route, upload)
    assert response.status_code == EXPECTED[who][ROUTES.index(route)]
    if "owner" not in who:
        assert upload not in response.text or response.status_code == 404
        assert "the owner's" not in response.text
    if response.status_code >= 400 and not route.startswith("head"):
        assert set(response.json()) == {"detail", "request_id"}
    still = owner.get(upload).status_code
    assert still == (404 if response.status_code == 204 else 200)
    server.log.fresh()


@pytest.mark.parametrize("path, who, status", [
    ("/lab-only", "lab token", 200), ("/lab-only", "owner", 401),
    ("/lab-only", "edi, granted", 401), ("/lab-only", "edi key", 401),
    ("/no-accounts", "owner", 401), ("/no-accounts", "edi, granted", 200),
    ("/no-accounts", "lab token", 200)])
def test_a_location_may_choose_whose_principals_it_accepts(callers, path, who,
                                                           status):
    caller = callers[who].at(path)
    response = caller.request("GET")
    assert response.status_code == status
    if status == 401:
        assert caller.post().status_code == 401


def test_not_found_says_the_same_of_what_is_anothers_and_what_is_not(callers):
    """Nobody learns what exists from the difference."""
    upload = callers["owner"].stage()["id"]
    missing = "11111111-2222-4333-8444-555555555555"
    answers = []
    for one in (upload, missing):
        response = callers["other account"].get(one)
        answers.append((response.json()["detail"].replace(one, "?"),
                        sorted(response.headers.keys())))
    assert answers[0] == answers[1]
