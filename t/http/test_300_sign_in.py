# SPDX-License-Identifier: Apache-2.0
"""Signing in with a browser: by password, key and one-time link."""

import contextlib
import os
import pty
import secrets
import signal
import subprocess
import termios
import threading

import pytest
import requests

import tokens
import wire
from browser import COOKIE, OWN_PAGE, Browser, set_password

BASE = "https://data.example.org"


@pytest.fixture(name="browser")
def new_browser(server):
    return Browser(server)


def key_owner(server, sub):
    """An account of the IAM with this subject, and a key there."""
    secret = server.secret(secrets.token_urlsafe(20))
    server.iam.add_key(secret, sub)
    return secret


def link(server, account, *options):
    text = server.ctl("link", account, "--base", BASE, *options).stdout
    return server.secret(text.strip().removeprefix(BASE + "/#link="))


def upload(browser, path="/mine"):
    body, kind = wire.form(("file", b"by a browser", "b.txt"))
    return browser.request("POST", path, data=body,
                           headers={**OWN_PAGE, "Content-Type": kind})


# --- well ---------------------------------------------------------------------

def test_a_password_signs_in_and_its_cookie_opens_the_door(server, browser):
    password = set_password(server, "ada")
    assert browser.state()["name"] is None
    assert browser.request("GET", "/mine").status_code == 401
    response = browser.sign_in(name="ada", password=password)
    assert response.status_code == 201
    assert response.json() == browser.state()
    state = browser.state()
    assert (state["name"], state["realm"], state["how"]) == \
        ("ada", "account", "password")
    assert state["subject"] == server.accounts["ada"]
    assert state["scopes"] == ["read", "write"]
    assert state["is_operator"] is False
    posted = upload(browser)
    assert posted.status_code == 202
    assert [one["id"] for one in browser.request("GET", "/mine").json()] == \
        [posted.json()["id"]]


def test_who_signs_in_is_told_at_once_to_be_an_operator(server, browser):
    password = set_password(server, "ophelia")
    server.ctl("account", "operator", "ophelia", "on")
    told = browser.sign_in(name="ophelia", password=password).json()
    assert told["is_operator"] is True
    assert browser.state() == told


def test_a_page_learns_where_everything_is_before_it_signs_in(browser):
    state = browser.state()
    assert state["name"] is None
    assert state["sign_in"] == ["password", "key", "iam"]
    assert state["providers"] == ["google", "github", "microsoft", "orcid"]
    assert state["mounts"]["upload"] == "/mine"
    assert state["mounts"]["resumable"] == "/resumable-mine"
    assert state["limits"] == {"max_upload": 100 * 2**30,
                               "retention_seconds": 30 * 86400,
                               "idle_seconds": 86400}


def test_a_key_signs_in_with_its_scopes(server, browser):
    key = server.key("ada", "--scope", "read")
    assert browser.sign_in(key=key).status_code == 201
    state = browser.state()
    assert (state["name"], state["how"], state["scopes"]) == \
        ("ada", "key", ["read"])
    assert browser.request("GET", "/mine").status_code == 200
    assert upload(browser).status_code == 403


def test_a_key_of_the_iam_signs_in(server, iam, browser):
    sub = tokens.edi_id("of a key")
    iam.grant(sub)
    assert browser.sign_in(key=key_owner(server, sub)).status_code == 201
    assert browser.state()["subject"] == sub
    assert upload(browser).status_code == 202


def test_a_session_ends_with_its_key(server, browser):
    key = server.key("ada")
    browser.sign_in(key=key)
    server.ctl("key", "revoke", key)
    assert browser.state()["name"] is None
    browser.sign_in(key=server.key("ada", "--expires", "1s"))
    server.wait(lambda: browser.state()["name"] is None, 10)


def test_a_link_signs_in_once(server, browser):
    set_password(server, "ada")
    code = link(server, "ada")
    assert browser.sign_in(link=code).status_code == 201
    state = browser.state()
    assert (state["name"], state["how"]) == ("ada", "link")
    assert upload(browser).status_code == 202
    assert Browser(server).sign_in(link=code).status_code == 401
    assert browser.state()["name"] == "ada"


