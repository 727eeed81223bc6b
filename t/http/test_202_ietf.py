# SPDX-License-Identifier: Apache-2.0
"""The IETF draft of resumable uploads: the conformance list of
spec/resumable.md, section 5, lines 53 to 78."""

import time

import pytest

from resumable import PARTIAL, limits, name, problem, rnd

MIB = 1 << 20
NO_MARK = {"Upload-Draft-Interop-Version": None}
WHOLE = {"Upload-Complete": True}
OPEN = {"Upload-Complete": False}


@pytest.fixture(name="small")
def draft_of_small_uploads(any_draft):
    return any_draft.but(path="/resumable-small")


@pytest.fixture(name="append")
def draft_of_small_appends(any_draft):
    """Where one request may bring 1,000 bytes."""
    return any_draft.but(path="/resumable-append")


def created(draft, response):
    """The upload that an answer of success speaks of."""
    assert response.status in (200, 201), (response.status, response.body)
    assert response.headers["Upload-Complete"] == "?1"
    return response.headers["Location"]


# --- discovery, creation --------------------------------------------------------

def test_line_53_options_tell_the_limits_to_everybody(any_draft, small):
    for headers in (None, NO_MARK):
        response = small.options(headers=headers or {})
        assert response.status in (200, 204)
        assert limits(response)["max-size"] == 1000
    assert {"max-size", "min-size"} & set(limits(any_draft.options()))


def test_line_54_an_upload_may_be_created_before_its_bytes(draft):
    response = draft.post({**OPEN, "Upload-Length": 100}, b"")
    upload = draft.location(response)
    assert response.headers["Upload-Complete"] == "?0"
    assert response.headers["Upload-Offset"] == "0"
    assert limits(response)["max-age"] > 0
    assert draft.state(upload) == (0, False)


def test_line_55_a_creation_may_bring_the_first_bytes(draft):
    assert draft.state(draft.create(100, rnd(30))) == (30, False)


