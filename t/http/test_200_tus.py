# SPDX-License-Identifier: Apache-2.0
"""tus 1.0 with its extensions: the conformance list of spec/resumable.md,
section 5, lines 1 to 33."""

import json
import re
import time
import uuid
from urllib.parse import urljoin

import pytest

from resumable import OCTETS, checksum, name, rnd, words

MIB = 1 << 20
EXTENSIONS = {"creation", "creation-with-upload", "creation-defer-length",
              "expiration", "checksum", "checksum-trailer", "termination",
              "concatenation"}
OTHER_TYPE = {"Content-Type": "application/json"}
OLD = {"Tus-Resumable": "0.2.2"}
NO_MARK = {"Tus-Resumable": None}


# --- discovery and version ------------------------------------------------------

def tells_everything(response):
    assert response.status in (200, 204)
    assert response.headers["Tus-Version"] == "1.0.0"
    assert words(response.headers["Tus-Extension"]) == EXTENSIONS
    assert "sha1" in words(response.headers["Tus-Checksum-Algorithm"])
    assert response.headers["Tus-Max-Size"] == "1000"
    assert "Upload-Limit" in response.headers
    return True


def test_line_01_options_tell_everything_without_credentials(small):
    assert tells_everything(small.options(headers=NO_MARK))


def test_line_02_options_of_an_upload_that_is_not_there_tell_the_same(small):
    assert tells_everything(small.options(f"{small.path}/{uuid.uuid4()}",
                                          NO_MARK))


def test_line_03_options_ignore_the_version_of_the_client(small):
    assert tells_everything(small.options(
        headers={"Tus-Resumable": "9.9.9"}))


def test_line_04_another_version_is_412_and_changes_nothing(server, any_tus):
    upload = any_tus.create(10, body=b"12345")
    count = server.sql("SELECT count(*) FROM resumable")
    for response in (
            any_tus.post({"Upload-Length": 5, **OLD}),
            any_tus.patch(upload, 5, b"67890", OLD),
            any_tus.delete(upload, OLD), any_tus.head(upload, OLD)):
        assert response.status == 412
        assert response.headers["Tus-Version"] == "1.0.0"
    assert server.sql("SELECT count(*) FROM resumable") == count
    assert any_tus.offset(upload) == 5


def test_line_05_a_creation_that_names_no_version_is_412(any_tus):
    response = any_tus.post({"Upload-Length": 5, **NO_MARK})
    assert response.status == 412
    assert response.headers["Tus-Version"] == "1.0.0"


def test_line_06_every_answer_names_the_version_and_forbids_sniffing(any_tus):
    created = any_tus.post({"Upload-Length": 10})
    upload = any_tus.location(created)
    unknown = f"{any_tus.path}/{uuid.uuid4()}"
    answers = [
        (201, created),
        (200, any_tus.head(upload)),
        (204, any_tus.patch(upload, 0, b"123")),
        (400, any_tus.patch(upload, "x", b"123")),
        (401, any_tus.but(bearer=None).head(upload)),
        (404, any_tus.head(unknown)),
        (409, any_tus.patch(upload, 9, b"1")),
        (412, any_tus.head(upload, OLD)),
        (413, any_tus.patch(upload, 3, b"x" * 100)),
        (415, any_tus.patch(upload, 3, b"x", OTHER_TYPE)),
        (460, any_tus.patch(upload, 3, b"x", {
            "Upload-Checksum": checksum("sha1", b"y")})),
        (204, any_tus.delete(upload)),
        (410, any_tus.head(upload)),
    ]
    for status, response in answers:
        assert response.status == status or \
            (status, response.status) == (410, 404)
        assert response.headers["Tus-Resumable"] == "1.0.0", status
        assert response.headers["X-Content-Type-Options"] == "nosniff", status


# --- creation -------------------------------------------------------------------

def test_line_07_a_new_upload_is_there_and_empty(tus):
    response = tus.head(tus.create(10))
    assert response.status == 200
    assert response.headers["Upload-Offset"] == "0"
    assert response.headers["Upload-Length"] == "10"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Upload-Metadata" not in response.headers


@pytest.mark.parametrize("length", ["-1", "1.5", "+5", "abc", "", "1" * 16])
def test_line_08_a_length_that_is_no_number_is_400(any_tus, length):
    assert any_tus.post({"Upload-Length": length}).status == 400


@pytest.mark.parametrize("headers", [
    {}, {"Upload-Length": 5, "Upload-Defer-Length": 1},
    {"Upload-Defer-Length": 2}, {"Upload-Defer-Length": 0}], ids=str)
def test_line_09_the_length_is_declared_or_deferred(any_tus, headers):
    assert any_tus.post(headers).status == 400


def test_line_10_the_largest_upload_is_the_one_that_is_announced(small):
    assert small.post({"Upload-Length": 1001}).status == 413
    assert small.post({"Upload-Length": 1000}).status == 201


