# SPDX-License-Identifier: Apache-2.0
"""The server answers what htdocs/openapi/sessions.yaml says: every status of
every operation is tried, and each answer has the promised shape."""

import contextlib
import secrets

import psycopg2
import pytest
import requests

from browser import OWN_PAGE, Browser, set_password
from openapi import Cases, Description
from test_115_isolation import ROUTES

DESCRIPTION = Description("sessions")
CASES = Cases()
case = CASES.case
GUESS = "00000000-0000-4000-8000-000000000000"
GET, POST, DELETE = [
    method + " /session" for method in ("GET", "POST", "DELETE")]
ALL, LEAVE, BACK = ("DELETE /session/all", "GET /session/iam",
                    "GET /session/{id}/return")
KEYS, MAKE, REVOKE = ("GET /session/key", "POST /session/key",
                      "DELETE /session/key/{id}")
SECURED = [ALL, KEYS, MAKE, REVOKE]
FOREIGN = {"Sec-Fetch-Site": "cross-site"}
SPEC = {"label": "described", "scopes": ["read"], "expires_days": 1}


class World:
    """What cases work with."""

    def __init__(self, server, iam):
        self.server = server
        self.iam = iam

    def browser(self, account="described"):
        browser = Browser(self.server)
        password = set_password(self.server, account)
        self.signed_in = browser.sign_in(name=account, password=password)
        return browser

    def ask(self, browser, operation, target=GUESS, query="", **more):
        method, path = operation.split(" ")
        path = path.removeprefix("/session").replace("{id}", target)
        if operation == MAKE and not {"data", "json"} & set(more):
            more["json"] = SPEC
        return browser.request(method, path + query, **more)


@pytest.fixture(name="world")
def world_of(server, iam):
    return World(server, iam)


def nobody(world):
    return Browser(world.server)


# --- what is asked well ------------------------------------------------------

@case(200, GET, KEYS)
@case(204, DELETE, ALL)
@case(201, MAKE)
def of_ones_own(world, operation):
    browser = world.browser()
    answers = [world.ask(browser, operation)]
    if operation == GET:
        answers.append(world.ask(nobody(world), operation))
    if operation == MAKE:
        world.server.secret(answers[0].json()["key"])
    return answers


@case(204, REVOKE)
def revoke(world, operation):
    browser = world.browser()
    made = world.ask(browser, MAKE).json()
    world.server.secret(made["key"])
    answers = [world.ask(browser, operation, made["id"])]
    DESCRIPTION.check(KEYS, world.ask(browser, KEYS))
    return answers


@case(201, POST)
def sign_in(world, _):
    world.browser()
    by_key = nobody(world).sign_in(key=world.server.key("described"))
    code = world.server.secret(world.server.ctl(
        "link", "described").stdout.strip().removeprefix("/#link="))
    return [world.signed_in, by_key, nobody(world).sign_in(link=code)]


@case(303, LEAVE)
def leave(world, operation):
    return [world.ask(nobody(world), operation, query="?provider=orcid")]


@case(303, BACK)
def come_back(world, operation):
    return [world.ask(nobody(world), operation, headers=FOREIGN)]


# --- what is refused ---------------------------------------------------------

@case(400, GET, *SECURED)
def credential_in_the_query(world, operation):
    return [world.ask(nobody(world), operation, query="?key=a")]


@case(400, LEAVE)
def no_provider(world, operation):
    return [world.ask(nobody(world), operation)]


@case(400, POST)
def no_proof(world, operation):
    return [world.ask(nobody(world), operation, json=body)
            for body in ({}, {"key": 7}, [])]


@case(401, GET)
def wrong_key(world, operation):
    return [world.ask(nobody(world), operation, headers={
        **OWN_PAGE, "Authorization": "Bearer stg_nonsense"})]


@case(401, POST)
def wrong_password(world, operation):
    return [world.ask(nobody(world), operation, json={
        "name": "nobody", "password": "at all"})]


@case(401, *SECURED)
def no_credential(world, operation):
    return [world.ask(nobody(world), operation)]


@case(403, POST)
def page_of_others(world, operation):
    browser = nobody(world)
    browser.session.headers["Host"] = "data.example.org"
    proof = {"name": "described",
             "password": set_password(world.server, "described")}
    return [world.ask(nobody(world), operation, json=proof, headers=FOREIGN),
            world.ask(browser, operation, json=proof)]


