# SPDX-License-Identifier: Apache-2.0
"""Pages of other origins: what a browser is told, and what they may do."""

import re

import pytest

from resumable import words

ORIGIN = "https://pages.example.org"
ASKING = {"Origin": ORIGIN, "Access-Control-Request-Method": "DELETE"}


def cross_origin(response):
    return [name for name in response.headers
            if name.lower().startswith("access-control-")]


@pytest.fixture(name="pages")
def client_at_a_location_with_origins(alice):
    return alice.at("/pages-of-others")


@pytest.mark.parametrize("suffix", ["", "/", "/nonsense"])
@pytest.mark.parametrize("origin", [ORIGIN, "https://more.example.org:8443"])
def test_a_preflight_needs_no_credential(anybody, suffix, origin):
    response = anybody.at("/pages-of-others").request(
        "OPTIONS", suffix, headers={**ASKING, "Origin": origin})
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert words(response.headers["Access-Control-Allow-Methods"]) == {
        "GET", "HEAD", "POST", "DELETE"}
    assert words(response.headers["Access-Control-Allow-Headers"]) >= {
        "Authorization", "Content-Type", "Content-Disposition"}
    assert response.headers["Access-Control-Max-Age"] == "86400"
    assert words(response.headers["Vary"]) == {"Origin"}
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.content == b""


@pytest.mark.parametrize("origin", [
    "https://pages.example.org.evil.example", "http://pages.example.org",
    "https://pages.example", "https://PAGES.example.org", "null", "none", "",
    "https://pages.example.org https://more.example.org:8443"])
def test_other_origins_are_told_nothing(pages, origin):
    for response in (pages.request("OPTIONS", headers={**ASKING,
                                                       "Origin": origin}),
                     pages.request("GET", headers={"Origin": origin})):
        assert not cross_origin(response)
        assert words(response.headers["Vary"]) == {"Origin"}
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/upload", "/no-pages"])
def test_where_no_origins_are_named_nothing_is_said_of_them(alice, path):
    client = alice.at(path)
    asked = client.request("OPTIONS", headers=ASKING)
    assert asked.status_code == 405
    for response in (asked, client.request("GET", headers=ASKING)):
        assert not cross_origin(response)
        assert "Vary" not in response.headers


def test_options_that_is_no_preflight_is_not_answered_as_one(pages):
    response = pages.request("OPTIONS", headers={"Origin": ORIGIN})
    assert response.status_code == 405
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_pages_can_read_every_answer_errors_too(pages, anybody):
    stranger = anybody.at("/pages-of-others")
    mark = {"Origin": ORIGIN}
    for status, response in (
            (200, pages.request("GET", headers=mark)),
            (401, stranger.request("GET", headers=mark)),
            (404, pages.request("GET", "/nonsense", headers=mark)),
            (405, pages.request("PUT", headers=mark)),
            (400, pages.request("GET", "?status=nonsense", headers=mark)),
            # httpd refuses these before our location is known; what stands
            # right before a field that is too long, it forgets
            (400, pages.request("GET", headers={**mark, "X-Short": "x",
                                                "X-Long": "x" * 9000})),
            (404, pages.request("GET", "%2Fnonsense", headers=mark))):
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN, status
        assert words(response.headers["Access-Control-Expose-Headers"]) >= {
            "Location", "Link", "Retry-After"}
        assert words(response.headers["Vary"]) == {"Origin"}


def test_a_body_that_httpd_refuses_can_be_read_about(server, pages):
    """Bad framing, which httpd's input filter answers."""
    with server.connect() as connection:
        connection.request("POST", pages.path + "?filename=x", {
            "Authorization": "Bearer " + pages.bearer, "Origin": ORIGIN,
            "Transfer-Encoding": "chunked"}, b"nonsense\r\n")
        response = connection.response("POST")
        assert response.status == 400
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert connection.is_closed()


def test_authentication_lets_preflights_pass_and_nothing_else(anybody):
    client = anybody.at("/trusted-pages")
    response = client.request("OPTIONS", headers=ASKING)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert client.request("GET", headers=ASKING).status_code == 401
    assert anybody.at("/staging-auth").request(
        "OPTIONS", headers=ASKING).status_code == 405


def test_a_cookie_counts_from_trusted_pages_only(server, anybody):
    cookie = {"Cookie": "edi-token=" + server.token("mallory"),
              "Sec-Fetch-Site": "cross-site"}

    def delete(path, **more):
        return anybody.at(path).request(
            "DELETE", "/01234567-89ab-4cde-8f01-23456789abcd",
            headers={**cookie, **more}).status_code

    assert delete("/trusted-pages", Origin=ORIGIN) == 404
    assert delete("/trusted-pages", Origin="https://evil.example") == 403
    assert delete("/trusted-pages") == 403
    assert delete("/cookie", Origin=ORIGIN) == 403


def with_location(server, lines):
    return server.conf_with(
        f'<Location "/more">\nSetHandler staging-uploads\n{lines}\n'
        '</Location>\n')


@pytest.mark.parametrize("line, complaint", [
    ("StagingOrigins", "at least one word"),
    ("StagingOrigins *", "not \\*"),
    ("StagingOrigins https://data.example.org/", "not https://data"),
    ("StagingOrigins https://Data.example.org", "not https://Data"),
    ("StagingOrigins data.example.org", "not data"),
    ("StagingInterop 6 x", "numbers from 1 to 31"),
    ("StagingInterop 0", "numbers from 1 to 31"),
    ("StagingInterop 32", "numbers from 1 to 31"),
    ("StagingInterop", "at least one word"),
    ("StagingMaxAppend 1Z", "wants a number of bytes"),
    ("StagingUploadIdle 0", "must be greater than 0"),
    ("StagingUploadIdle 8d", "StagingUploadLifetime no less"),
])
def test_configtest_refuses_values_that_cannot_be_meant(server, line,
                                                        complaint):
    status, text = server.node.test(with_location(server, line))
    assert status != 0
    assert re.search(complaint, text), text


@pytest.mark.parametrize("lines", [
    "StagingInterop none\nStagingOrigins none",
    "StagingInterop 8 9\nStagingOrigins http://localhost:8080 http://[::1]:1",
    "StagingMaxAppend 90M\nStagingUploadIdle 7d",
])
def test_configtest_takes_values_that_can(server, lines):
    status, text = server.node.test(with_location(server, lines))
    assert status == 0, text


@pytest.mark.parametrize("where", ["/", "/upload"])
@pytest.mark.parametrize("lines, complaint", [
    ("SetInputFilter DEFLATE", "SetInputFilter DEFLATE inflates"),
    ("LimitRequestBody 1000", "LimitRequestBody is 1000 bytes"),
])
def test_configtest_warns_of_what_spoils_bodies(server, where, lines,
                                                complaint):
    def warnings(extra):
        return server.node.test(server.conf_with(extra))[1]

    assert complaint not in warnings("")
    assert f"{complaint}" in warnings(
        f'<Location "{where}">\n{lines}\n</Location>\n')


def test_a_body_limit_is_none_for_appends_that_are_shorter(server):
    def is_warned_of(append):
        return "LimitRequestBody is 1000 bytes" in server.node.test(
            with_location(server, "LimitRequestBody 1000\n"
                          f"StagingMaxAppend {append}"))[1]

    assert is_warned_of(1001)
    assert not is_warned_of(1000)
