# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens of the EDI IAM and of another issuer, good and bad."""

import time

import pytest

import tokens
from clients import Client

SUB = tokens.edi_id("ada")
GOOD = sorted(tokens.good_tokens(tokens.Mint(), SUB))
BAD = sorted(tokens.bad_tokens(tokens.Mint(), SUB))


def edi(server, token, path="/edi"):
    return Client(server, path, token and server.secret(token))


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_token_reads(server, iam, kind):
    token = tokens.good_tokens(iam.mint, SUB)[kind]
    assert edi(server, token).request("GET").status_code == 200


@pytest.mark.parametrize("kind", sorted(set(BAD) - {"too_long"}))
def test_a_bad_token_is_401(server, iam, kind):
    token = tokens.bad_tokens(iam.mint, SUB)[kind]
    caller = edi(server, token)
    response = caller.request("GET")
    assert response.status_code == 401, response.text
    assert response.headers["WWW-Authenticate"] == \
        'Bearer error="invalid_token"'
    assert token not in response.text
    assert caller.post().status_code == 401
    # and nobody was asked about it
    assert not [seen for seen in iam.seen("authorized") if seen["cookie"]]


def test_a_token_that_httpd_finds_too_long_is_refused(server, iam):
    token = server.secret(tokens.bad_tokens(iam.mint, SUB)["too_long"])
    response = edi(server, token).request("GET")
    assert response.status_code == 400
    assert set(response.json()) == {"detail", "request_id"}
    assert Client(server, "/edi").request(
        "GET", "?token=" + token).status_code == 414


@pytest.mark.parametrize("kind", sorted(set(BAD) - {"too_long"}))
def test_a_bad_token_is_401_in_the_query_too(server, iam, kind):
    token = server.secret(tokens.bad_tokens(iam.mint, SUB)[kind])
    response = Client(server, "/edi").session.get(
        server.url + "/edi", params={"token": token}, timeout=20)
    assert response.status_code == 401
    assert token not in response.text


def test_a_token_may_stand_in_the_query(server, iam):
    token = server.secret(iam.token(SUB))
    assert Client(server, "/edi").request(
        "GET", "?token=" + token).status_code == 200


def test_the_owner_is_the_subject(server, iam):
    mine = edi(server, iam.token(SUB))
    iam.grant(SUB)
    entry = mine.stage()
    again = edi(server, iam.token(SUB, cn="New name"))
    assert again.get(entry["id"]).json() == entry
    other = edi(server, iam.token(tokens.edi_id("eve"), principals=[SUB],
                                  links=[{"ediId": SUB}]))
    assert other.get(entry["id"]).status_code == 404
    iam.revoke(SUB)


def test_the_scheme_is_case_insensitive(server, iam):
    response = Client(server, "/edi").request("GET", headers={
        "Authorization": "bEaReR " + server.secret(iam.token(SUB))})
    assert response.status_code == 200


def test_a_token_that_expires_during_a_session_ends_it(server, iam):
    caller = edi(server, iam.token(SUB, exp=int(time.time()) + 5))
    assert caller.request("GET").status_code == 200
    server.wait(lambda: caller.request("GET").status_code == 401)


# --- an issuer with an audience, whose tokens need no IAM --------------------

def test_a_token_with_our_audience_may_do_everything(server, iam):
    caller = edi(server, server.token("grace"))
    entry = caller.stage()
    assert caller.get(entry["id"]).status_code == 200
    assert caller.delete(entry["id"]).status_code == 204
    assert not iam.requests


@pytest.mark.parametrize("changes", [
    {"aud": "somebody-else"}, {"aud": tokens.Absent}, {"aud": ["a", "b"]},
    {"aud": 7}, {"aud": "staging2"}, {"aud": ""},
    {"iss": "https://auth.edirepository.org"},
    {"iss": "https://lab.example.org/"}], ids=str)
def test_a_token_for_another_audience_is_401(server, changes):
    caller = edi(server, server.token("grace", **changes))
    assert caller.request("GET").status_code == 401


def test_one_of_several_audiences_is_enough(server):
    caller = edi(server, server.token("grace", aud=["x", "staging"]))
    assert caller.request("GET").status_code == 200


def test_the_same_subject_of_two_issuers_is_two_owners(server, iam):
    lab = edi(server, server.token(SUB))
    entry = lab.stage()
    assert edi(server, iam.token(SUB)).get(entry["id"]).status_code == 404


# --- the cookie ----------------------------------------------------------------

def cookie(server, token, path="/cookie"):
    caller = Client(server, path)
    caller.session.headers["Cookie"] = "edi-token=" + server.secret(token)
    return caller


def test_the_cookie_counts_only_where_allowed(server):
    token = server.token("grace")
    assert cookie(server, token).request("GET").status_code == 200
    assert cookie(server, token, "/upload").request("GET").status_code == 401


@pytest.mark.parametrize("headers, status", [
    ({}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 202),
    ({"Origin": "SELF"}, 202)], ids=str)
def test_a_foreign_page_cannot_change_anything_by_cookie(server, headers,
                                                         status):
    headers = {name: server.url if value == "SELF" else value
               for name, value in headers.items()}
    caller = cookie(server, server.token("grace"))
    assert caller.post(headers=headers).status_code == status


def test_a_bad_cookie_is_401(server, iam):
    for token in tokens.bad_tokens(iam.mint, SUB).values():
        if "\n" not in token and len(token) < 8000:
            assert cookie(server, token).request("GET").status_code == 401
