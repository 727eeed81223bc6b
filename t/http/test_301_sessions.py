# SPDX-License-Identifier: Apache-2.0
"""What becomes of a session, and what its cookie opens."""

from datetime import datetime

import pytest
import requests

import wire
from browser import COOKIE, OWN_PAGE, Browser, set_password
from clients import Client

GUESS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(name="ada")
def browser_of_ada(server):
    return signed_in(server)


def signed_in(server, path="/session", account="ada"):
    browser = Browser(server, path)
    password = set_password(server, account) \
        if account not in KNOWN else "a long password"
    KNOWN.add(account)
    assert browser.sign_in(name=account, password=password).status_code == 201
    return browser


KNOWN = set()


def rows(server, account="ada"):
    return server.sql("SELECT count(*) FROM session WHERE subject = %s",
                      server.accounts[account])[0][0]


def with_cookie(server, value, method="GET", path="", name=COOKIE):
    return Browser(server).request(
        method, path, headers={**OWN_PAGE, "Cookie": f"{name}={value}"})


# --- its beginning ---------------------------------------------------------------

def test_every_sign_in_is_a_new_session_and_ends_the_old(server, ada):
    """Row 30: a cookie that an attacker knows is none after it."""
    first = ada.cookie
    ada.sign_in(name="ada", password="a long password")
    assert ada.cookie != first
    assert with_cookie(server, first).json()["name"] is None
    assert ada.state()["name"] == "ada"


def test_a_cookie_that_somebody_chose_is_never_taken_over(server):
    browser = Browser(server)
    chosen = "A" * 43
    browser.session.cookies.set(COOKIE, chosen)
    set_password(server, "fixed")
    response = browser.sign_in(name="fixed", password="a long password")
    assert response.cookies[COOKIE] != chosen
    assert with_cookie(server, chosen).json()["name"] is None


def test_no_two_cookies_are_alike(server):
    values = {signed_in(server).cookie for _ in range(20)}
    assert len(values) == 20
    for place in range(42):
        assert len({value[place] for value in values}) > 2


def test_nobody_has_more_than_fifty_sessions(server):
    """Row 15: the one that was not seen for longest ends."""
    browsers = [signed_in(server, account="everywhere") for _ in range(51)]
    assert rows(server, "everywhere") == 50
    assert browsers[0].state()["name"] is None
    for browser in (browsers[1], browsers[-1]):
        assert browser.state()["name"] == "everywhere"


# --- its end -----------------------------------------------------------------------

def test_a_session_that_waits_too_long_ends(server):
    browser = signed_in(server, "/session-brief")
    assert browser.state()["name"] == "ada"
    server.sql("UPDATE session SET seen = now() - interval '1 hour', "
               "idle_end = now() - interval '1 second' WHERE idle_seconds = 30")
    assert browser.state()["name"] is None
    assert browser.cookie is None


def test_a_request_keeps_a_session_alive_but_not_for_ever(server):
    browser = signed_in(server)
    state = browser.state()
    server.sql("UPDATE session SET seen = seen - interval '2 minutes', "
               "idle_end = idle_end - interval '2 minutes'")
    later = browser.state()
    assert later["idle_end"] >= state["idle_end"]
    assert later["end"] == state["end"]
    server.sql("UPDATE session SET seen = seen - interval '2 minutes', "
               "lifetime_end = now() + interval '1 hour', "
               "idle_end = now() + interval '1 minute'")
    last = browser.state()
    assert last["idle_end"] == last["end"]


def test_a_session_that_is_used_waits_anew_however_short_it_waits(server):
    browser = signed_in(server)
    server.sql("UPDATE session SET idle_seconds = 20, "
               "seen = now() - interval '3 seconds', "
               "idle_end = now() + interval '17 seconds' WHERE subject = %s",
               server.accounts["ada"])
    left = ("SELECT max(extract(epoch FROM idle_end - seen)), max(seen) > %s "
            "FROM session WHERE subject = %s AND idle_seconds = 20")
    asked = server.sql("SELECT now()")[0][0], server.accounts["ada"]
    assert server.sql(left, *asked) == [(20, False)]
    browser.state()
    assert server.sql(left, *asked) == [(20, True)]


def test_what_a_browser_asks_every_second_writes_once_a_minute(server, ada):
    server.sql("UPDATE session SET seen = now() - interval '2 minutes'")
    query = "SELECT seen FROM session WHERE subject = %s ORDER BY seen"
    subject = server.accounts["ada"]
    ada.state()
    seen = server.sql(query, subject)
    for _ in range(5):
        ada.state()
    assert server.sql(query, subject) == seen


