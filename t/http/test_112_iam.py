# SPDX-License-Identifier: Apache-2.0
"""The EDI IAM: what is asked, what is remembered, and what happens when it
fails (spec/edi.md, 3.3)."""

import json
import secrets
import threading
import time

import pytest

import tokens
from clients import Client
from iam_standin import FAULTS

SLOW = {"hang"}
QUICK = sorted(FAULTS - SLOW)


@pytest.fixture(name="person")
def new_person(server, iam):
    """(secret of a new key, its owner): nobody's answers are cached."""
    secret = server.secret(secrets.token_urlsafe(20))
    sub = tokens.edi_id(secret)
    iam.add_key(secret, sub)
    iam.grant(sub)
    return secret, sub


def by_key(server, secret):
    """Calls with ?key=, as the EDI service is called."""
    caller = Client(server, "/edi")
    caller.session.params = {"key": secret}
    return caller


def by_token(server, iam, sub):
    return Client(server, "/edi", server.secret(iam.token(sub)))


def is_down(response):
    """Never allowed, and worth trying again."""
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert set(response.json()) >= {"detail", "request_id"}
    return True


def test_a_key_is_exchanged_and_its_owner_asked_for(server, iam, person):
    secret, sub = person
    entry = by_key(server, secret).stage()
    exchange, = iam.seen("key")
    assert (exchange["method"], exchange["query"]) == ("POST", "")
    assert json.loads(exchange["body"]) == {"key": secret}
    headers = {name.lower(): value
               for name, value in exchange["headers"].items()}
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "application/json"
    assert exchange["cookie"] is None
    question, = iam.seen("authorized")
    assert question["method"] == "GET"
    assert question["query"] == \
        "resource_key=staging_uploads&permission=write"
    assert question["body"] == ""
    name, token = question["cookie"].split("=", 1)
    assert name == "edi-token"
    server.secret(token)
    assert iam.subject_of(token) == sub
    assert len(iam.requests) == 2
    assert by_token(server, iam, sub).get(entry["id"]).status_code == 200


def test_a_token_goes_to_the_iam_as_a_cookie_only(server, iam, person):
    caller = by_token(server, iam, person[1])
    caller.stage()
    question, = iam.requests
    assert question["cookie"] == "edi-token=" + caller.bearer
    headers = {name.lower() for name in question["headers"]}
    assert "authorization" not in headers
    assert caller.bearer not in question["query"]


def test_only_uploading_asks_for_a_grant(server, iam, person):
    entry = by_token(server, iam, person[1]).stage()
    iam.revoke(person[1])
    iam.forget_requests()
    caller = by_token(server, iam, person[1])
    assert caller.list()
    assert caller.location(entry["id"])
    assert caller.delete(entry["id"]).status_code == 204
    assert not iam.requests


def test_a_key_may_be_a_bearer_credential(server, iam, person):
    assert Client(server, "/edi", person[0]).post().status_code == 202
    assert len(iam.seen("key")) == 1


def test_a_group_key_uploads_for_the_group(server, iam):
    secret = server.secret(secrets.token_urlsafe(20))
    sub = tokens.edi_id(secret)
    iam.add_key(secret, sub, cn="Field crew", is_group=True)
    iam.grant(sub)
    entry = by_key(server, secret).stage()
    owner = server.sql("SELECT owner FROM upload WHERE id = %s", entry["id"])
    assert owner == [("edi:" + sub,)]


def test_answers_are_remembered(server, iam, person):
    caller = by_key(server, person[0])
    for _ in range(3):
        caller.stage()
    assert len(iam.seen("key")) == 1
    assert len(iam.seen("authorized")) == 1


def test_a_refusal_is_remembered_for_a_few_seconds_only(server, iam, person):
    secret, sub = person
    iam.revoke(sub)
    caller = by_key(server, secret)
    for _ in range(3):
        assert caller.post().status_code == 403
    assert len(iam.seen("authorized")) == 1
    iam.grant(sub)
    server.wait(lambda: caller.post().status_code == 202)


def test_an_unknown_key_is_401_and_asked_for_again(server, iam):
    secret = server.secret(secrets.token_urlsafe(20))
    caller = by_key(server, secret)
    response = caller.request("GET")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    iam.add_key(secret, tokens.edi_id(secret))
    assert caller.request("GET").status_code == 200


