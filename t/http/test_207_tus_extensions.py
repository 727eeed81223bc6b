# SPDX-License-Identifier: Apache-2.0
"""What tus 1.0 has besides its core: the conformance list of
spec/resumable.md, section 5, lines 34 to 50."""

import contextlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from resumable import OCTETS, checksum, metadata, moment, name, rnd, words

MIB = 1 << 20


# --- creation-with-upload, deferred length --------------------------------------

def test_line_34_a_creation_may_bring_bytes(tus):
    def create(body):
        response = tus.post({"Upload-Length": 10, **OCTETS}, body)
        return tus.location(response), response.headers["Upload-Offset"]

    upload, offset = create(b"12345")
    assert offset == "5"
    assert tus.offset(upload) == 5
    upload, offset = create(b"1234567890")
    assert offset == "10"
    assert tus.content(upload) == b"1234567890"


def test_line_35_a_creation_with_too_many_bytes_leaves_nothing(server, tus):
    count = "SELECT count(*) FROM resumable WHERE state = 'open'"
    before = server.sql(count)
    for body in (b"x" * 11, [b"x" * 6, b"x" * 5]):
        assert tus.post({"Upload-Length": 10, **OCTETS}, body).status == 413
    assert server.sql(count) == before


def test_line_36_a_length_may_be_deferred_and_declared_in_the_end(tus):
    upload = tus.create()
    response = tus.head(upload)
    assert response.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in response.headers
    assert tus.patch(upload, 0, b"12345").status == 204
    assert not tus.is_whole(upload)
    assert tus.patch(upload, 5, b"", {"Upload-Length": 5}).status == 204
    response = tus.head(upload)
    assert response.headers["Upload-Length"] == "5"
    assert "Upload-Defer-Length" not in response.headers
    assert tus.content(upload) == b"12345"


def test_line_37_a_length_is_declared_once(any_tus, small):
    with_data = any_tus.create()
    assert any_tus.patch(with_data, 0, b"12345",
                         {"Upload-Length": 5}).status == 204
    assert any_tus.content(with_data) == b"12345"

    upload = any_tus.create()
    assert any_tus.patch(upload, 0, b"12", {"Upload-Length": 6}).status == 204
    assert any_tus.patch(upload, 2, b"34").status == 204
    assert any_tus.patch(upload, 4, b"5", {"Upload-Length": 7}).status == 400
    assert any_tus.offset(upload) == 4
    assert any_tus.patch(upload, 4, b"56", {"Upload-Length": 6}).status == 204
    assert any_tus.content(upload) == b"123456"

    upload = small.create(body=b"12345")
    assert small.patch(upload, 5, b"", {"Upload-Length": 4}).status == 400
    assert small.patch(upload, 5, b"", {"Upload-Length": 1001}).status == 413
    assert "Upload-Length" not in small.head(upload).headers


def test_line_38_a_length_that_is_never_declared_completes_nothing(any_tus):
    idle = any_tus.but(path="/resumable-idle")
    upload = idle.create(body=b"12345")
    assert idle.patch(upload, 5, b"").status == 204
    assert idle.head(upload).headers["Upload-Defer-Length"] == "1"
    assert idle.status(upload) == "pending"
    time.sleep(4.5)
    assert idle.head(upload).status == 410
    assert not idle.is_whole(upload)


def test_line_39_a_deferred_length_escapes_no_limit(small):
    upload = small.create()
    assert small.patch(upload, 0, b"x" * 1001).status == 413
    assert small.offset(upload) == 0
    assert small.patch(upload, 0, [b"x" * 600, b"x" * 401]).status == 413
    offset = small.offset(upload)
    assert offset <= 1000
    assert small.patch(upload, offset, b"x" * (1001 - offset)).status == 413
    with small.begin("PATCH", upload, {
            **OCTETS, "Upload-Offset": offset,
            "Content-Length": 2 ** 63 - 1}) as most:
        assert most.response().status == 413


# --- expiration, checksum, termination, concatenation ---------------------------

def test_line_40_the_end_of_an_upload_is_told_and_never_comes_nearer(tus):
    response = tus.post({"Upload-Length": 10})
    upload = tus.location(response)
    last = moment(response.headers["Upload-Expires"])
    assert last > time.time()
    for offset in range(3):
        response = tus.patch(upload, offset, b"x")
        assert response.status == 204
        expires = moment(response.headers["Upload-Expires"])
        assert expires >= last
        last = expires
    assert moment(tus.head(upload).headers["Upload-Expires"]) >= last


def test_line_41_what_has_expired_is_gone(tus):
    idle = tus.but(path=tus.path + "-idle")
    upload = idle.create(10, body=b"12345")
    time.sleep(4.5)
    response = idle.head(upload)
    assert response.status == 410
    assert "Upload-Offset" not in response.headers
    assert idle.patch(upload, 5, b"67890").status == 410
    assert not idle.is_whole(upload)