def test_directives_say_how_long(server):
    state = signed_in(server, "/session-brief").state()
    created, idle_end, end = (datetime.fromisoformat(state[name]) for name in (
        "created", "idle_end", "end"))
    assert 29 <= (idle_end - created).total_seconds() <= 31
    assert 59 <= (end - created).total_seconds() <= 61


def test_what_has_ended_is_collected(server):
    signed_in(server, "/session-brief")
    server.sql("UPDATE session SET idle_end = now() - interval '1 second' "
               "WHERE idle_seconds = 30")
    server.wait(lambda: server.sql(
        "SELECT count(*) FROM session WHERE idle_seconds = 30") == [(0,)], 30)


def test_signing_out_ends_this_session_only(server, ada):
    other = signed_in(server)
    cookie = ada.cookie
    response = ada.request("DELETE")
    assert response.status_code == 204
    assert ada.cookie is None
    assert with_cookie(server, cookie).json()["name"] is None
    assert with_cookie(server, cookie, path="/mine").status_code == 401
    assert ada.request("DELETE").status_code == 204
    assert other.state()["name"] == "ada"


def test_signing_out_everywhere_ends_all_of_ones_own(server, ada):
    other = signed_in(server)
    stranger = signed_in(server, account="stranger")
    assert rows(server) >= 2
    assert ada.request("DELETE", "/all").status_code == 204
    assert rows(server) == 0
    assert other.state()["name"] is None
    assert stranger.state()["name"] == "stranger"
    assert ada.request("DELETE", "/all").status_code == 401


def test_a_key_that_only_reads_ends_no_session_but_its_own(server, ada):
    key = server.key("ada", "--scope", "read")
    made_of_it = Browser(server)
    assert made_of_it.sign_in(key=key).status_code == 201
    for response in (with_key(server, key), made_of_it.request("DELETE",
                                                               "/all")):
        assert response.status_code == 403
        assert response.json()["detail"] == \
            "this key or token does not allow that"
        assert "Set-Cookie" not in response.headers
    assert ada.state()["name"] == made_of_it.state()["name"] == "ada"
    assert made_of_it.request("DELETE").status_code == 204
    key = server.key("ada", "--scope", "write")
    assert with_key(server, key).status_code == 204
    assert ada.state()["name"] is None


def with_key(server, key):
    return Browser(server).request("DELETE", "/all", headers={
        "Authorization": "Bearer " + key})


def test_a_disabled_account_is_out_at_once(server):
    browser = signed_in(server, account="leaver")
    cookie = browser.cookie
    server.ctl("account", "disable", "leaver")
    assert browser.state()["name"] is None
    assert browser.request("GET", "/mine").status_code == 401
    server.ctl("account", "enable", "leaver")
    assert with_cookie(server, cookie).json()["name"] is None


# --- what it opens ----------------------------------------------------------------

def test_it_counts_only_where_it_is_on(server, ada):
    assert ada.request("GET", "/mine").status_code == 200
    assert ada.request("GET", "/upload").status_code == 401
    assert ada.request("POST", "/resumable").status_code in (400, 401, 412)


def test_it_opens_resumable_uploads(server, ada):
    headers = {**OWN_PAGE, "Tus-Resumable": "1.0.0", "Upload-Length": "5"}
    made = ada.request("POST", "/resumable-mine", headers=headers)
    assert made.status_code == 201
    sent = ada.request("PATCH", made.headers["Location"], data=b"12345",
                       headers={**OWN_PAGE, "Tus-Resumable": "1.0.0",
                                "Upload-Offset": "0", "Content-Type":
                                "application/offset+octet-stream"})
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, "5")
    name = made.headers["Location"].rsplit("/")[-1]
    assert name in [one["id"] for one in ada.request("GET", "/mine").json()]


def test_what_it_made_belongs_to_the_account(server, ada):
    body, kind = wire.form(("file", b"of ada", "a.txt"))
    made = ada.request("POST", "/mine", data=body,
                       headers={**OWN_PAGE, "Content-Type": kind}).json()
    by_key = Client(server, "/upload", server.key("ada"))
    stranger = signed_in(server, account="stranger")
    assert by_key.get(made["id"]).status_code == 200
    assert stranger.request(
        "GET", "/mine/" + made["id"]).status_code == 404


