# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads among all others: another tab or machine finds them in the
list and goes on, and a creation whose answer was lost is not made twice."""

import concurrent.futures
import time

import psycopg2
import pytest

from resumable import OCTETS, limits, metadata, name

# A creation with the first bytes, of which nothing is told before its answer.
BEGUN = {
    "any_tus": {**OCTETS, "Upload-Length": 10},
    "any_draft": {"Upload-Complete": False, "Upload-Length": 10,
                  "Upload-Draft-Interop-Version": "99"},
}


def entry_of(caller, upload):
    """As GET /upload lists it, None if it does not."""
    found = [one for one in caller.uploads.list() if one["id"] == name(upload)]
    assert len(found) < 2
    return found[0] if found else None


def test_an_unfinished_upload_is_listed_with_its_offset_and_its_url(tus):
    upload = tus.create(10, body=b"12345")
    entry = entry_of(tus, upload)
    assert (entry["status"], entry["offset"], entry["size"]) == \
        ("pending", 5, 10)
    assert entry["resumable_url"] == "/resumable/" + name(upload)
    assert entry["sha256"] is None
    assert tus.patch(upload, entry["offset"], b"67890").status == 204
    assert tus.content(upload) == b"1234567890"
    entry = entry_of(tus, upload)
    assert (entry["status"], entry["size"]) == ("success", 10)
    assert not {"offset", "resumable_url"} & set(entry)


def test_a_length_that_is_not_declared_is_not_listed(any_tus):
    upload = any_tus.create(body=b"12345")
    entry = entry_of(any_tus, upload)
    assert (entry["offset"], entry["size"]) == (5, None)


def test_an_entry_changes_with_its_offset(any_tus):
    upload = any_tus.create(10, body=b"12345")
    tag = any_tus.uploads.get(name(upload)).headers["ETag"]
    same = any_tus.uploads.request("GET", "/" + name(upload),
                                   headers={"If-None-Match": tag})
    assert same.status_code == 304
    assert any_tus.patch(upload, 5, b"6").status == 204
    other = any_tus.uploads.request("GET", "/" + name(upload),
                                    headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.json()["offset"] == 6


def test_an_unfinished_upload_is_deleted_from_the_list(any_tus):
    upload = any_tus.create(10, body=b"12345")
    assert any_tus.uploads.delete(name(upload)).status_code == 204
    assert any_tus.head(upload).status == 410
    assert any_tus.patch(upload, 5, b"67890").status == 410
    assert entry_of(any_tus, upload) is None


def test_a_deletion_outlives_a_deadlock(server, any_tus):
    """It has the row of the upload and waits for the object, which somebody
    has who waits for the upload: the database ends one of the two."""
    upload = any_tus.create(10, body=b"12345")
    with psycopg2.connect(server.dsn) as other, other.cursor() as cursor, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        cursor.execute("SET deadlock_timeout = '20s'")
        cursor.execute("SELECT FROM object WHERE id = %s FOR UPDATE",
                       any_tus.row(upload)[1:])
        deletion = pool.submit(any_tus.delete, upload)
        server.wait(lambda: server.sql(
            "SELECT pid FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock'"))
        cursor.execute("SELECT FROM resumable WHERE id = %s FOR UPDATE",
                       [name(upload)])
        other.commit()
        assert deletion.result().status == 204


def test_what_was_complete_is_gone_with_its_bytes(any_tus):
    upload = any_tus.create(5, body=b"12345")
    assert any_tus.head(upload).headers["Upload-Offset"] == "5"
    assert any_tus.uploads.delete(name(upload)).status_code == 204
    assert any_tus.head(upload).status == 410


def test_a_key_creates_one_upload_only(any_tus):
    key = {"Idempotency-Key": '"once"'}
    upload = any_tus.create(10, key)
    assert any_tus.patch(upload, 0, b"12345").status == 204
    assert any_tus.create(10, key) == upload
    assert any_tus.post({"Upload-Length": 11, **key}).status == 409
    assert any_tus.offset(upload) == 5


def test_a_key_is_its_owners(any_tus, bob_key):
    key = {"Idempotency-Key": '"mine"'}
    upload = any_tus.create(10, key)
    assert any_tus.but(bearer=bob_key).create(10, key) != upload
    assert any_tus.offset(upload) == 0


def test_a_key_works_in_the_other_dialect_too(any_draft):
    key = {"Idempotency-Key": '"draft"'}
    upload = any_draft.create(10, b"12345", key)
    assert any_draft.create(10, b"", key) == upload
    assert any_draft.state(upload) == (5, False)


def test_a_creation_that_comes_again_appends_nothing(any_tus):
    """Its body is there already, whatever is sent along."""
    key = {"Idempotency-Key": '"again"'}
    upload = any_tus.create(10, key, b"12345")
    assert any_tus.create(10, key, b"12345") == upload
    assert any_tus.offset(upload) == 5
    assert any_tus.patch(upload, 5, b"67890").status == 204
    assert any_tus.content(upload) == b"1234567890"


@pytest.mark.parametrize("speaks", ["any_tus", "any_draft"])
def test_who_goes_on_with_a_creation_from_the_list_keeps_it(request, speaks):
    """Its own request, which it ended, has told nobody of it."""
    caller = request.getfixturevalue(speaks)
    known = {one["id"] for one in caller.uploads.list()}
    hung = caller.receiving("POST", caller.path, {
        **BEGUN[speaks], "Content-Length": 10}, b"12345")
    upload, = (one["resumable_url"] for one in caller.uploads.list()
               if one["id"] not in known)
    assert caller.head(upload).headers["Upload-Offset"] == "5"
    hung.close()
    time.sleep(0.5)
    assert caller.head(upload).headers["Upload-Offset"] == "5"


def test_a_creation_that_comes_again_and_is_cut_takes_nothing_back(any_tus):
    key = {"Idempotency-Key": '"cut"'}
    upload = any_tus.create(10, key)
    any_tus.receiving("POST", any_tus.path, {
        **OCTETS, **key, "Upload-Length": 10, "Content-Length": 10},
        b"123").close()
    time.sleep(0.5)
    assert any_tus.head(upload).status == 200


def test_the_key_of_a_partial_makes_no_upload(any_tus):
    key = {"Idempotency-Key": '"partial"'}
    any_tus.create(10, {"Upload-Concat": "partial", **key})
    assert any_tus.post({"Upload-Length": 10, **key}).status == 409


def test_the_key_of_what_was_deleted_is_free_again(any_tus):
    key = {"Idempotency-Key": '"free"'}
    upload = any_tus.create(10, key)
    assert any_tus.delete(upload).status == 204
    assert any_tus.create(10, key) != upload


def test_a_key_and_a_label_have_limits(any_tus):
    for headers in ({"Idempotency-Key": "k" * 256},
                    {"Idempotency-Key": "k\xe4"},
                    {"Upload-Metadata": metadata(label="\u00e4" * 256)}):
        assert any_tus.post({"Upload-Length": 5, **headers}).status == 400
    upload = any_tus.create(5, {"Upload-Metadata": metadata(
        label="\u00e4" * 255)})
    assert entry_of(any_tus, upload)["label"] == "\u00e4" * 255


def test_the_sixth_version_has_its_own_names(any_draft):
    old = any_draft.but(marks={"Upload-Draft-Interop-Version": "6"})
    response = old.post({"Upload-Complete": False, "Upload-Length": 10}, b"")
    assert response.headers["Upload-Draft-Interop-Version"] == "6"
    told = limits(response)
    assert told["expires"] == told["max-age"] > 0
    response = any_draft.head(old.location(response))
    assert "Upload-Draft-Interop-Version" not in response.headers
    assert "expires" not in limits(response)
