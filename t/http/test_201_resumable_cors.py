# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads from pages of other origins: spec/resumable.md, section
5, lines 51 and 52, and 1.15."""

import uuid

import pytest

from resumable import OCTETS, checksum, words

ORIGIN = "https://pages.example.org"
METHODS = {"POST", "HEAD", "PATCH", "DELETE", "GET", "PUT", "OPTIONS"}
REQUEST_HEADERS = """
Authorization Content-Type Content-Disposition Origin X-Requested-With
X-Request-ID X-HTTP-Method-Override Tus-Resumable Upload-Length Upload-Offset
Upload-Metadata Upload-Defer-Length Upload-Concat Upload-Checksum
Upload-Complete Upload-Draft-Interop-Version Content-Digest Repr-Digest
Want-Content-Digest Want-Repr-Digest Idempotency-Key Prefer Incremental
""".split()
EXPOSED = """
Location Upload-Offset Upload-Length Upload-Metadata Upload-Defer-Length
Upload-Concat Upload-Expires Tus-Version Tus-Resumable Tus-Max-Size
Tus-Extension Tus-Checksum-Algorithm Upload-Complete Upload-Limit
Upload-Draft-Interop-Version Content-Digest Repr-Digest Retry-After Link
""".split()


def lower(names):
    return {name.lower() for name in names}


def cross_origin(response):
    return [name for name in response.headers
            if name.lower().startswith("access-control-")]


def test_line_51_only_allowed_origins_may_ask_before(any_tus):
    asking = {"Access-Control-Request-Method": "PATCH",
              "Access-Control-Request-Headers": "tus-resumable,upload-offset",
              "Tus-Resumable": None}
    upload = any_tus.create(10)
    for target in (any_tus.path, upload):
        response = any_tus.options(target, {**asking, "Origin": ORIGIN})
        assert response.status in (200, 204)
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert words(
            response.headers["Access-Control-Allow-Methods"]) == METHODS
        assert lower(words(
            response.headers["Access-Control-Allow-Headers"])) == \
            lower(REQUEST_HEADERS)
        assert response.headers["Access-Control-Max-Age"] == "86400"
        assert "Origin" in words(response.headers["Vary"])
        assert "Access-Control-Allow-Credentials" not in response.headers
    for origin in ("https://evil.example.org", "null",
                   "https://pages.example.org.evil.example",
                   "http://pages.example.org"):
        response = any_tus.options(headers={**asking, "Origin": origin})
        assert response.status in (200, 204)
        assert not cross_origin(response), origin


def answers(tus, origin):
    """(status, answer) of each kind to a request from this origin."""
    mark = {"Origin": origin}
    created = tus.post({"Upload-Length": 10, **mark})
    upload = tus.location(created)
    return [
        (201, created),
        (204, tus.patch(upload, 0, b"12345", mark)),
        (200, tus.head(upload, mark)),
        (409, tus.patch(upload, 0, b"x", mark)),
        (412, tus.head(upload, {"Tus-Resumable": "0.1", **mark})),
        (413, tus.patch(upload, 5, b"x" * 6, mark)),
        (460, tus.patch(upload, 5, b"x", {
            "Upload-Checksum": checksum("sha1", b"y"), **mark})),
        (401, tus.but(bearer=None).head(upload, mark)),
        (404, tus.head(f"{tus.path}/{uuid.uuid4()}", mark)),
    ]


@pytest.mark.parametrize("origin", [ORIGIN, "https://more.example.org"])
def test_line_52_pages_can_read_every_answer_errors_too(any_tus, origin):
    for status, response in answers(any_tus, origin):
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert lower(words(
            response.headers["Access-Control-Expose-Headers"])) == \
            lower(EXPOSED), status
        assert "Origin" in words(response.headers["Vary"]), status


def test_other_origins_are_served_and_told_nothing(any_tus):
    for status, response in answers(any_tus, "https://evil.example.org"):
        assert response.status == status
        assert not cross_origin(response), status


def test_without_an_origin_nothing_is_said_of_origins(any_tus):
    upload = any_tus.create(5)
    assert not cross_origin(any_tus.patch(upload, 0, b"12345"))


def test_pages_can_read_why_a_creation_was_refused(any_tus):
    response = any_tus.post({"Origin": ORIGIN, "Upload-Length": 5, **OCTETS},
                            b"123456")
    assert response.status == 413
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