FOREIGN = [{}, {"Sec-Fetch-Site": "cross-site"},
           {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
           {"Sec-Fetch-Site": ""}, {"Origin": "https://evil.example"},
           {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
           {"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}]
CHANGES = [("POST", "/mine"), ("DELETE", "/mine/" + GUESS),
           ("POST", "/resumable-mine"), ("PATCH", "/resumable-mine/" + GUESS),
           ("DELETE", "/resumable-mine/" + GUESS), ("POST", "/key"),
           ("DELETE", "/key/" + GUESS), ("DELETE", "/all")]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("method, path", CHANGES, ids=" ".join)
def test_row_27_no_foreign_page_changes_anything_by_session(server, ada,
                                                            method, path,
                                                            headers):
    headers = {name: server.url if value == "SELF" else value
               for name, value in headers.items()}
    response = ada.request(method, path, data=b"{}", headers={
        **headers, "Content-Type": "application/json",
        "Tus-Resumable": "1.0.0", "Upload-Length": "5"})
    assert response.status_code == 403
    assert "Location" not in response.headers
    assert ada.state()["name"] == "ada"


@pytest.mark.parametrize("headers", [
    one for one in FOREIGN if one], ids=str)
def test_row_27_no_foreign_page_signs_anybody_out(server, ada, headers):
    headers = {name: server.url if value == "SELF" else value
               for name, value in headers.items()}
    assert ada.request("DELETE", headers=headers).status_code == 403
    assert ada.state()["name"] == "ada"


@pytest.mark.parametrize("headers", [OWN_PAGE, {"Origin": "SELF"}], ids=str)
def test_pages_of_ours_change_what_is_theirs(server, ada, headers):
    headers = {name: server.url if value == "SELF" else value
               for name, value in headers.items()}
    assert ada.request("DELETE", "/mine/" + GUESS,
                       headers=headers).status_code == 404


def test_pages_of_others_read_nothing(server, ada):
    """No answer has a field that would let them."""
    for path in ("", "/mine", "/key"):
        response = ada.request("GET", path, headers={
            "Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in response.headers


# --- more than one proof -------------------------------------------------------

def test_what_is_shown_on_purpose_goes_before_the_cookie(server, ada):
    key = server.key("other")
    headers = {**OWN_PAGE, "Authorization": "Bearer " + key}
    state = ada.request("GET", headers=headers).json()
    assert (state["name"], state["how"]) == ("other", "bearer")
    headers["Authorization"] = "Bearer nonsense"
    assert ada.request("GET", headers=headers).status_code == 401


def test_two_cookies_that_count_are_400(server, ada):
    token = server.token("grace")
    for cookie, status in (
            (f"{COOKIE}={ada.cookie}", 200), (f"edi-token={token}", 200),
            (f"{COOKIE}={ada.cookie}; edi-token={token}", 400)):
        response = requests.get(server.url + "/mine-and-edi", timeout=20,
                                headers={"Cookie": cookie})
        assert response.status_code == status


@pytest.mark.parametrize("cookie", [
    "staging=T; staging=x", "staging=x; staging=T", "staging=", "staging",
    "staging=%00", "STAGING=T", "stagingx=T", "xstaging=T", "staging =T",
    '$Version=1; staging="T"', "__Host-staging=T", "staging=Tx",
    "staging_chunks=99999999; staging_0=T", "staging=" + "A" * 43,
    "staging=" + "A" * 7000, "=; =;;; ;=", "; " * 3000 + "x=T"],
    ids=lambda cookie: cookie[:30])
def test_row_30_a_cookie_is_one_session_or_none(server, ada, cookie):
    server.log.allow("submitted cookie 'staging' more than once")
    with server.connect() as connection:
        connection.request("GET", "/mine", {
            "Cookie": cookie.replace("T", ada.cookie)})
        assert connection.response().status == 401


def test_a_cookie_that_is_worth_nothing_is_dropped(server, ada):
    ada.session.cookies.clear()
    response = with_cookie(server, "A" * 43)
    assert response.json()["name"] is None
    name, *rest = response.headers["Set-Cookie"].split("; ")
    assert name == COOKIE + "=" and "Max-Age=0" in rest


def test_no_log_holds_a_cookie(server, ada):
    ada.request("GET", "/mine")
    ada.request("GET", "/mine?limit=x")
    ada.request("DELETE")
    assert not server.find_secrets(ada.cookie or "a long password")


def test_a_session_is_no_token_and_no_key(server, ada):
    """The cookie counts as a cookie only."""
    for place in ({"Authorization": "Bearer " + ada.cookie},
                  {"Cookie": "edi-token=" + ada.cookie}):
        assert requests.get(server.url + "/mine-and-edi", headers=place,
                            timeout=20).status_code == 401
    assert requests.get(server.url + "/upload?key=" + ada.cookie,
                        timeout=20).status_code == 401
