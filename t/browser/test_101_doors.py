# SPDX-License-Identifier: Apache-2.0
"""Ways in that are not forms, and ways out."""

import secrets

import pytest
import requests

import tokens
from running import without_database

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types staging")


@pytest.fixture(name="iam")
def iam_with_a_person(server):
    server.iam.add_resource()
    server.iam.person = tokens.edi_id(secrets.token_hex(8))
    server.iam.grant(server.iam.person)
    yield server.iam
    server.iam.person = None


def test_through_the_iam_one_comes_to_where_one_wanted(person, iam):
    told = person.walks("signInThroughIam")
    assert told["address"].endswith("#/uploads?q=x")
    assert told["who"] == "Ada Lovelace"
    assert iam.person


def test_who_the_iam_refuses_is_told(person):
    back = person.walks("comeBackFromIamSignedOut")
    assert "You were not signed in there" in back["told"]
    assert back["address"] == person.server.url + "/"


def test_who_was_signed_in_all_the_while_is_told_too(person):
    back = person.walks("comeBackFromIamSignedIn")
    assert "You were not signed in there" in back["told"]
    assert back["address"] == person.server.url + "/#/uploads"


@pytest.mark.once
@pytest.mark.parametrize("language, text", [
    ("en", "could not be finished just now"),
    ("de", "ließ sich gerade nicht abschließen"),
    ("fr", "n’a pas pu aboutir")])
def test_whom_the_service_cannot_sign_in_now_is_told(person, iam, language,
                                                     text):
    with without_database(person.server):
        back = person.walks("comeBackFromIamSignedOut",
                            context={"locale": language})
    assert text in back["told"]
    assert back["address"] == person.server.url + "/"
    assert iam.person


def test_who_httpd_knows_needs_no_form(person):
    url = f"http://127.0.0.1:{person.server.slow_port}"
    told = person.walks("comeKnown", url=url, context={"httpCredentials": {
        "username": "carol", "password": "secret-of-carol"}})
    assert told["who"] == "carol"
    assert told["links"] == ["Upload", "My uploads", "API"]
    assert told["ways"] == 0
    assert person.server.sql("SELECT owner FROM upload WHERE "
                             "filename = 'known.txt'")[0] == ("httpd:carol",)


def test_signing_out_everywhere_ends_the_other_browser(person):
    person.walks("signOutEverywhere")
    assert person.server.sql(
        "SELECT 1 FROM session s JOIN account a ON a.id = s.account "
        "WHERE a.name = %s", person.name) == []


def test_who_was_away_too_long_signs_in_where_they_were(person):
    def act(_):
        person.server.sql(
            "UPDATE session SET idle_end = now() - interval '1 second' WHERE "
            "account = (SELECT id FROM account WHERE name = %s)", person.name)

    told = person.walks("loseTheSession", answer=act)
    assert told["address"].endswith("#/uploads?q=y")
    assert told["focused"] == "Sign in"


def test_every_file_of_the_page_has_the_policy(person):
    for path in ("/", "/index.html", "/assets/app.js", "/assets/app.css",
                 "/openapi/uploads.yaml", "/no-such-page"):
        answer = person.uploads.at(path).request("GET")
        headers = answer.headers
        if answer.status_code == 200:
            assert headers["Content-Security-Policy"] == POLICY, path
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-cache"
        else:
            assert path == "/no-such-page"


def test_the_page_is_compressed_and_kept(person):
    def get(path, tag="", coding="gzip"):
        return person.uploads.at(path).request("GET", headers={
            "Accept-Encoding": coding, "If-None-Match": tag})

    for path in ("/", "/assets/app.js", "/assets/app.css",
                 "/openapi/uploads.yaml"):
        plain = get(path, coding="identity")
        packed = get(path)
        assert packed.headers["Content-Encoding"] == "gzip", path
        assert "Content-Encoding" not in plain.headers
        assert packed.content == plain.content
        known = get(path, packed.headers["ETag"])
        assert known.status_code == 304, path
        for answer in (plain, packed, known):
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["ETag"].startswith('W/"')
        assert get(path, 'W/"no"').status_code == 200


def test_what_is_not_the_page_is_never_compressed(person):
    data = b"x" * 10_000
    entry = person.uploads.settled(
        person.uploads.stage(data, "app.js",
                             content_type="text/javascript")["id"])
    location = person.uploads.location(entry["id"])
    download = requests.get(location, timeout=60)
    assert download.content == data
    for answer in (download, person.uploads.request("GET"),
                   person.uploads.get(entry["id"]),
                   person.uploads.at("/session").request("GET")):
        assert answer.status_code == 200
        assert answer.request.headers["Accept-Encoding"].startswith("gzip")
        assert "Content-Encoding" not in answer.headers, answer.url