def test_of_a_crowd_with_one_link_one_comes_in(server):
    set_password(server, "ada")
    code = link(server, "ada")
    statuses = []
    crowd = [threading.Thread(target=lambda: statuses.append(
        Browser(server).sign_in(link=code).status_code)) for _ in range(10)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert sorted(statuses) == [201] + [401] * 9


def test_a_link_has_an_end(server, browser):
    set_password(server, "ada")
    code = link(server, "ada", "--minutes", "1")
    server.sql("UPDATE sign_in_link SET expires = now()")
    assert browser.sign_in(link=code).status_code == 401


def test_row_11_a_link_is_in_no_log(server, browser):
    set_password(server, "ada")
    code = link(server, "ada")
    assert browser.sign_in(link=code).status_code == 201
    assert browser.sign_in(link=code).status_code == 401
    assert not server.find_secrets(code, code[:20], code[-20:])
    assert code not in repr(server.sql("SELECT * FROM sign_in_link"))


# --- what is refused ------------------------------------------------------------

def test_it_is_the_same_whatever_is_wrong(server):
    """Row 8: nobody learns who has an account here."""
    password = set_password(server, "known")
    set_password(server, "shut-out")
    server.ctl("account", "disable", "shut-out")
    server.key("without-password")
    answers = []
    for name, tried in (("known", "wrong"), ("shut-out", password),
                        ("without-password", ""), ("not-there", password),
                        ("", ""), ("known ", password), ("KNOWN", password),
                        ("known", password + " "), ("known", ""),
                        ("' OR 1=1 --", password), ("x" * 9000, password)):
        response = Browser(server).sign_in(name=name, password=tried)
        assert response.status_code == 401, name
        assert "Set-Cookie" not in response.headers
        body = response.json()
        body.pop("request_id")
        answers.append((body, sorted(response.headers)))
    assert all(one == answers[0] for one in answers)


@pytest.mark.parametrize("proof", [
    {"key": "stg_" + "A" * 49}, {"key": "nonsense"}, {"key": ""},
    {"link": "A" * 43}, {"link": ""}, {"link": "0" * 9000}], ids=str)
def test_a_wrong_proof_is_401(iam, browser, proof):
    response = browser.sign_in(**proof)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Set-Cookie" not in response.headers
    assert iam


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"{}", b'"x"', b'{"name": "ada"}', b'{"password": "x"}',
    b'{"name": "ada", "password": "x", "key": "y"}', b'{"key": 7}',
    b'{"key": "x", "link": "y"}', b'{"name": "ada", "key": "x"}',
    b'{"link": null}', b'{"key": "x", "key": "y"}', b'{"key": "\xff"}',
    b'{"name": "a\\u0000", "password": "x"}'], ids=str)
def test_a_body_that_makes_no_sense_is_400(server, body):
    response = requests.post(server.url + "/session", data=body, timeout=20,
                             headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", [
    None, "text/plain", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "application/jsonx", "text/json"])
def test_what_a_form_can_send_signs_nobody_in(server, kind):
    password = set_password(server, "ada")
    response = requests.post(
        server.url + "/session", timeout=20,
        data=f'{{"name": "ada", "password": "{password}"}}'.encode(),
        headers={"Content-Type": kind} if kind else {})
    assert response.status_code == 415
    assert "Set-Cookie" not in response.headers


def test_a_body_has_an_end(server):
    response = requests.post(
        server.url + "/session", json={"key": "x" * 20000}, timeout=20)
    assert response.status_code == 413


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "SELF"}], ids=str)
def test_a_page_of_others_signs_nobody_in(server, headers):
    """He would work as the attacker, without knowing it."""
    password = set_password(server, "ada")
    headers = {name: server.url if value == "SELF" else value
               for name, value in headers.items()}
    response = Browser(server).request("POST", headers=headers, json={
        "name": "ada", "password": password})
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_programs_may_sign_in_too(server):
    password = set_password(server, "ada")
    assert Browser(server).request("POST", headers={}, json={
        "name": "ada", "password": password}).status_code == 201


def test_where_accounts_are_not_wanted_no_password_counts(server):
    browser = Browser(server, "/session-lab-only")
    assert browser.state()["sign_in"] == ["key", "iam"]
    assert browser.state()["providers"]
    password = set_password(server, "ada")
    for proof in ({"name": "ada", "password": password},
                  {"key": server.key("ada")}, {"link": link(server, "ada")}):
        assert browser.sign_in(**proof).status_code == 401


@pytest.mark.parametrize("path, ways", [
    ("/session-accounts", ["password", "key"]),
    ("/session-lab", [])])
def test_where_the_iam_is_not_wanted_nobody_is_sent_to_it(server, path, ways):
    """Its tokens are of the realm edi."""
    browser = Browser(server, path)
    state = browser.state()
    assert state["sign_in"] == ways
    assert state["providers"] == []
    assert browser.request("GET", "/iam?provider=orcid").status_code == 404