def test_line_11_an_upload_of_no_bytes_is_complete_at_once(tus):
    upload = tus.create(0)
    response = tus.head(upload)
    assert (response.headers["Upload-Offset"],
            response.headers["Upload-Length"]) == ("0", "0")
    assert tus.content(upload) == b""


def test_line_12_metadata_come_back_as_they_were_sent(any_tus):
    upload = any_tus.create(10, {
        "Upload-Metadata": "filename d29ybGQucGRm,empty,flag "})
    assert any_tus.head(upload).headers["Upload-Metadata"].rstrip() == \
        "filename d29ybGQucGRm,empty,flag"


def test_line_13_empty_metadata_are_none(any_tus):
    upload = any_tus.create(10, {"Upload-Metadata": ""})
    assert "Upload-Metadata" not in any_tus.head(upload).headers


@pytest.mark.parametrize("text", [
    "a !!!!", "a YQ", "a YR==", "a YQ==,a Yg==", "a YQ==,,b", ",a YQ==",
    "k" * 129 + " YQ==", "a " + "YWFh" * 1100,
    ",".join(f"k{n}" for n in range(65))], ids=lambda text: text[:20])
def test_line_14_metadata_that_are_malformed_or_too_much_are_400(any_tus,
                                                                 text):
    assert any_tus.post({"Upload-Length": 5,
                         "Upload-Metadata": text}).status == 400


def test_line_15_ids_are_new_long_and_say_nothing(any_tus):
    one, two = any_tus.create(5), any_tus.create(5)
    assert one != two
    for upload in (one, two):
        assert re.fullmatch("[A-Za-z0-9_-]{22,}", name(upload))
        assert str(any_tus.row(upload)[1]) not in upload


def test_line_16_the_location_is_the_url_of_the_upload(server, any_tus):
    location = any_tus.post({"Upload-Length": 5}).headers["Location"]
    url = urljoin(server.url + any_tus.path, location)
    assert url.startswith(server.url + any_tus.path + "/")
    upload = url.removeprefix(server.url)
    assert any_tus.head(upload).status == 200
    assert any_tus.head(upload + "?_=1700000000").status == 200


def test_line_17_only_a_body_needs_the_right_type(any_tus):
    assert any_tus.post({"Upload-Length": 5, **OTHER_TYPE}, b"").status == 201
    assert any_tus.post({"Upload-Length": 5, **OTHER_TYPE},
                        b"12345").status == 415


def test_line_18_the_creation_url_may_end_in_a_slash(any_tus):
    for path in (any_tus.path, any_tus.path + "/"):
        created = any_tus.but(path=path).post({"Upload-Length": 5})
        assert any_tus.head(any_tus.location(created)).status == 200


# --- PATCH and HEAD -------------------------------------------------------------

def test_line_19_bytes_come_in_pieces_and_make_the_object(tus):
    data = rnd(10)
    upload = tus.create(10)
    for first, end in ((0, 5), (5, 10)):
        response = tus.patch(upload, first, data[first:end])
        assert response.status == 204
        assert response.headers["Upload-Offset"] == str(end)
        assert tus.offset(upload) == end
    assert tus.content(upload) == data


def test_line_20_another_offset_is_409_and_changes_nothing(tus):
    upload = tus.create(10, body=b"12345")
    for offset in (4, 6):
        assert tus.patch(upload, offset, b"x").status == 409
        assert tus.offset(upload) == 5


@pytest.mark.parametrize("offset", [None, "-1", "x", ["0", "0"]], ids=str)
def test_line_21_the_offset_is_one_number(any_tus, offset):
    upload = any_tus.create(10)
    assert any_tus.patch(upload, offset, b"x").status == 400
    assert any_tus.offset(upload) == 0


def test_line_22_a_patch_has_its_content_type(any_tus):
    upload = any_tus.create(10)
    for kind in (None, "application/json", "application/octet-stream"):
        assert any_tus.patch(upload, 0, b"x",
                             {"Content-Type": kind}).status == 415
        assert any_tus.offset(upload) == 0
    response = any_tus.patch(upload, 0, b"x", {
        "Content-Type": OCTETS["Content-Type"] + ";charset=x"})
    assert response.status in (204, 415)
    assert any_tus.offset(upload) == (1 if response.status == 204 else 0)


def test_line_23_more_bytes_than_the_length_are_413(tus):
    upload = tus.create(10)
    assert tus.patch(upload, 0, b"x" * 11).status == 413
    assert tus.offset(upload) == 0
    assert tus.patch(upload, 0, [b"x" * 6, b"x" * 5]).status == 413
    assert tus.offset(upload) <= 10
    assert not tus.is_whole(upload)


def test_line_24_a_patch_may_be_chunked(tus):
    upload = tus.create(10)
    assert tus.patch(upload, 0, [b"123", b"4567", b"890"]).status == 204
    assert tus.content(upload) == b"1234567890"