def test_a_key_of_ours_is_never_shown_to_the_iam(server, iam, alice_key):
    assert Client(server, "/edi", alice_key).request("GET").status_code == 200
    assert Client(server, "/edi", alice_key[:-1]).request(
        "GET").status_code == 401
    assert not iam.requests


def test_a_bad_token_is_never_shown_to_the_iam(server, iam):
    forged = server.secret(tokens.Mint().token("EDI-1"))
    assert Client(server, "/edi", forged).post().status_code == 401
    assert not iam.requests


def test_a_missing_resource_is_403_and_told_to_the_administrator(server, iam,
                                                                 person):
    iam.remove_resource()
    server.log.expect("does not know the resource")
    assert by_key(server, person[0]).post().status_code == 403


def test_an_iam_that_does_not_take_the_token_is_401(server, iam, person):
    iam.deleted.add(person[1])
    assert by_key(server, person[0]).post().status_code == 401
    iam.deleted.clear()


@pytest.mark.parametrize("fault", QUICK)
def test_a_failing_key_exchange_is_503(server, iam, person, fault):
    iam.fail(fault, "key")
    server.log.expect("IAM_DOWN")
    assert is_down(by_key(server, person[0]).request("GET"))
    iam.fail(None)
    assert by_key(server, person[0]).request("GET").status_code == 200


@pytest.mark.parametrize("fault", sorted(set(QUICK) - {
    "no_token", "not_json", "empty"}))
def test_a_failing_grant_is_503(server, iam, person, fault):
    iam.fail(fault, "authorized")
    server.log.expect("IAM_DOWN")
    assert is_down(by_key(server, person[0]).post())
    iam.fail(None)
    assert by_key(server, person[0]).post().status_code == 202


@pytest.mark.parametrize("kind", [
    "alg_none", "alg_hs256", "wrong_key", "expired", "nbf_future",
    "wrong_iss", "wrong_hd", "no_sub", "number_sub", "not_a_token"])
def test_a_bad_token_from_the_iam_opens_nothing(server, iam, person, kind):
    iam.fail(kind, "key")
    response = by_key(server, person[0]).request("GET")
    assert response.status_code in (401, 503)
    server.log.fresh()


def test_a_lost_connection_is_tried_once_more(server, iam, person):
    iam.fail("hang_up", "key", 1)
    assert by_key(server, person[0]).request("GET").status_code == 200
    assert len(iam.seen("key")) >= 2


def test_a_failing_iam_is_not_asked_on_and_on(server, iam, person):
    iam.fail("hang_up", "key")
    server.log.expect("IAM_DOWN")
    assert is_down(by_key(server, person[0]).request("GET"))
    # libcurl itself repeats what a kept-alive connection did not take
    assert 2 <= len(iam.seen("key")) <= 3


def test_redirects_of_the_iam_are_not_followed(server, iam, person):
    iam.fail("redirect", "authorized")
    server.log.expect("IAM_DOWN")
    assert is_down(by_key(server, person[0]).post())
    assert {seen["path"] for seen in iam.requests} == \
        {"/auth/v1/key", "/auth/v1/authorized"}


def test_a_hanging_iam_is_given_ten_seconds(server, iam, person):
    """Both routes at once, since each takes its time."""
    iam.fail("hang", "key")
    server.log.expect("IAM_DOWN")
    answers = []

    def ask(caller, began):
        response = caller.request("GET")
        answers.append((response, time.monotonic() - began))

    secret = server.secret(secrets.token_urlsafe(20))
    threads = [threading.Thread(target=ask, args=(
        by_key(server, one), time.monotonic())) for one in (secret, person[0])]
    for thread in threads:
        thread.start()
    # meanwhile others are served
    assert by_token(server, iam, person[1]).request("GET").status_code == 200
    for thread in threads:
        thread.join()
    for response, seconds in answers:
        assert is_down(response)
        assert 8 < seconds < 20  # half of what it hangs


def test_a_remembered_answer_outlives_a_failing_iam(server, iam, person):
    caller = by_key(server, person[0])
    caller.stage()
    iam.fail("html_500")
    assert caller.post().status_code == 202


def test_an_outage_does_not_concern_those_who_need_no_iam(server, iam, alice):
    iam.fail("hang_up")
    assert alice.post().status_code == 202
    assert not iam.requests


def test_nothing_is_kept_of_a_refused_upload(server, iam, person):
    iam.revoke(person[1])
    count = server.sql("SELECT count(*) FROM upload")
    assert by_key(server, person[0]).post().status_code == 403
    assert server.sql("SELECT count(*) FROM upload") == count