def test_a_user_of_another_module_is_signed_in_already(server):
    browser = Browser(server, "/session-basic")
    browser.session.auth = ("carol", "secret-of-carol")
    state = browser.state()
    assert (state["name"], state["how"]) == ("carol", "httpd")
    assert state["realm"] == "httpd"
    assert state["end"] is None
    assert browser.cookie is None
    browser.session.auth = ("carol", "wrong")
    assert browser.request("GET").status_code == 401
    server.log.fresh()


def test_a_user_of_another_module_finds_what_it_opens(server):
    """As the dashboard does it: by the mounts that it is told."""
    browser = Browser(server, "/session-basic")
    browser.session.auth = ("carol", "secret-of-carol")
    mounts = browser.state()["mounts"]
    assert mounts == {"upload": "/basic", "resumable": "/resumable-basic",
                      "operation": "/operation-basic"}
    made = upload(browser, server.url + mounts["upload"])
    assert made.status_code == 202
    created = browser.request(
        "POST", server.url + mounts["resumable"], headers={
            **OWN_PAGE, "Tus-Resumable": "1.0.0", "Upload-Length": "5"})
    assert created.status_code == 201
    listed = browser.request("GET", server.url + mounts["upload"]).json()
    assert {made.json()["id"], created.headers["Location"].rsplit("/")[-1]} \
        <= {one["id"] for one in listed}
    assert browser.request("GET", server.url + mounts["operation"]
                           ).status_code == 200


# --- the cookie -----------------------------------------------------------------

def attributes(response, number=0):
    return response.raw.headers.getlist("Set-Cookie")[number].split("; ")


def test_the_cookie_is_for_this_host_and_no_script(server, browser):
    response = browser.sign_in(name="ada", password=set_password(server, "ada"))
    name, *rest = attributes(response)
    assert name.startswith(COOKIE + "=") and len(name) == 8 + 43
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax"}
    name, *rest = attributes(response, 1)
    assert name.startswith("staging-browser=") and len(name) == 16 + 43
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax",
                         f"Max-Age={365 * 86400}"}


def test_over_tls_the_cookie_goes_no_other_way(server, browser):
    """ServerName https:// stands for TLS, as behind a proxy that ends it."""
    proof = {"name": "ada", "password": set_password(server, "ada")}
    browser.session.headers["Host"] = "secure.test"
    name, *rest = attributes(browser.request("POST", json=proof))
    assert name.startswith("__Host-staging=")
    assert set(rest) == {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}
    value = server.secret(name.partition("=")[2])
    for cookie, who in ((name, "ada"), (f"staging={value}", None)):
        headers = {**OWN_PAGE, "Cookie": cookie}
        assert browser.request("GET", headers=headers).json()["name"] == who


@pytest.mark.parametrize("host", [
    "data.example.org", "localhost.example.org", "127.example.org",
    "[::2]", "0.0.0.0", "localhosts"])
def test_without_tls_nobody_signs_in_from_elsewhere(server, browser, host):
    browser.session.headers["Host"] = host
    response = browser.request("POST", json={
        "name": "ada", "password": set_password(server, "ada")})
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_without_tls_no_proof_is_used_up(server, browser):
    set_password(server, "ada")
    code = link(server, "ada")
    before = server.sql("SELECT count(*) FROM session")
    browser.session.headers["Host"] = "data.example.org"
    assert browser.sign_in(link=code).status_code == 403
    assert browser.sign_in(name="ada", password="a wrong one"
                           ).status_code == 403
    assert server.sql("SELECT count(*) FROM session") == before
    del browser.session.headers["Host"]
    assert browser.sign_in(link=code).status_code == 201


@pytest.mark.parametrize("host", [
    "localhost", "LOCALHOST:8080", "127.0.0.1", "127.9.9.9:1", "[::1]:8080"])
def test_this_machine_needs_no_tls(server, browser, host):
    browser.session.headers["Host"] = host
    assert browser.request("POST", json={
        "name": "ada",
        "password": set_password(server, "ada")}).status_code == 201


# --- the administrator ------------------------------------------------------------

@pytest.mark.parametrize("password", [
    "", "eleven char", "long" * 256 + "!", "tab\tin the password"], ids=ascii)
def test_not_every_password_may_be_chosen(server, password):
    server.key("chooser")
    done = server.ctl("account", "password", "chooser", check=False,
                      stdin=password + "\n")
    assert done.returncode == 2
    assert done.stderr.startswith("stagingctl: ")


