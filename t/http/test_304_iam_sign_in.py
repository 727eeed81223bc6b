# SPDX-License-Identifier: Apache-2.0
"""Signing in through the IAM: there and back, and nothing else comes in."""

import re
import secrets
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

import tokens
import wire
from browser import OWN_PAGE, Browser

PERSONAL = ("Lovelace", "ada%40example", "ada@example", "github.com")


@pytest.fixture(name="person")
def new_person(iam):
    iam.person = tokens.edi_id(secrets.token_hex(8))
    yield iam.person
    iam.person = None


@pytest.fixture(name="browser")
def new_browser(server):
    return Browser(server)


def leave(browser, provider="orcid", **more):
    return browser.request("GET", "/iam?provider=" + provider, **more)


def there(browser):
    """(URL of the way back with all that the IAM adds)."""
    response = leave(browser)
    assert response.status_code == 303
    back = requests.get(response.headers["Location"], timeout=20,
                        allow_redirects=False)
    assert back.status_code == 307
    target = back.headers["Location"]
    for token in parse_qs(urlsplit(target).query).get("edi_token", []):
        browser.server.secret(token)
    return target


def token_in(url):
    return parse_qs(urlsplit(url).query)["edi_token"][0]


def back(browser, url):
    response = browser.session.get(url, allow_redirects=False, timeout=20,
                                   headers={"Sec-Fetch-Site": "cross-site"})
    if browser.cookie:
        browser.server.secret(browser.cookie)
    return response


def is_refused(response):
    return (response.status_code, response.headers["Location"]) == \
        (303, "/#sign-in=refused")


def has_failed(response):
    """Which the dashboard tells, with nothing but that in the address."""
    headers = response.headers
    return not response.content and "staging-iam=;" in headers["Set-Cookie"] \
        and (response.status_code, headers["Location"],
             headers["Cache-Control"], headers["Referrer-Policy"]) == \
        (303, "/#sign-in=failed", "no-store", "no-referrer")


def lines_of(server, node, response):
    """Of the error log."""
    request = response.headers["X-Request-Id"]
    return server.wait(lambda: [
        line for line in node.error_log.read_text().splitlines()
        if f"[request {request}]" in line])


def test_the_browser_goes_to_the_iam_and_comes_back_signed_in(
        server, iam, browser, person):
    iam.grant(person)
    response = back(browser, there(browser))
    assert response.status_code == 303
    state = browser.state()
    assert (state["realm"], state["subject"], state["how"], state["name"]) \
        == ("edi", person, "iam", "Ada Lovelace")
    assert state["scopes"] == ["read", "write"]
    body, kind = wire.form(("file", b"of a person", "p.txt"))
    assert browser.request("POST", "/mine", data=body, headers={
        **OWN_PAGE, "Content-Type": kind}).status_code == 202
    assert server.sql("SELECT owner FROM upload WHERE service = 'staging' "
                      "ORDER BY created DESC LIMIT 1") == [("edi:" + person,)]


def test_the_iam_still_says_who_may_upload(iam, browser, person):
    back(browser, there(browser))
    assert browser.state()["scopes"] == ["read"]
    body, kind = wire.form(("file", b"of a person", "p.txt"))
    assert browser.request("POST", "/mine", data=body, headers={
        **OWN_PAGE, "Content-Type": kind}).status_code == 403
    assert browser.request("GET", "/mine").json() == []
    assert iam.seen("authorized")[0]["cookie"].startswith("edi-token=")
    assert person


def test_the_redirects_lead_nowhere_else_and_carry_nothing(server, browser,
                                                           person):
    response = leave(browser)
    place = urlsplit(response.headers["Location"])
    assert f"{place.scheme}://{place.netloc}" == server.iam.url
    assert place.path == "/auth/login/orcid"
    query = parse_qs(place.query)
    assert set(query) == {"target"}
    assert re.fullmatch(server.url + r"/session/[0-9a-f-]{36}/return",
                        query["target"][0])
    for answer in (response, back(browser, there(browser))):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not answer.content
    assert answer.headers["Location"] == "/"
    assert person


def test_no_log_learns_who_came_back(server, browser, person):
    """Row 10: the token, the name and the address stand in the query."""
    url = there(browser)
    back(browser, url)
    requests.get(server.url + "/session", timeout=20,
                 headers={"Referer": url})
    token = token_in(url)
    state = urlsplit(url).path.split("/")[2]
    line = server.wait(lambda: [
        line for line in (server.logs / "access.log").read_text().splitlines()
        if state in line])[0]
    assert f"GET /session/{state}/return?*** HTTP/1.1" in line
    assert not server.find_secrets(token, token[:40], token[-40:])
    found = {one for one in server.find_secrets(*PERSONAL)
             if one[0] in ("access.log", "forensic.log", "httpd-error.log")}
    assert not found
    assert person


