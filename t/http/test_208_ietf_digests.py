# SPDX-License-Identifier: Apache-2.0
"""Digests in the IETF draft of resumable uploads: the conformance list of
spec/resumable.md, section 5, lines 79 to 82."""

import contextlib
import json

import pytest

from resumable import PARTIAL, digest, name, problem, rnd

MIB = 1 << 20
WHOLE = {"Upload-Complete": True}
OPEN = {"Upload-Complete": False}


def refused_digest(response, kind, member):
    """What is said of the first digest that is wrong."""
    assert response.status == 400
    return problem(response, "digest-" + kind)[member][0]


BAD_DIGESTS = [
    (digest(b"else"), "mismatched-values", "mismatched_digests"),
    (digest(b"12345") + ", " + digest(b"else", "sha-512"),
     "mismatched-values", "mismatched_digests"),
    ("sha-256=:AAAA:", "invalid-values", "invalid_digests"),
    ("foo=:AAAA:", "unsupported-algorithms", "unsupported_algorithms"),
]


@pytest.mark.parametrize("value, kind, member", BAD_DIGESTS,
                         ids=lambda value: value[:30])
def test_line_79_a_content_digest_is_verified_before_anything_counts(
        draft, value, kind, member):
    upload = draft.create(10)
    told = refused_digest(draft.patch(upload, 0, b"12345", headers={
        "Content-Digest": value}), kind, member)
    assert told["header"].lower() == "content-digest"
    assert told["algorithm"] in ("sha-256", "sha-512", "foo")
    assert draft.state(upload) == (0, False)
    response = draft.post({**OPEN, "Content-Digest": value}, b"12345")
    refused_digest(response, kind, member)
    right = {"Content-Digest": digest(b"12345") + ", foo=:AAAA:"}
    assert draft.patch(upload, 0, b"12345", headers=right).status < 300
    assert draft.state(upload) == (5, False)
    assert draft.state(draft.create(10, b"12345", right)) == (5, False)


MANY_BAD_DIGESTS = [
    ("foo=:AAAA:, bar=:AAAA:", "x=:AAAA:", "unsupported-algorithms",
     "unsupported_algorithms", {"foo": "Content-Digest",
                                "bar": "Content-Digest", "x": "Repr-Digest"}),
    ("sha-256=:AAAA:, foo=:AAAA:, md5=:AAAA:", "sha-512=:AAAA:",
     "invalid-values", "invalid_digests", {
         "sha-256": "Content-Digest", "md5": "Content-Digest",
         "sha-512": "Repr-Digest"}),
    (f"{digest(b'x')}, {digest(b'x', 'md5')}, {digest(b'12345', 'sha-512')}",
     digest(b"12345"), "mismatched-values", "mismatched_digests", {
         "sha-256": "Content-Digest", "md5": "Content-Digest"}),
]


@pytest.mark.parametrize("content, whole, kind, member, told",
                         MANY_BAD_DIGESTS, ids=("unsupported", "invalid",
                                                "mismatched"))
def test_a_refusal_names_every_digest_that_is_refused(
        any_draft, content, whole, kind, member, told):
    response = any_draft.post({**WHOLE, "Content-Digest": content,
                               "Repr-Digest": whole}, b"12345")
    items = problem(response, "digest-" + kind)[member]
    assert {item["algorithm"]: item["header"] for item in items} == told
    assert len(items) == len(told)
    for item in items:
        assert set(item) - {"algorithm", "header"} == {
            "invalid_digests": {"reason"},
            "mismatched_digests": {"provided_digest"}}.get(member, set())


@pytest.mark.parametrize("value, kind, member", BAD_DIGESTS,
                         ids=lambda value: value[:30])
def test_line_80_a_content_digest_may_come_behind_the_body(draft, value, kind,
                                                           member):
    upload = draft.create(10)
    told = refused_digest(draft.patch(
        upload, 0, [b"123", b"45"], trailers={"Content-Digest": value}),
        kind, member)
    assert told["header"].lower() == "content-digest"
    assert draft.state(upload) == (0, False)
    right = {"Content-Digest": digest(b"12345")}
    assert draft.patch(upload, 0, [b"123", b"45"],
                       trailers=right).status < 300
    assert draft.state(upload) == (5, False)
    assert draft.state(draft.location(draft.post(
        OPEN, [b"12345"], right))) == (5, False)


def test_line_80_what_was_cut_before_its_digest_is_dropped(draft):
    data = rnd(20 * MIB)
    upload = draft.create(len(data), data[:5])
    draft.receiving("PATCH", upload, {
        **PARTIAL, **WHOLE, "Upload-Offset": 5,
        "Content-Length": len(data) - 5,
        "Content-Digest": digest(data[5:])}, data[5:12 * MIB]).reset()
    assert draft.state(upload) == (5, False)


def test_line_81_the_digest_of_the_whole_decides_in_the_end(server, draft):
    data = rnd(10 * MIB)
    half = len(data) // 2
    upload = draft.create(len(data), data[:half],
                          {"Repr-Digest": digest(data, "sha-512")})
    assert draft.patch(upload, half, data[half:], True).status < 300
    assert draft.content(upload) == data
    upload = draft.create(10, b"12345", {"Repr-Digest": digest(b"else")})
    object_ = draft.row(upload)[1]
    response = draft.patch(upload, 5, b"67890", True)
    told = refused_digest(response, "mismatched-values", "mismatched_digests")
    assert told["header"].lower() == "repr-digest"
    assert response.headers["Upload-Complete"] == "?1"
    assert draft.head(upload).status == 410
    assert not draft.is_whole(upload)
    server.ctl("gc")
    server.wait(lambda: not server.sql("SELECT 1 FROM object WHERE id = %s",
                                       object_))


def test_a_digest_of_the_whole_belongs_to_the_creation(any_draft):
    upload = any_draft.create(10)
    response = any_draft.patch(upload, 0, b"12345", headers={
        "Repr-Digest": digest(b"12345")})
    assert response.status == 400
    assert any_draft.state(upload) == (0, False)


@pytest.mark.parametrize("wanted", [{}, {"Want-Repr-Digest": "sha-512=5"}],
                         ids=["default", "sha-512"])
def test_line_82_the_final_answer_has_the_digest_that_was_wanted(draft,
                                                                 wanted):
    upload = draft.create(10, b"12345", wanted)
    response = draft.patch(upload, 5, b"67890", True)
    data = draft.content(upload)
    algorithm = "sha-512" if wanted else "sha-256"
    assert digest(data, algorithm) in response.headers["Repr-Digest"]
    assert digest(data) in draft.head(upload).headers["Repr-Digest"]
    response = draft.post({**WHOLE, **wanted}, b"1234567890")
    assert digest(data, algorithm) in response.headers["Repr-Digest"]


def test_line_82_the_answer_is_the_entry_of_the_upload(draft):
    response = draft.post(WHOLE, b"12345")
    entry = json.loads(response.body)
    assert entry["id"] == name(response.headers["Location"])


def test_a_cut_body_is_never_taken_for_the_whole(draft):
    """Without a length nothing but its last chunk tells."""
    with contextlib.suppress(OSError):
        with draft.begin("POST", draft.path, {
                **WHOLE, "Transfer-Encoding": "chunked"}) as connection:
            status, headers = connection.interim()
            assert status == 104
            connection.chunk(b"12345")
    upload = headers["Location"]
    offset, is_complete = draft.state(upload)
    assert not is_complete
    assert draft.patch(upload, offset, b"1234567890"[offset:],
                       True).status < 300
    assert draft.content(upload) == b"1234567890"