def test_line_42_every_announced_checksum_is_verified(tus):
    announced = words(tus.options().headers["Tus-Checksum-Algorithm"])
    assert {"sha1", "sha256", "md5", "crc32c"} <= announced
    assert checksum("crc32c", b"123456789") == "crc32c 4waSgw=="
    upload = tus.create(10 * len(announced))
    for offset, algorithm in zip(range(0, 1000, 10), sorted(announced)):
        wrong = tus.patch(upload, offset, b"123456789x", {
            "Upload-Checksum": checksum(algorithm, b"1234567890")})
        assert (wrong.status, wrong.reason) == (460, "Checksum Mismatch")
        assert tus.offset(upload) == offset
        assert tus.patch(upload, offset, b"1234567890", {
            "Upload-Checksum": checksum(algorithm, b"1234567890")
        }).status == 204
    assert tus.content(upload) == b"1234567890" * len(announced)


@pytest.mark.parametrize("value", [
    "sha3 " + "A" * 28, "crc32 AAAAAA==", "sha1",
    checksum("sha1", b"x").replace(" ", ""), "sha1 !!!!",
    checksum("md5", b"x").replace("md5", "sha1"), "sha1 ",
    checksum("sha1", b"x").rstrip("=")])
def test_line_43_a_checksum_that_cannot_be_is_400_before_the_body(any_tus,
                                                                  value):
    upload = any_tus.create(10)
    with any_tus.begin("PATCH", upload, {
            **OCTETS, "Upload-Offset": 0, "Content-Length": 1,
            "Expect": "100-continue", "Upload-Checksum": value}) as connection:
        response = connection.response("PATCH")
    assert (response.status, response.interims) == (400, [])
    assert any_tus.offset(upload) == 0


def test_line_44_what_was_cut_before_its_checksum_is_dropped(tus):
    data = rnd(20 * MIB)
    upload = tus.create(len(data), body=b"")
    assert tus.patch(upload, 0, data[:5]).status == 204
    tus.receiving("PATCH", upload, {
        **OCTETS, "Upload-Offset": 5, "Content-Length": len(data) - 5,
        "Upload-Checksum": checksum("sha1", data[5:])},
        data[5:12 * MIB]).reset()
    assert tus.offset(upload) == 5
    assert tus.patch(upload, 5, data[5:], {
        "Upload-Checksum": checksum("sha1", data[5:])}).status == 204
    assert tus.content(upload) == data


def test_line_45_a_checksum_may_come_behind_the_body(tus):
    upload = tus.create(10)

    def patch(value, announced="Upload-Checksum", header=None):
        return tus.patch(
            upload, 0, [b"123", b"45"],
            {"Trailer": announced, "Upload-Checksum": header},
            {"Upload-Checksum": value} if value else {}).status

    right, wrong = checksum("sha1", b"12345"), checksum("sha1", b"1234x")
    assert patch(wrong) == 460
    assert tus.offset(upload) == 0
    for value in (None, "sha3 AAAA", "sha1 !!!!"):
        assert patch(value) == 400
        assert tus.offset(upload) == 0
    assert patch(right, header=right) == 400
    assert tus.offset(upload) == 0
    assert patch(right) == 204
    assert tus.offset(upload) == 5


def test_the_checksum_of_nothing_behind_all_bytes_is_verified_too(tus):
    upload = tus.create(5, body=b"12345")
    right, wrong = checksum("crc32c", b""), checksum("crc32c", b"12345")
    trailer = {"Trailer": "Upload-Checksum"}
    for value, status in (wrong, 460), (right, 204):
        assert tus.patch(upload, 5, b"", {"Upload-Checksum": value}
                         ).status == status
        assert tus.patch(upload, 5, [], trailer, {"Upload-Checksum": value}
                         ).status == status
    assert tus.content(upload) == b"12345"


def ended(connection, method="PATCH"):
    """The status of what the server still said, None if nothing, once it has
    ended the connection."""
    status = None
    with contextlib.suppress(OSError, ValueError):
        status = connection.response(method).status
    assert connection.is_closed()
    connection.close()
    return status


def test_line_46_a_deleted_upload_is_gone_and_nothing_remains(server, tus):
    whole, half = tus.create(5, body=b"12345"), tus.create(10, body=b"12345")
    running = tus.create(20 * MIB)
    connection = tus.patching(running, 0, 20 * MIB, rnd(10 * MIB))
    objects = [str(tus.row(upload)[1]) for upload in (whole, half, running)]
    for upload in (whole, half, running):
        assert tus.delete(upload).status == 204
        for response in (tus.head(upload), tus.patch(upload, 5, b"67890"),
                         tus.delete(upload)):
            assert response.status in (404, 410)
            assert "Upload-Offset" not in response.headers
        assert tus.status(upload) is None
    assert ended(connection) != 204
    server.ctl("gc")
    server.wait(lambda: not server.sql(
        "SELECT 1 FROM object WHERE id = ANY (%s::uuid[]) "
        "OR tail_of = ANY (%s::uuid[])", objects, objects))