def test_only_the_browser_that_was_sent_comes_back(server, browser, person):
    """With a link to here an attacker would sign others in as himself."""
    url = there(browser)
    victim = Browser(server)
    assert is_refused(back(victim, url))
    leave(victim)
    assert is_refused(back(victim, url))
    assert victim.state()["name"] is None
    assert not is_refused(back(browser, url))
    assert person


def test_a_way_back_is_gone_once(browser, person):
    url = there(browser)
    back(browser, url)
    assert is_refused(back(browser, url))
    assert person


def test_pages_of_others_send_nobody_to_the_iam(browser):
    for headers in ({"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"},
                    {"Origin": "https://evil.example"}):
        response = leave(browser, headers=headers)
        assert response.status_code == 403
        assert "Set-Cookie" not in response.headers
    assert leave(browser, headers={}).status_code == 303


@pytest.mark.parametrize("provider", [
    "", "facebook", "orcid/../x", "orcid%0d%0aX: y", "ORCID"])
def test_providers_are_a_closed_list(browser, provider):
    assert leave(browser, provider).status_code == 400


def test_who_is_not_let_in_by_the_iam_is_told_in_the_dashboard(browser, iam):
    iam.person = None
    assert is_refused(back(browser, there(browser)))
    assert browser.state()["name"] is None


@pytest.mark.usefixtures("database_down")
def test_row_10_without_a_database_no_token_stays_in_the_address(
        server, browser, person):
    url = there(browser)
    response = back(browser, url)
    assert has_failed(response)
    line, = lines_of(server, server.node, response)
    assert "[staging:error]" in line and "DB_DOWN" in line
    assert not server.find_secrets(token_in(url))
    assert browser.state()["name"] is None
    assert is_refused(back(browser, url))
    assert person


def test_row_10_without_the_keys_of_the_iam_no_token_stays_in_the_address(
        server, browser, iam, person):
    iam.fail("hang_up")
    lines = f"""<Location "/session">
            SetHandler staging-session
        </Location>
        StagingIssuer edi profile=edi jwks={iam.url}/auth/v1/ping
        """
    with server.another_node(lines, without="StagingIssuer edi") as node:
        node.log.expect("the keys of issuer edi cannot be read")
        node.log.expect("IAM_DOWN")
        url = there(browser).replace(server.url, node.url)
        response = back(browser, url)
        assert has_failed(response)
        assert "IAM_DOWN" in lines_of(server, node, response)[0]
    assert not server.find_secrets(token_in(url))
    assert person


@pytest.mark.parametrize("more", ["&full_name=Andr%E9", "&info=1" * 65],
                         ids=["no UTF-8", "too many"])
def test_what_else_the_iam_tells_keeps_nobody_out(browser, person, more):
    assert back(browser, there(browser) + more).headers["Location"] == "/"
    assert browser.state()["subject"] == person


def test_no_bad_token_comes_in(server, browser, iam, person):
    for name, token in tokens.bad_tokens(iam.mint, person).items():
        if "\n" in token or len(token) > 8000:
            continue
        url = there(browser).partition("?")[0]
        response = back(browser, url + "?edi_token=" + server.secret(token))
        assert is_refused(response), name
        assert browser.state()["name"] is None


def test_a_token_that_came_twice_is_none(server, browser, person):
    url = there(browser)
    token = server.secret(server.iam.token(person))
    assert is_refused(back(browser, url + "&edi_token=" + token))


def test_a_session_ends_with_its_token(server, browser, iam, person):
    url = there(browser).partition("?")[0]
    token = server.secret(iam.token(person, exp=int(time.time()) + 5))
    assert not is_refused(back(browser, url + "?edi_token=" + token))
    assert browser.state()["name"]
    server.wait(lambda: browser.state()["name"] is None)


def test_the_database_cannot_be_used_to_ask_the_iam(server, browser, iam,
                                                    person):
    """The token is sealed by the cookie, which only the browser has."""
    url = there(browser)
    token = token_in(url)
    back(browser, url)
    rows = repr(server.sql("SELECT * FROM session"))
    assert person in rows
    assert token not in rows and token.split(".")[1] not in rows
    assert browser.cookie not in rows
    server.sql("UPDATE session SET token = 'x' || token WHERE subject = %s",
               person)
    assert browser.state()["name"] is None
    assert iam


def test_where_the_iam_is_not_wanted_nobody_comes_in(server, person):
    browser = Browser(server)
    assert not is_refused(back(browser, there(browser)))
    elsewhere = there(browser).replace("/session/", "/session-accounts/")
    assert is_refused(back(browser, elsewhere))
    assert person
