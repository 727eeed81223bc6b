# SPDX-License-Identifier: Apache-2.0
"""Keys of one's own account, made and ended in the browser."""

import pytest
import requests

from browser import OWN_PAGE, Browser, set_password
from clients import Client

GUESS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(name="owner")
def browser_of_owner(server):
    browser = Browser(server)
    password = set_password(server, "keyowner")
    assert browser.sign_in(name="keyowner",
                           password=password).status_code == 201
    return browser


def make(browser, **changes):
    spec = {"label": "of a test", "scopes": ["read", "write"], **changes}
    response = browser.request("POST", "/key", json=spec)
    if response.status_code == 201:
        browser.server.secret(response.json()["key"])
    return response


def entry(browser, made):
    return [one for one in browser.request("GET", "/key").json()
            if one["id"] == made["id"]][0]


def status(server, key, method="GET"):
    caller = Client(server, "/upload", key)
    return (caller.request("GET") if method == "GET" else
            caller.post()).status_code


def test_a_key_made_in_the_browser_opens_the_door(server, owner):
    made = make(owner).json()
    assert made["hint"] == made["key"][:12]
    assert status(server, made["key"]) == 200
    assert status(server, made["key"], "POST") == 202


def test_a_key_is_shown_once(server, owner):
    made = make(owner).json()
    listed = owner.request("GET", "/key")
    assert made["key"] not in listed.text
    key = made.pop("key")
    assert entry(owner, made) == made
    assert status(server, key) == 200
    assert entry(owner, made)["last_used"] is not None


def test_scopes_and_end_are_as_chosen(server, owner):
    reader = make(owner, scopes=["read"], expires_days=1).json()
    assert reader["scopes"] == ["read"]
    assert reader["expires"][:10] > reader["created"][:10]
    assert status(server, reader["key"]) == 200
    assert status(server, reader["key"], "POST") == 403
    assert make(owner, expires_days=None).json()["expires"] is None


def test_a_revoked_key_ends_within_seconds(server, owner):
    made = make(owner).json()
    assert status(server, made["key"]) == 200
    for _ in range(2):
        assert owner.request(
            "DELETE", "/key/" + made["id"]).status_code == 204
    server.wait(lambda: status(server, made["key"]) == 401, 15)
    ended = entry(owner, made)
    assert ended["status"] == "revoked" and ended["revoked"]


def test_keys_of_others_are_not_there(server, owner):
    server.key("stranger")
    other = Browser(server)
    other.sign_in(name="other-keys", password=set_password(
        server, "other-keys"))
    made = make(owner).json()
    assert made["id"] not in other.request("GET", "/key").text
    answers = [other.request("DELETE", "/key/" + one)
               for one in (made["id"], GUESS)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert status(server, made["key"]) == 200


def test_a_key_makes_and_ends_no_keys(server, owner):
    """One that leaked would outlive its end, or shut its owner out."""
    made = make(owner).json()
    signed_in = Browser(server)
    assert signed_in.sign_in(key=made["key"]).status_code == 201
    bearer = {**OWN_PAGE, "Authorization": "Bearer " + made["key"]}
    for ask in (signed_in.request,
                lambda *more, **most: Browser(server).request(
                    *more, headers=bearer, **most)):
        assert ask("GET", "/key").status_code == 200
        assert ask("POST", "/key", json={
            "label": "x", "scopes": ["read"]}).status_code == 403
        assert ask("DELETE", "/key/" + made["id"]).status_code == 403
    assert status(server, made["key"]) == 200


def test_only_accounts_have_keys(server):
    headers = {"Authorization": "Bearer " + server.token("grace")}
    for method, path in (("GET", "/key"), ("POST", "/key"),
                         ("DELETE", "/key/" + GUESS)):
        assert Browser(server).request(
            method, path, headers=headers, json={}).status_code == 403


@pytest.mark.parametrize("changes, field", [
    ({"label": None}, "label"), ({"label": 7}, "label"),
    ({"scopes": []}, "scopes"), ({"scopes": ["root"]}, "scopes"),
    ({"scopes": ["read", "root"]}, "scopes"),
    ({"scopes": ["root", "read"]}, "scopes"), ({"scopes": "read"}, "scopes"),
    ({"scopes": ["read", None]}, "scopes"),
    ({"expires_days": 0}, "expires_days"),
    ({"expires_days": 3651}, "expires_days"),
    ({"expires_days": "1"}, "expires_days"),
    ({"expires_days": 1.5}, "expires_days")], ids=str)
def test_what_is_wrong_is_named(owner, changes, field):
    response = make(owner, **changes)
    assert response.status_code == 400
    assert [one["field"] for one in response.json()["problems"]] == [field]


@pytest.mark.parametrize("label", ["x" * 201, "line\nfeed", "\x1b[31m"])
def test_labels_are_plain(owner, label):
    assert make(owner, label=label).status_code == 400


@pytest.mark.parametrize("label", [
    "", "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>",
    "Schlüssel für 北京", "x" * 200])
def test_labels_are_kept_as_data(owner, label):
    made = make(owner, label=label)
    assert made.headers["Content-Type"] == "application/json"
    assert entry(owner, made.json())["label"] == label


def test_an_account_has_an_end_of_keys(server):
    """Row 16: a session in wrong hands fills no database."""
    browser = Browser(server)
    browser.sign_in(name="hoarder", password=set_password(server, "hoarder"))
    answers = [make(browser).status_code for _ in range(101)]
    assert answers == [201] * 100 + [409]
    made = browser.request("GET", "/key").json()[0]
    browser.request("DELETE", "/key/" + made["id"])
    assert make(browser).status_code == 409


def test_a_key_of_the_administrator_is_listed_too(server, owner):
    server.key("keyowner", "--label", "of the administrator")
    assert "of the administrator" in owner.request("GET", "/key").text


def test_without_a_session_there_are_no_keys(server):
    for method, path in (("GET", "/key"), ("POST", "/key"),
                         ("DELETE", "/key/" + GUESS)):
        response = requests.request(
            method, server.url + "/session" + path, json={}, timeout=20)
        assert response.status_code == 401