@case(403, DELETE, ALL, MAKE, REVOKE, LEAVE)
def page_of_others_with_a_cookie(world, operation):
    return [world.ask(world.browser(), operation, headers=FOREIGN)]


@case(403, KEYS)
def no_account(world, operation):
    return [world.ask(nobody(world), operation, headers={
        "Authorization": "Bearer " + world.server.token("grace")})]


@case(404, LEAVE)
def no_iam(world, operation):
    extra = '<Location "/session">\n    SetHandler staging-session\n' \
        '</Location>\n'
    with world.server.another_node(extra, without="StagingIAM") as node:
        browser = nobody(world)
        state = requests.get(node.url + "/session", timeout=20).json()
        assert state["sign_in"] == ["password", "key"]
        assert not state["providers"]
        return [browser.session.get(
            node.url + operation.split(" ")[1] + "?provider=orcid",
            timeout=20)]


@case(404, REVOKE)
def no_such_key(world, operation):
    return [world.ask(world.browser(), operation)]


@case(409, MAKE)
def too_many_keys(world, operation):
    browser = world.browser("collector")
    world.server.sql(
        "INSERT INTO api_key (account, sha256, hint, scopes) "
        "SELECT id, encode(sha256(n::text::bytea), 'hex'), 'stg_AAAAAAAA', "
        "'{read}' FROM account, generate_series(1, 100) n "
        "WHERE name = 'collector'")
    return [world.ask(browser, operation)]


@case(413, POST, MAKE)
def long_body(world, operation):
    return [world.ask(world.browser(), operation, json={"key": "x" * 20000})]


@case(415, POST, MAKE)
def form(world, operation):
    return [world.ask(world.browser(), operation, data={"key": "x"})]


@case(429, POST)
def guesser(world, operation):
    for _ in range(5):
        wrong_password(world, operation)
    world.server.sql("UPDATE login_failure SET until = until + interval "
                     "'1 minute' WHERE until > failed")
    return wrong_password(world, operation)


@case(503, GET, *SECURED)
def iam_away(world, operation):
    world.server.log.expect("IAM_DOWN")
    world.iam.fail("status_503", "key")
    return [world.ask(nobody(world), operation, headers={
        "Authorization": "Bearer " + world.server.secret(
            secrets.token_urlsafe(20))})]


@case(503, POST)
def iam_away_for_who_signs_in(world, _):
    world.server.log.expect("IAM_DOWN")
    world.iam.fail("status_503", "key")
    return [nobody(world).sign_in(key=world.server.secret(
        secrets.token_urlsafe(20)))]


@contextlib.contextmanager
def locked_sessions(world):
    """Nobody gets at the rows of sessions meanwhile."""
    world.server.log.expect("BUSY|DB_DOWN")
    world.server.log.allow("background work: (BUSY|DB_DOWN)")
    connection = psycopg2.connect(world.server.dsn)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE session")
        try:
            yield
        finally:
            connection.close()


@case(503, DELETE)
def database_busy(world, operation):
    browser = world.browser()
    with locked_sessions(world):
        return [world.ask(browser, operation)]


# --- the tests ---------------------------------------------------------------

@pytest.mark.parametrize("operation, status", DESCRIPTION.statuses())
def test_the_server_answers_as_described(world, operation, status):
    assert (operation, status) in CASES, "nobody tries this"
    answers = CASES[operation, status](world, operation)
    assert answers
    for answer in answers:
        assert answer.status_code == status, answer.text
        DESCRIPTION.check(operation, answer)


def test_nothing_is_tried_that_is_not_described():
    assert set(CASES) == set(DESCRIPTION.statuses())


def test_every_route_of_the_code_is_described_and_nothing_else():
    assert {operation for operation, _ in DESCRIPTION.operations()} == {
        f"{method} /session{pattern}"
        for method, pattern in ROUTES["staging-session"] if method != "HEAD"}


@pytest.mark.parametrize("path", list(DESCRIPTION.document["paths"]))
def test_other_methods_are_405_with_allow(world, path):
    answer = world.ask(nobody(world), "PATCH " + path)
    assert answer.status_code == 405
    described = {operation.split(" ")[0]
                 for operation, _ in DESCRIPTION.operations()
                 if operation.split(" ")[1] == path}
    allowed = set(answer.headers["Allow"].replace(" ", "").split(","))
    assert allowed - {"HEAD", "TRACE"} == described