@pytest.fixture(name="parts")
def partials_of_each_store(tus):
    """hello and world!, as partials."""
    return [tus.create(len(body), {"Upload-Concat": "partial"}, body)
            for body in (b"hello", b"world!")]


def final(tus, *partials, **more):
    headers = {"Upload-Concat": "final;" + " ".join(partials)}
    return tus.post({**headers, **more})


def test_line_47_partials_are_joined_in_the_order_of_their_names(server, tus,
                                                                 parts):
    one, two = parts
    for partials, data in (([one, two], b"helloworld!"),
                           ([two, one], b"world!hello"),
                           ([one, one], b"hellohello")):
        upload = tus.location(final(tus, *partials))
        response = tus.head(upload)
        assert response.headers["Upload-Concat"] == \
            "final;" + " ".join(partials)
        assert response.headers["Upload-Length"] == str(len(data))
        assert server.wait(lambda u=upload: tus.head(u).headers.get(
            "Upload-Offset")) == str(len(data))
        assert tus.content(upload) == data


def test_line_48_a_final_is_made_of_whole_partials_only(any_tus, small):
    def partial(tus, size, body=b""):
        return tus.create(size, {"Upload-Concat": "partial"}, body)

    one = partial(any_tus, 5, b"hello")
    whole = any_tus.location(final(any_tus, one))
    ordinary = any_tus.create(5, body=b"12345")
    assert any_tus.patch(whole, 5, b"x").status == 403
    assert any_tus.patch(whole, 5).status == 403
    assert final(any_tus, one, **{"Upload-Length": 5}).status == 400
    assert any_tus.post({"Upload-Concat": "final;" + one, **OCTETS},
                        b"x").status == 400
    for text in ("final;", "final", "final; ", "partly"):
        assert any_tus.post({"Upload-Concat": text}).status == 400, text
    unknown = f"{any_tus.path}/{uuid.uuid4()}"
    assert final(any_tus, one, unknown).status == 404
    assert final(any_tus, one, partial(any_tus, 5, b"1")).status in (409, 400)
    assert final(any_tus, one, whole).status == 400
    assert final(any_tus, one, ordinary).status in (400, 404)
    half = partial(small, 600, b"x" * 600)
    assert final(small, half, half).status == 413


def test_line_49_a_partial_is_no_upload_of_its_own(tus):
    upload = tus.create(10, {"Upload-Concat": "partial"}, b"12345")
    response = tus.head(upload)
    assert response.headers["Upload-Concat"] == "partial"
    assert response.headers["Upload-Offset"] == "5"
    assert tus.patch(upload, 5, b"67890").status == 204
    assert tus.status(upload) is None
    assert name(upload) not in [one["id"] for one in tus.uploads.list()]


def test_line_50_partials_are_ones_own_however_they_are_named(server, tus,
                                                              parts, bob_key):
    one, two = parts
    upload = tus.location(final(tus, server.url + one, two))
    assert tus.content(upload) == b"helloworld!"
    upload = tus.location(final(tus, one, "http://other.test" + two))
    assert tus.content(upload) == b"helloworld!"
    assert final(tus.but(bearer=bob_key), one, two).status == 404


def test_the_name_of_an_upload_is_in_its_metadata(any_tus):
    upload = any_tus.create(5, {"Upload-Metadata": metadata(
        filename="Zürich.csv", filetype="text/csv", label="Lakes")}, b"12345")
    entry = any_tus.uploads.settled(name(upload))
    assert (entry["filename"], entry["content_type"], entry["label"]) == \
        ("Zürich.csv", "text/csv", "Lakes")


def test_that_a_final_waits_for_its_partials_is_no_failure(server, tus,
                                                          parts):
    """Another node may still be putting them together. The log stays clean
    meanwhile."""
    ids = [str(tus.row(one)[1]) for one in parts]

    def let(state):
        server.sql("UPDATE object SET state = %s WHERE id = ANY (%s::uuid[])",
                   state, ids)

    let("finishing")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(final, tus, *parts)
        server.wait(lambda: server.sql(
            "SELECT 1 FROM job WHERE kind = 'resumable_concat' "
            "AND last_error IS NOT NULL"))
        let("stored")
        upload = tus.location(answer.result())
    assert tus.content(upload) == b"helloworld!"