@pytest.mark.parametrize("size", [1000, 10 * MIB])
def test_line_56_a_creation_may_bring_all_bytes(draft, size):
    data = rnd(size)
    blocks = [data[:size // 3], data[size // 3:]]
    for headers, body in (({"Upload-Length": len(data)}, data), ({}, data),
                          ({}, blocks)):
        upload = created(draft, draft.post({**WHOLE, **headers}, body))
        assert draft.content(upload) == data


def test_line_57_a_whole_of_no_bytes_is_an_empty_object(draft):
    upload = created(draft, draft.post(WHOLE, b""))
    assert draft.content(upload) == b""


def test_line_58_a_whole_that_is_shorter_than_its_length_is_400(any_draft):
    response = any_draft.post({**WHOLE, "Upload-Length": 100}, b"12345")
    assert response.status == 400
    problem(response, "inconsistent-upload-length")
    assert response.headers["Upload-Complete"] == "?0"


@pytest.mark.parametrize("value", ["true", "1", "?2", '"?1"', "?1, ?1"])
def test_line_59_completeness_that_is_no_boolean_creates_nothing(
        server, any_draft, value):
    count = server.sql("SELECT count(*) FROM resumable")
    response = any_draft.post({"Upload-Complete": value}, b"12345")
    assert response.status == 400
    assert server.sql("SELECT count(*) FROM resumable") == count


def test_line_60_the_disposition_names_the_object(any_draft):
    response = any_draft.post({
        **WHOLE, "Content-Type": "text/plain",
        "Content-Disposition": "inline; filename=\"a.txt\"; "
                               "filename*=UTF-8''%C3%A4.txt"}, b"12345")
    upload = created(any_draft, response)
    entry = any_draft.uploads.settled(name(upload))
    assert (entry["filename"], entry["content_type"]) == \
        ("\u00e4.txt", "text/plain")


@pytest.mark.parametrize("version", ["8", "9"])
def test_line_61_the_url_is_told_before_the_body_is_read(any_draft, version):
    mark = {"Upload-Draft-Interop-Version": version}
    with any_draft.begin("POST", any_draft.path, {
            **OPEN, **mark, "Content-Length": 5}) as connection:
        status, headers = connection.interim()
        assert status == 104
        assert headers["Upload-Draft-Interop-Version"] == version
        assert "Upload-Limit" in headers
        response = connection.send(b"12345").response("POST")
        assert response.headers["Location"] == headers["Location"]
    assert any_draft.state(any_draft.location(response)) == (5, False)


@pytest.mark.parametrize("version", [None, "99", "5", "x"])
def test_line_61_clients_of_other_drafts_are_told_only_in_the_end(any_draft,
                                                                  version):
    mark = {"Upload-Draft-Interop-Version": version}
    response = any_draft.post({**OPEN, **mark}, b"12345")
    assert response.status == 201
    assert not response.interims


def test_line_62_a_client_that_waits_gets_100_and_104(any_draft):
    with any_draft.begin("POST", any_draft.path, {
            **OPEN, "Content-Length": 5,
            "Expect": "100-continue"}) as connection:
        assert {connection.interim()[0], connection.interim()[0]} == \
            {100, 104}
        assert connection.send(b"12345").response("POST").status == 201


def test_line_63_a_slow_body_is_told_how_far_it_has_come(draft):
    data = rnd(40 * MIB)
    upload = draft.create(len(data))
    with draft.begin("PATCH", upload, {
            **PARTIAL, **WHOLE, "Upload-Offset": 0,
            "Content-Length": len(data)}, timeout=60) as connection:
        for first in range(0, len(data), 10 * MIB):
            connection.send(data[first:first + 10 * MIB])
            time.sleep(1.3)
        response = connection.response("PATCH")
    told = [headers for status, headers in response.interims if status == 104]
    offsets = [int(headers["Upload-Offset"]) for headers in told]
    assert offsets
    assert offsets == sorted(set(offsets))
    assert offsets[-1] <= len(data)
    for headers in told:
        assert headers["Upload-Draft-Interop-Version"] == "8"
        assert "Location" not in headers
    assert response.headers["Upload-Complete"] == "?1"
    assert draft.state(upload) == (len(data), True)
    assert draft.content(upload) == data


def test_line_63_what_was_told_is_kept_when_the_body_is_cut(draft):
    data = rnd(40 * MIB)
    upload = draft.create(len(data))
    connection = draft.begin("PATCH", upload, {
        **PARTIAL, **WHOLE, "Upload-Offset": 0, "Content-Length": len(data)})
    for first in range(0, 30 * MIB, 10 * MIB):
        connection.send(data[first:first + 10 * MIB])
        time.sleep(1.3)
    told = int(connection.interim()[1]["Upload-Offset"])
    connection.reset()
    offset, is_complete = draft.state(upload)
    assert 0 < told <= offset
    assert not is_complete
    assert draft.patch(upload, offset, data[offset:], True).status < 300
    assert draft.content(upload) == data


# --- retrieval, append, cancellation --------------------------------------------

@pytest.mark.parametrize("mark", [{}, NO_MARK], ids=["marked", "unmarked"])
def test_line_64_head_and_get_tell_the_state(any_draft, mark):
    for size in (100, None):
        upload = any_draft.create(size, b"12345")
        for method in ("HEAD", "GET"):
            response = any_draft.ask(method, upload, mark)
            assert response.status in (200, 204)
            assert response.headers["Upload-Offset"] == "5"
            assert response.headers["Upload-Complete"] == "?0"
            assert response.headers["Upload-Length"] == (size and str(size))
            assert limits(response)["max-age"] > 0
            assert response.headers["Cache-Control"] == "no-store"
            assert "Tus-Resumable" not in response.headers


@pytest.mark.parametrize("headers", [{"Upload-Offset": 5}, OPEN, WHOLE,
                                     {"Upload-Length": 10}], ids=str)
def test_line_65_who_asks_for_the_offset_does_not_tell_it(any_draft, headers):
    upload = any_draft.create(10, b"12345")
    assert any_draft.head(upload, headers).status == 400


def test_line_66_appends_go_on_until_one_completes(draft):
    upload = draft.create(None, b"12345")
    response = draft.patch(upload, 5, b"678")
    assert response.status in (200, 201, 204)
    assert response.headers["Upload-Complete"] == "?0"
    assert response.headers["Upload-Offset"] == "8"
    response = draft.patch(upload, 8, b"90", True)
    assert response.status in (200, 201, 204)
    assert response.headers["Upload-Complete"] == "?1"
    response = draft.head(upload)
    assert response.headers["Upload-Complete"] == "?1"
    assert response.headers["Upload-Length"] == "10"
    assert response.headers["Upload-Offset"] == "10"
    assert draft.content(upload) == b"1234567890"


@pytest.mark.parametrize("headers, status", [
    ({"Upload-Complete": None}, 400), ({"Upload-Complete": "true"}, 400),
    ({"Upload-Complete": "1"}, 400), ({"Upload-Offset": None}, 400),
    ({"Upload-Offset": "5.0"}, 400), ({"Upload-Offset": "+5"}, 400),
    ({"Upload-Offset": "-1"}, 400), ({"Upload-Offset": "5, 5"}, 400),
    ({"Upload-Offset": ["5", "5"]}, 400),
    ({"Upload-Offset": "5" + "0" * 15}, 400),
    ({"Upload-Offset": "5;x=1"}, 204), ({"Upload-Complete": "?0;x=1"}, 204),
], ids=str)
def test_line_67_numbers_and_booleans_are_those_of_rfc_9651(any_draft,
                                                            headers, status):
    upload = any_draft.create(10, b"12345")
    response = any_draft.patch(upload, 5, b"67", headers=headers)
    assert response.status == status
    assert any_draft.state(upload) == (7 if status == 204 else 5, False)


def test_line_68_another_content_type_is_415(any_draft):
    upload = any_draft.create(10)
    for kind in ("application/octet-stream", None):
        response = any_draft.patch(upload, 0, b"x",
                                   headers={"Content-Type": kind})
        assert response.status == 415
        assert "application/partial-upload" in response.headers["Accept-Patch"]
    assert any_draft.state(upload) == (0, False)


def test_line_69_a_wrong_offset_is_told_the_right_one(draft):
    upload = draft.create(10, b"12345")
    response = draft.patch(upload, 3, b"45678")
    assert response.status == 409
    assert response.headers["Upload-Complete"] == "?0"
    members = problem(response, "mismatching-upload-offset")
    assert (members["expected-offset"], members["provided-offset"]) == (5, 3)
    offset = int(response.headers["Upload-Offset"])
    assert offset == 5
    assert draft.patch(upload, offset, b"67890", True).status < 300
    assert draft.content(upload) == b"1234567890"


def test_line_70_all_bytes_are_not_the_end_before_it_is_said(draft):
    upload = draft.create(10, b"1234567890")
    assert draft.state(upload) == (10, False)
    assert not draft.is_whole(upload)
    response = draft.patch(upload, 10, b"", True)
    assert response.status in (200, 201, 204)
    assert response.headers["Upload-Complete"] == "?1"
    assert draft.content(upload) == b"1234567890"


@pytest.mark.parametrize("body", [b"678901", [b"6789", b"01"]],
                         ids=["length", "chunked"])
@pytest.mark.parametrize("is_complete", [False, True])
def test_line_71_who_goes_past_the_length_has_lost_the_upload(
        draft, body, is_complete):
    upload = draft.create(10, b"12345")
    response = draft.patch(upload, 5, body, is_complete)
    assert response.status == 400
    problem(response, "inconsistent-upload-length")
    assert draft.head(upload).status in (404, 410)
    assert draft.patch(upload, 5, b"67890").status in (404, 410)
    assert not draft.is_whole(upload)


@pytest.mark.parametrize("body", [b"678", [b"6", b"78"]],
                         ids=["length", "chunked"])
def test_line_72_what_ends_short_of_the_length_completes_nothing(draft, body):
    upload = draft.create(10, b"12345")
    response = draft.patch(upload, 5, body, True)
    assert response.status == 400
    problem(response, "inconsistent-upload-length")
    assert response.headers["Upload-Complete"] == "?0"
    offset, is_complete = draft.state(upload)
    assert not is_complete
    assert response.headers["Upload-Offset"] == str(offset)
    assert draft.patch(upload, offset, b"1234567890"[offset:],
                       True).status < 300
    assert draft.content(upload) == b"1234567890"


def test_line_73_the_length_never_changes(any_draft):
    upload = any_draft.create(10, b"12345")
    response = any_draft.patch(upload, 5, b"6", headers={"Upload-Length": 11})
    assert response.status == 400
    problem(response, "inconsistent-upload-length")
    assert any_draft.state(upload) == (5, False)
    assert any_draft.patch(upload, 5, b"6",
                           headers={"Upload-Length": 10}).status < 300
    assert any_draft.state(upload) == (6, False)


def test_line_74_the_final_answer_is_repeated_and_nothing_else(draft):
    upload = draft.create(10, b"12345")
    first = draft.patch(upload, 5, b"67890", True)
    assert draft.content(upload) == b"1234567890"
    for body in (b"", []):  # with a length, and in no chunks
        again = draft.patch(upload, 10, body, True)
        assert (again.status, again.body) == (first.status, first.body)
        for field in ("Upload-Complete", "Location", "Repr-Digest"):
            assert again.headers[field] == first.headers[field]
    for response in (draft.patch(upload, 10, b""),
                     draft.patch(upload, 10, b"x", True),
                     draft.patch(upload, 10, [b"x"], True),
                     draft.patch(upload, 5, b"67890", True)):
        assert response.status == 409
        assert response.headers["Upload-Complete"] == "?0"
        assert response.headers["Upload-Offset"] == "10"
    assert draft.content(upload) == b"1234567890"


def test_line_75_what_is_too_large_is_413_and_told_the_limit(small):
    upload = small.create(None, b"x" * 600)
    for response in (small.post({**OPEN, "Upload-Length": 1001}, b""),
                     small.post(WHOLE, b"x" * 1001),
                     small.post(WHOLE, [b"x" * 600, b"x" * 401]),
                     small.patch(upload, 600, b"x" * 401)):
        assert response.status == 413
        assert limits(response)["max-size"] == 1000
        assert response.headers["Upload-Complete"] == "?0"
    offset, is_complete = small.state(upload)
    assert (offset, is_complete) == (600, False)
    response = small.patch(upload, 600, [b"x" * 300, b"x" * 101], True)
    assert response.status == 413
    assert limits(response)["max-size"] == 1000
    assert not small.is_whole(upload)


def test_line_76_an_append_may_be_limited_from_above_but_never_from_below(
        append):
    """Of what the line says of min-append-size there is nothing to be set:
    spec 2.11 decides that it is 0, so the smallest append is always taken,
    the last one or not."""
    for response in (append.options(), append.post(OPEN, b"")):
        assert limits(response)["max-append-size"] == 1000
        assert limits(response).get("min-append-size", 0) == 0
    upload = append.create(3000)
    for body in (b"x" * 1001, [b"x" * 600, b"x" * 401]):
        response = append.patch(upload, 0, body)
        assert response.status == 413
        assert limits(response)["max-append-size"] == 1000
    assert append.post(OPEN, b"x" * 1001).status == 413
    offset, is_complete = append.state(upload)
    assert not is_complete
    for size in (1, 1000, 1000):
        assert append.patch(upload, offset, b"x" * size).status < 300
        offset += size
    assert append.state(upload) == (offset, False)
    assert append.patch(upload, offset, b"x" * 998).status < 300
    assert append.patch(upload, 2999, b"x", True).status == 200
    assert append.state(upload) == (3000, True)


def test_line_77_a_cancelled_upload_is_gone(draft):
    upload = draft.create(10, b"12345")
    assert draft.delete(upload).status == 204
    for response in (draft.head(upload), draft.patch(upload, 5, b"67890"),
                     draft.delete(upload)):
        assert response.status in (404, 410)
    assert draft.status(upload) is None


def test_line_78_the_end_of_life_never_comes_nearer(draft):
    asked = time.time()
    response = draft.post({**OPEN, "Upload-Length": 10}, b"")
    upload = draft.location(response)
    last = asked + limits(response)["max-age"]
    for offset in range(3):
        time.sleep(0.7)
        for ask in (lambda: draft.patch(upload, offset, b"x"),
                    lambda: draft.head(upload)):
            asked = time.time()
            response = ask()
            if "Upload-Limit" in response.headers:
                left = limits(response)["max-age"]
                # told in whole seconds, rounded down
                assert time.time() + left >= last - 1
                last = max(last, asked + left)