@pytest.mark.parametrize("password", [
    "twelve chars", "long" * 256, "  blanks around  ",
    "Пароль из букв", "\U0001f511" * 12])
def test_a_password_is_taken_as_it_is(server, browser, password):
    set_password(server, "chooser", password)
    assert browser.sign_in(name="chooser",
                           password=password).status_code == 201


def test_another_password_shuts_out_who_knew_the_old(server, browser):
    old = set_password(server, "changed", "the old password")
    browser.sign_in(name="changed", password=old)
    new = set_password(server, "changed", "the new password")
    assert browser.state()["name"] is None
    assert browser.sign_in(name="changed", password=old).status_code == 401
    assert browser.sign_in(name="changed", password=new).status_code == 201


def test_the_database_cannot_be_used_to_sign_in(server, browser):
    password = set_password(server, "dumped")
    browser.sign_in(name="dumped", password=password)
    code = link(server, "dumped")
    dump = repr([server.sql("SELECT * FROM " + table) for table in (
        "account", "session", "sign_in_link", "login_failure")])
    for secret in (password, browser.cookie, code):
        assert secret not in dump
    kept, = server.sql("SELECT password FROM account WHERE name = 'dumped'")[0]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for (sha256,) in server.sql("SELECT sha256 FROM session UNION "
                                "SELECT sha256 FROM sign_in_link"):
        assert Browser(server).sign_in(link=sha256).status_code == 401
        response = Browser(server).request("GET", headers={
            **OWN_PAGE, "Cookie": f"{COOKIE}={sha256}"})
        assert response.json()["name"] is None
    assert Browser(server).sign_in(
        name="dumped", password=kept).status_code == 401


def at_a_terminal(server, account, *lines):
    """(status, what the terminal showed) of typing these lines."""
    master, slave = pty.openpty()
    with subprocess.Popen(
            [server.build / "stagingctl", "-c", server.stores_conf,
             "account", "password", account], stdin=slave, stdout=slave,
            stderr=slave) as process:
        os.close(slave)
        shown = b""
        for number, line in enumerate(lines):
            while shown.count(b": ") <= number:
                shown += os.read(master, 1000)
            os.write(master, line.encode() + b"\n")
        with contextlib.suppress(OSError):
            while more := os.read(master, 1000):
                shown += more
    os.close(master)
    return process.returncode, shown.decode()


def test_a_terminal_shows_no_password_and_asks_twice(server, browser):
    set_password(server, "typist")
    typed = server.secret("typed and not shown")
    status, shown = at_a_terminal(server, "typist", typed, typed + "!")
    assert (status, "not the same" in shown) == (2, True)
    assert browser.sign_in(name="typist", password=typed).status_code == 401
    status, shown = at_a_terminal(server, "typist", typed, typed)
    assert status == 0
    assert typed not in shown
    assert browser.sign_in(name="typist", password=typed).status_code == 201


@pytest.mark.parametrize("number, key", [
    (signal.SIGINT, b"\x03"), (signal.SIGQUIT, b"\x1c"),
    (signal.SIGTERM, None), (signal.SIGHUP, None)], ids=str)
def test_a_terminal_shows_again_what_is_typed_when_it_was_given_up(
        server, number, key):
    set_password(server, "typist")
    master, slave = pty.openpty()
    with subprocess.Popen(
            # what a shell ignores for all that runs behind it is not typed
            ["env", "--default-signal", "setsid", "--ctty",
             server.build / "stagingctl", "-c", server.stores_conf, "account",
             "password", "typist"],
            stdin=slave, stdout=slave, stderr=slave) as process:
        shown = b""
        while b": " not in shown:
            shown += os.read(master, 1000)
        assert not termios.tcgetattr(slave)[3] & termios.ECHO
        if key:
            os.write(master, b"half a pass" + key)
        else:
            process.send_signal(number)
        assert process.wait(10) == -number
    assert termios.tcgetattr(slave)[3] & termios.ECHO
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize("words", [
    ["account", "password"], ["account", "password", "nobody-there"],
    ["link"], ["link", "nobody-there"], ["link", "ada", "--minutes", "0"],
    ["link", "ada", "--minutes", "x"], ["link", "ada", "--minutes", "1441"]],
    ids=" ".join)
def test_stagingctl_says_what_is_wrong(server, words):
    set_password(server, "ada")
    done = server.ctl(*words, check=False, stdin="a long password\n")
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("stagingctl: ")
    assert not done.stdout
