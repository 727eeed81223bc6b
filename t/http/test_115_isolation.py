# SPDX-License-Identifier: Apache-2.0
"""Every route for every kind of caller: the table is the test."""

import copy
import re
import secrets
import time
from urllib.parse import parse_qs, urlsplit

import pytest

import tokens
import wire
from browser import OWN_PAGE, Browser, set_password
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
          "staging-resumable": "/resumable-query",
          "staging-operation": "/operation", "staging-session": "/session",
          "staging-health": "/health", "staging-ready": "/ready",
          "staging-metrics": "/metrics"}

COLUMNS = (("POST", ""), ("GET", ""), ("HEAD", ""), ("GET", "/{id}"),
           ("HEAD", "/{id}"), ("GET", "/{id}/data"), ("HEAD", "/{id}/data"),
           ("GET", "/{id}/events"), ("HEAD", "/{id}/events"),
           ("DELETE", "/{id}"), ("POST", "/delete"))

#                      POST list LIST get  GET  data DATA even EVEN DELETE many
EXPECTED = {
    "owner":          (202, 200, 200, 200, 200, 302, 302, 200, 200, 204, 200),
    "owner's query":  (202, 200, 200, 200, 200, 302, 302, 200, 200, 204, 200),
    "owner's session": (202, 200, 200, 200, 200, 302, 302, 200, 200, 204, 200),
    "owner, reads":   (403, 200, 200, 200, 200, 302, 302, 200, 200, 403, 403),
    "owner, writes":  (202, 403, 403, 403, 403, 403, 403, 403, 403, 204, 200),
    "nobody":         (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "wrong key":      (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "wrong query":    (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "revoked key":    (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "expired key":    (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "disabled":       (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "forged token":   (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "expired token":  (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "unsigned token": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "other audience": (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "ticket":         (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "cookie":         (401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401),
    "other account":  (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "other, reads":   (403, 200, 200, 404, 404, 404, 404, 404, 404, 403, 403),
    "other, writes":  (202, 403, 403, 403, 403, 403, 403, 403, 403, 404, 200),
    "lab token":      (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "lab query":      (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "owner's name":   (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "edi, granted":   (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "edi, ungranted": (403, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "edi key":        (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "two keys":       (400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400),
    "two carriers":   (400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400),
    "other service":  (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
    "another module": (202, 200, 200, 404, 404, 404, 404, 404, 404, 404, 200),
}

DELETERS = [who for who, statuses in EXPECTED.items() if 204 in statuses]

# The same callers, at the locations of resumable uploads that go with theirs.
RESUMABLE_PLACES = {"/upload": "/resumable-query",
                    "/otherservice": "/resumable-other",
                    "/basic": "/resumable-basic", "/mine": "/resumable-mine"}
RESUMABLE_COLUMNS = (("POST", ""), ("PUT", ""), ("HEAD", "/{id}"),
                     ("GET", "/{id}"), ("PATCH", "/{id}"), ("DELETE", "/{id}"))
ALL, STRANGER = (201, 201, 204, 200, 204, 204), (201, 201, 404, 404, 404, 404)
NO_ONE, AMBIGUOUS = (401,) * 6, (400,) * 6

#                      POST PUT  HEAD GET PATCH DELETE
RESUMABLE = {
    "owner":          ALL,
    "owner's query":  ALL,
    "owner's session": ALL,
    "owner, reads":   (403, 403, 204, 200, 403, 403),
    "owner, writes":  ALL,
    "nobody":         NO_ONE,
    "wrong key":      NO_ONE,
    "wrong query":    NO_ONE,
    "revoked key":    NO_ONE,
    "expired key":    NO_ONE,
    "disabled":       NO_ONE,
    "forged token":   NO_ONE,
    "expired token":  NO_ONE,
    "unsigned token": NO_ONE,
    "other audience": NO_ONE,
    "ticket":         NO_ONE,
    "cookie":         NO_ONE,
    "other account":  STRANGER,
    "other, reads":   (403, 403, 404, 404, 403, 403),
    "other, writes":  STRANGER,
    "lab token":      STRANGER,
    "lab query":      STRANGER,
    "owner's name":   STRANGER,
    "edi, granted":   STRANGER,
    "edi, ungranted": (403, 403, 404, 404, 403, 404),
    "edi key":        STRANGER,
    "two keys":       AMBIGUOUS,
    "two carriers":   AMBIGUOUS,
    "other service":  STRANGER,
    "another module": STRANGER,
}

# Signing in and out. What a session of one's own does: test_301 and test_303.
SESSION_COLUMNS = (("GET", ""), ("HEAD", ""), ("POST", ""), ("DELETE", ""),
                   ("DELETE", "/all"), ("GET", "/iam"), ("HEAD", "/iam"),
                   ("GET", "/{id}/return"), ("HEAD", "/{id}/return"),
                   ("GET", "/key"), ("HEAD", "/key"), ("POST", "/key"),
                   ("DELETE", "/key/{id}"))
PROOFLESS = (400, 400, 303, 303)
OF_ACCOUNT = (200, 200, 415, 204, 204, *PROOFLESS, 200, 200, 403, 403)
OF_READER = (200, 200, 415, 204, 403, *PROOFLESS, 200, 200, 403, 403)
OF_ISSUER = (200, 200, 415, 204, 204, *PROOFLESS, 403, 403, 403, 403)
OF_NOBODY = (200, 200, 415, 204, 401, *PROOFLESS, 401, 401, 401, 401)
REFUSED = (401, 401, 415, 204, 401, *PROOFLESS, 401, 401, 401, 401)
IN_QUERY = (400, 400, 415, 204, 400, *PROOFLESS, 400, 400, 400, 400)
SESSIONS = {
    **{who: REFUSED for who in EXPECTED},
    **{who: OF_ACCOUNT for who in (
        "owner", "owner, writes", "other account", "other, writes",
        "other service")},
    **{who: OF_READER for who in ("owner, reads", "other, reads")},
    **{who: OF_ISSUER for who in (
        "lab token", "owner's name", "edi, granted", "edi, ungranted")},
    **{who: OF_NOBODY for who in ("nobody", "cookie", "another module")},
    **{who: IN_QUERY for who in (
        "owner's query", "wrong query", "lab query", "two keys",
        "two carriers")},
    "edi key": OF_ISSUER,
}
del SESSIONS["owner's session"]

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


def by_session(server, account):
    """Of the same account, in a browser, at locations that accept it."""
    browser = Browser(server)
    assert browser.sign_in(
        name=account, password=set_password(server, account)).ok
    caller = Client(server, "/mine")
    caller.session.cookies.update(browser.session.cookies)
    caller.session.headers.update(OWN_PAGE)
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
        "owner's session": by_session(server, "owner"),
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
    if pattern == "/delete":
        return caller.request(method, pattern, json={"ids": [upload]})
    if method == "POST":
        body, kind = wire.form(("file", b"mine", "mine.txt"))
        return caller.request("POST", data=body,
                              headers={"Content-Type": kind})
    return caller.request(method, pattern.replace("{id}", upload))


def test_every_route_of_the_code_is_a_column():
    assert set(ROUTES) == set(PLACES)
    assert sorted(ROUTES["staging-uploads"]) == sorted(COLUMNS)
    assert sorted(set(ROUTES["staging-resumable"])) == \
        sorted(RESUMABLE_COLUMNS)
    others = {(handler, *route) for handler, routes in ROUTES.items()
              for route in routes
              if handler not in ("staging-uploads", "staging-resumable",
                                 "staging-operation", "staging-session")}
    assert sorted(ROUTES["staging-session"]) == sorted(SESSION_COLUMNS)
    assert others == set(FOR_ALL)


@pytest.mark.parametrize("who", EXPECTED)
@pytest.mark.parametrize("route", COLUMNS, ids=" ".join)
def test_everybody_gets_what_is_theirs(server, callers, who, route):
    owner = callers["owner"]
    upload = owner.stage(b"of the owner", label="the owner's")["id"]
    response = call(callers[who], *route, upload)
    assert response.status_code == EXPECTED[who][COLUMNS.index(route)]
    if (response.status_code, route[1]) == (200, "/delete"):
        is_gone = response.json()["results"] == [{"id": upload, "status": 204}]
        assert is_gone == (who in DELETERS)
        assert is_gone or "404" in response.text
    elif who.split(",")[0] not in ("owner", "owner's query",
                                     "owner's session"):
        assert upload not in response.text or response.status_code == 404
        assert upload not in response.headers.get("Location", "")
        assert "the owner's" not in response.text
    if response.status_code >= 400 and route[0] != "HEAD":
        assert set(response.json()) == {"detail", "request_id"}
    still = owner.get(upload).status_code
    has_deleted = who in DELETERS and route in (("DELETE", "/{id}"),
                                                ("POST", "/delete"))
    assert still == (404 if has_deleted else 200)
    server.log.fresh()


def resumable(caller, method, pattern, upload=""):
    """A request by the draft, at the place that goes with the caller's."""
    caller = copy.copy(caller)
    caller.path = RESUMABLE_PLACES[caller.path]
    headers = {"HEAD": {}, "GET": {}, "DELETE": {}, "PATCH": {
        "Content-Type": "application/partial-upload",
        "Upload-Complete": "?0", "Upload-Offset": "0"}}.get(
            method, {"Upload-Complete": "?0", "Upload-Length": "10"})
    return caller.request(method, pattern.replace("{id}", upload),
                          headers=headers,
                          data=b"12345" if method == "PATCH" else None)


@pytest.mark.parametrize("who", RESUMABLE)
@pytest.mark.parametrize("route", RESUMABLE_COLUMNS, ids=" ".join)
def test_everybody_goes_on_with_what_is_theirs(server, callers, who, route):
    owner = callers["owner"]
    upload = resumable(owner, "POST", "").headers["Location"].rsplit("/")[-1]
    response = resumable(callers[who], *route, upload)
    assert response.status_code == \
        RESUMABLE[who][RESUMABLE_COLUMNS.index(route)]
    assert upload not in response.headers.get("Location", "")
    if response.status_code >= 400:
        assert "Upload-Offset" not in response.headers
        assert response.headers["Content-Type"] == "application/problem+json"
        assert upload not in response.text
    state = resumable(owner, "HEAD", "/{id}", upload)
    is_gone = (response.status_code, route[0]) == (204, "DELETE")
    assert state.status_code == (410 if is_gone else 204)
    if not is_gone:
        assert state.headers["Upload-Offset"] == \
            ("5" if response.status_code == 204 and route[0] == "PATCH"
             else "0")
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


@pytest.mark.parametrize("who", EXPECTED)
@pytest.mark.parametrize("route", ROUTES["staging-operation"], ids=" ".join)
def test_nobody_is_an_operator_without_being_made_one(server, callers, who,
                                                      route):
    method, pattern = route
    response = callers[who].session.request(
        method, server.url + PLACES["staging-operation"] +
        pattern.replace("{number}", "1"), timeout=20)
    known = EXPECTED[who][COLUMNS.index(("GET", ""))]
    assert response.status_code == (
        401 if who == "another module" else 403 if known == 200 else known)


@pytest.mark.parametrize("who", SESSIONS)
@pytest.mark.parametrize("route", SESSION_COLUMNS, ids=" ".join)
def test_everybody_signs_in_and_out_for_themselves(server, callers, who,
                                                   route):
    method, pattern = route
    response = callers[who].session.request(
        method, server.url + PLACES["staging-session"] + pattern.replace(
            "{id}", "11111111-2222-4333-8444-555555555555"), timeout=20,
        allow_redirects=False)
    assert response.status_code == SESSIONS[who][SESSION_COLUMNS.index(route)]
    assert "staging=" not in response.headers.get("Set-Cookie", "").replace(
        "staging=; ", "")


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
