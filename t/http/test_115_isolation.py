# SPDX-License-Identifier: Apache-2.0
"""Every route for every kind of caller: the table is the test."""

import re
import secrets
import time
from urllib.parse import parse_qs, urlsplit

import pytest

import tokens
import wire
from clients import Client
from stack import TOP

# From the code itself: {handler: [(method, pattern)]}, HEAD with every GET.
ROUTE = re.compile(r'\{"([A-Z]+)", "([^"]*)", STG_GRANT_\w+, \w+\}')
TABLE = re.compile(r"stg_route_t (\w+)\[\] = \{(.*?)\n\};", re.S)
API = re.compile(r'\.handler = "([\w-]+)",\s*\.routes = (\w+)')


def routes_of_the_code():
    found = {}
    for file in sorted(TOP.glob("mod_staging/*/*_routes.c")):
        text = file.read_text()
        tables = dict(TABLE.findall(text))
        for handler, table in API.findall(text):
            found[handler] = [
                (method, pattern) for one, pattern in ROUTE.findall(
                    tables[table])
                for method in ((one, "HEAD") if one == "GET" else (one,))]
    return found


ROUTES = routes_of_the_code()
PLACES = {"staging-uploads": "/upload", "staging-download": "/download",
          "staging-health": "/health", "staging-ready": "/ready",
          "staging-metrics": "/metrics"}

COLUMNS = (("POST", ""), ("GET", ""), ("HEAD", ""), ("GET", "/{id}"),
           ("HEAD", "/{id}"), ("GET", "/{id}/data"), ("HEAD", "/{id}/data"),
           ("DELETE", "/{id}"))

#                      POST list LIST get  GET  data DATA DELETE
EXPECTED = {
    "owner":          (202, 200, 200, 200, 200, 302, 302, 204),
    "owner's query":  (202, 200, 200, 200, 200, 302, 302, 204),
    "owner, reads":   (403, 200, 200, 200, 200, 302, 302, 403),
    "owner, writes":  (202, 403, 403, 403, 403, 403, 403, 204),
    "nobody":         (401, 401, 401, 401, 401, 401, 401, 401),
    "wrong key":      (401, 401, 401, 401, 401, 401, 401, 401),
    "wrong query":    (401, 401, 401, 401, 401, 401, 401, 401),
    "revoked key":    (401, 401, 401, 401, 401, 401, 401, 401),
    "expired key":    (401, 401, 401, 401, 401, 401, 401, 401),
    "disabled":       (401, 401, 401, 401, 401, 401, 401, 401),
    "forged token":   (401, 401, 401, 401, 401, 401, 401, 401),
    "expired token":  (401, 401, 401, 401, 401, 401, 401, 401),
    "unsigned token": (401, 401, 401, 401, 401, 401, 401, 401),
    "other audience": (401, 401, 401, 401, 401, 401, 401, 401),
    "ticket":         (401, 401, 401, 401, 401, 401, 401, 401),
    "cookie":         (401, 401, 401, 401, 401, 401, 401, 401),
    "other account":  (202, 200, 200, 404, 404, 404, 404, 404),
    "other, reads":   (403, 200, 200, 404, 404, 404, 404, 403),
    "other, writes":  (202, 403, 403, 403, 403, 403, 403, 404),
    "lab token":      (202, 200, 200, 404, 404, 404, 404, 404),
    "lab query":      (202, 200, 200, 404, 404, 404, 404, 404),
    "owner's name":   (202, 200, 200, 404, 404, 404, 404, 404),
    "edi, granted":   (202, 200, 200, 404, 404, 404, 404, 404),
    "edi, ungranted": (403, 200, 200, 404, 404, 404, 404, 404),
    "edi key":        (202, 200, 200, 404, 404, 404, 404, 404),
    "two keys":       (400, 400, 400, 400, 400, 400, 400, 400),
    "two carriers":   (400, 400, 400, 400, 400, 400, 400, 400),
    "other service":  (202, 200, 200, 404, 404, 404, 404, 404),
    "another module": (202, 200, 200, 404, 404, 404, 404, 404),
}