def test_line_25_an_empty_patch_at_the_offset_changes_nothing(tus):
    upload = tus.create(10, body=b"12345")
    for offset in (5, 10):
        for body in (b"", []):  # with a length, and in no chunks
            response = tus.patch(upload, offset, body)
            assert response.status == 204
            assert response.headers["Upload-Offset"] == str(offset)
            assert tus.offset(upload) == offset
        tus.patch(upload, 5, b"67890")
    assert tus.content(upload) == b"1234567890"


def test_line_26_nothing_is_appended_to_what_is_complete(tus):
    upload = tus.create(5, body=b"12345")
    assert tus.patch(upload, 5, b"6").status == 413
    assert tus.patch(upload, 5, [b"6"]).status == 413
    assert tus.patch(upload, 0, b"12345").status == 409
    assert tus.content(upload) == b"12345"


def test_line_27_a_thousand_patches_of_one_byte_and_a_big_one(tus):
    data = rnd(MIB)
    upload = tus.create(len(data))
    for offset in range(1000):
        response = tus.patch(upload, offset, data[offset:offset + 1])
        assert response.status == 204, response.body
        assert response.headers["Upload-Offset"] == str(offset + 1)
    assert tus.patch(upload, 1000, data[1000:]).status == 204
    assert tus.content(upload) == data


def alike(response, upload):
    """What two answers about different uploads have in common."""
    headers = sorted((key, value) for key, value in response.getheaders()
                     if key not in ("Date", "X-Request-Id"))
    own = (name(upload), response.headers["X-Request-Id"])
    return [re.sub("|".join(map(re.escape, own)), "", part) for part in (
        str(response.status), str(headers), response.body.decode())]


def test_line_28_what_is_not_there_and_what_is_anothers_look_the_same(
        any_tus, bob_key):
    foreign = any_tus.create(10, body=b"12345")
    unknown = f"{any_tus.path}/{uuid.uuid4()}"
    bob = any_tus.but(bearer=bob_key)
    for ask in (bob.head, lambda upload: bob.patch(upload, 5, b"67890"),
                bob.delete):
        response = ask(unknown)
        assert response.status == 404
        assert "Upload-Offset" not in response.headers
        assert alike(ask(foreign), foreign) == alike(response, unknown)
    assert any_tus.offset(foreign) == 5


def test_line_29_without_credentials_everything_is_401(any_tus):
    upload = any_tus.create(10)
    nobody = any_tus.but(bearer=None)
    for response in (nobody.post({"Upload-Length": 5}), nobody.head(upload),
                     nobody.patch(upload, 0, b"x"), nobody.delete(upload)):
        assert response.status == 401
        assert response.headers["WWW-Authenticate"]
    assert any_tus.offset(upload) == 0


def test_line_30_what_came_before_a_cut_is_kept(tus):
    data = rnd(64 * MIB)
    upload = tus.create(len(data))
    sent = 40 * MIB
    tus.patching(upload, 0, len(data), data[:sent]).reset()
    began = time.monotonic()
    offset = tus.offset(upload)
    assert time.monotonic() - began < 5
    assert 0 < offset <= sent
    assert tus.patch(upload, offset, data[offset:]).status == 204
    assert tus.content(upload) == data


def test_line_31_a_body_is_asked_for_only_if_it_is_wanted(tus):
    upload = tus.create(10)
    expecting = {**OCTETS, "Content-Length": 10, "Expect": "100-continue"}
    with tus.begin("PATCH", upload, {
            **expecting, "Upload-Offset": 1}) as connection:
        response = connection.response("PATCH")
        assert (response.status, response.interims) == (409, [])
    with tus.begin("PATCH", upload, {
            **expecting, "Upload-Offset": 0}) as connection:
        assert connection.interim()[0] == 100
        assert connection.send(b"1234567890").response("PATCH").status == 204
    assert tus.content(upload) == b"1234567890"


def test_line_32_other_methods_do_nothing_wrong(any_tus):
    upload = any_tus.create(10, body=b"12345")
    response = any_tus.ask("PUT", upload, OCTETS, b"67890")
    assert response.status == 405
    assert {"HEAD", "PATCH", "DELETE"} <= words(response.headers["Allow"])
    response = any_tus.ask("GET", upload, NO_MARK)
    assert response.status in (200, 405)
    if response.status == 200:
        assert json.loads(response.body)
    else:
        assert response.headers["Allow"]
    assert any_tus.offset(upload) == 5


def test_line_33_a_post_may_override_its_method(any_tus):
    upload = any_tus.create(10)

    def override(method, value):
        return any_tus.ask(method, upload, {
            **OCTETS, "Upload-Offset": 0, "X-HTTP-Method-Override": value},
            b"12345" if method == "POST" else None)

    response = override("POST", "PATCH")
    assert (response.status, response.headers["Upload-Offset"]) == (204, "5")
    override("GET", "DELETE")
    assert any_tus.offset(upload) == 5
    assert override("POST", "TRACE").status == 400
    assert any_tus.offset(upload) == 5
    assert override("POST", "DELETE").status == 204
    assert any_tus.head(upload).status in (404, 410)
