# SPDX-License-Identifier: Apache-2.0
"""An upload in both dialects, request by request: the conformance list of
spec/resumable.md, section 5, lines 91 to 95."""

from resumable import PARTIAL


def test_line_91_tus_draft_and_tus_again(tus, draft):
    upload = tus.create(10, body=b"123")
    response = draft.patch(upload, 3, b"456")
    assert response.status < 300
    assert response.headers["Upload-Offset"] == "6"
    assert "Tus-Resumable" not in response.headers
    assert tus.offset(upload) == 6
    response = tus.patch(upload, 6, b"7890")
    assert response.status == 204
    assert response.headers["Tus-Resumable"] == "1.0.0"
    assert draft.state(upload) == (10, True)
    assert tus.content(upload) == b"1234567890"


def test_line_92_tus_completes_what_the_draft_began(tus, draft):
    upload = draft.create(10, b"12345")
    assert tus.head(upload).headers["Upload-Length"] == "10"
    assert tus.patch(upload, 5, b"67890").status == 204
    assert draft.state(upload) == (10, True)
    assert draft.content(upload) == b"1234567890"


def test_line_93_the_draft_declares_a_length_that_tus_deferred(tus, draft):
    upload = tus.create(body=b"12345")
    assert draft.patch(upload, 5, b"67890", True).headers[
        "Upload-Complete"] == "?1"
    response = tus.head(upload)
    assert response.headers["Upload-Length"] == "10"
    assert response.headers["Upload-Offset"] == "10"
    assert "Upload-Defer-Length" not in response.headers
    assert tus.content(upload) == b"1234567890"


def test_line_94_tus_is_told_of_the_last_byte_only_when_it_is_whole(tus,
                                                                   draft):
    upload = draft.create(10, b"1234567890")
    assert draft.state(upload) == (10, False)
    assert tus.offset(upload) == 10
    assert draft.state(upload) == (10, True)
    assert tus.content(upload) == b"1234567890"


def test_line_95_nobody_speaks_both_at_once(any_tus):
    upload = any_tus.create(10)
    both = {"Upload-Complete": "?0"}
    assert any_tus.post({"Upload-Length": 10, **both}).status == 400
    assert any_tus.head(upload, both).status == 400
    assert any_tus.patch(upload, 0, b"x", both).status == 400
    assert any_tus.patch(upload, 0, b"x", PARTIAL).status == 400
    assert any_tus.delete(upload, {
        "Upload-Draft-Interop-Version": "8"}).status == 400
    assert any_tus.offset(upload) == 0


def test_without_a_mark_the_answer_says_what_is_missing(any_tus):
    """3.1 of the specification: what the future RFC has no marker for is its
    own, and what only tus sends is told its version."""
    upload = any_tus.create(10, body=b"12345")
    bare = {"Tus-Resumable": None}
    response = any_tus.head(upload, bare)
    assert response.status in (200, 204)
    assert response.headers["Upload-Complete"] == "?0"
    response = any_tus.patch(upload, 5, b"67890", bare)
    assert response.status == 412
    assert response.headers["Tus-Version"] == "1.0.0"
    assert any_tus.patch(upload, 5, b"67890", {
        **bare, "Content-Type": "text/plain"}).status == 415
    for headers in ({"Upload-Length": 5}, {"Upload-Defer-Length": 1},
                    {"Upload-Metadata": "a YQ=="},
                    {"Upload-Concat": "partial"}):
        assert any_tus.post({**bare, **headers}).status == 412
    assert any_tus.post(bare).status == 400
    assert any_tus.offset(upload) == 5
    assert any_tus.delete(upload, bare).status == 204
    assert any_tus.head(upload).status in (404, 410)