# Who is asking makes no difference here: the ticket is the permission, or the
# answer holds nothing of anybody.
FOR_ALL = {
    ("staging-download", "GET", "/{id}"): 403,
    ("staging-download", "HEAD", "/{id}"): 403,
    ("staging-health", "GET", ""): 200, ("staging-health", "HEAD", ""): 200,
    ("staging-ready", "GET", ""): 200, ("staging-ready", "HEAD", ""): 200,
    ("staging-metrics", "GET", ""): 200, ("staging-metrics", "HEAD", ""): 200,
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


def expired_key(server):
    key = server.key("late", "--expires", "1s")
    time.sleep(1.5)
    return key


def by_cookie(server, token):
    caller = Client(server)
    caller.session.headers["Cookie"] = "edi-token=" + token
    return caller


def signature(owner):
    """Of a ticket, which opens one door only."""
    url = owner.location(owner.stage()["id"])
    return parse_qs(urlsplit(url).query)["signature"][0]


def in_query(server, bearer=None, **params):
    caller = Client(server, bearer=bearer)
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
        "wrong query": in_query(server, key=server.secret(owner[:-1] + "y")),
        "revoked key": bearer(revoked_key(server)),
        "expired key": bearer(expired_key(server)),
        "disabled": bearer(disabled_key(server)),
        "forged token": bearer(server.secret(tokens.Mint().token("EDI-1"))),
        "expired token": bearer(server.token("isolated", exp=1)),
        "unsigned token": bearer(server.secret(tokens.bad_tokens(
            server.issuer, "isolated")["alg_none"])),
        "other audience": bearer(server.token("isolated", aud="other")),
        "ticket": bearer(server.secret(signature(bearer(owner)))),
        "cookie": by_cookie(server, lab),
        "other account": bearer(server.key("stranger")),
        "other, reads": bearer(server.key("stranger", "--scope", "read")),
        "other, writes": bearer(server.key("stranger", "--scope", "write")),
        "lab token": bearer(lab),
        "lab query": in_query(server, token=lab),
        "owner's name": bearer(server.token("owner")),
        "edi, granted": bearer(edi_token(server, True)),
        "edi, ungranted": bearer(edi_token(server, False)),
        "edi key": bearer(edi_key(server)),
        "two keys": in_query(server, key=owner, token=lab),
        "two carriers": in_query(server, key=owner, bearer=owner),
        "other service": bearer(owner, "/otherservice"),
        "another module": Client(server, "/basic",
                                 auth=("carol", "secret-of-carol")),
    }


def call(caller, method, pattern, upload):
    if method == "POST":
        body, kind = wire.form(("file", b"mine", "mine.txt"))
        return caller.request("POST", data=body,
                              headers={"Content-Type": kind})
    return caller.request(method, pattern.replace("{id}", upload))


def test_every_route_of_the_code_is_a_column():
    assert set(ROUTES) == set(PLACES)
    assert sorted(ROUTES["staging-uploads"]) == sorted(COLUMNS)
    others = {(handler, *route) for handler, routes in ROUTES.items()
              for route in routes if handler != "staging-uploads"}
    assert others == set(FOR_ALL)


@pytest.mark.parametrize("who", EXPECTED)
@pytest.mark.parametrize("route", COLUMNS, ids=" ".join)
def test_everybody_gets_what_is_theirs(server, callers, who, route):
    owner = callers["owner"]
    upload = owner.stage(b"of the owner", label="the owner's")["id"]
    response = call(callers[who], *route, upload)
    assert response.status_code == EXPECTED[who][COLUMNS.index(route)]
    if who.split(",")[0] not in ("owner", "owner's query"):
        assert upload not in response.text or response.status_code == 404
        assert upload not in response.headers.get("Location", "")
        assert "the owner's" not in response.text
    if response.status_code >= 400 and route[0] != "HEAD":
        assert set(response.json()) == {"detail", "request_id"}
    still = owner.get(upload).status_code
    assert still == (404 if response.status_code == 204 else 200)
    server.log.fresh()


@pytest.mark.parametrize("who", EXPECTED)
@pytest.mark.parametrize("route", FOR_ALL, ids=" ".join)
def test_what_asks_for_nobody_tells_everybody_the_same(server, callers, who,
                                                       route):
    handler, method, pattern = route
    owner = callers["owner"]
    upload = owner.stage(b"of the owner", label="the owner's")["id"]
    caller = callers[who]
    response = caller.session.request(
        method, server.url + PLACES[handler] + pattern.replace("{id}", upload),
        timeout=20)
    assert response.status_code == FOR_ALL[route]
    for word in (upload, "the owner's", "of the owner"):
        assert word not in response.text
    owner.delete(upload)


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
