# SPDX-License-Identifier: Apache-2.0
"""How much an owner may have: the conformance list of spec/resumable.md,
section 5, line 90, for uploads of every kind. Here it is 1000 bytes."""

import concurrent.futures
import json

import pytest

import wire
from clients import Client
from resumable import OCTETS, Draft, Tus

QUOTA = 1000
PATHS = {"/upload": ("/quota", "/resumable-quota"),
         "/s3": ("/quota-s3", "/resumable-s3-quota")}


class Owner:
    """Somebody who has nothing yet, at the locations of one store."""

    def __init__(self, server, key, store_path):
        path, resumable = PATHS[store_path]
        self.server = server
        self.key = key
        self.uploads = Client(server, path, key)
        self.tus = Tus(server, resumable, key).but(uploads=self.uploads)
        self.draft = Draft(server, resumable, key).but(uploads=self.uploads)

    def has(self, size):
        """Exactly so much: what is left fits, and a byte more does not."""
        refused(self.tus.post({"Upload-Length": QUOTA - size + 1}), QUOTA - size)
        upload = self.tus.create(QUOTA - size)
        assert self.tus.delete(upload).status == 204
        return True


@pytest.fixture(name="owner")
def owner_of_nothing(server, fresh, store_path):
    return Owner(server, fresh.bearer, store_path)


def refused(response, left=None):
    """403, and what to do."""
    status = getattr(response, "status", None) or response.status_code
    members = json.loads(getattr(response, "body", None) or response.content)
    assert status == 403, members
    assert f"your quota of {QUOTA} bytes" in members["detail"]
    assert left is None or f"bytes {left} are left" in members["detail"]
    assert "delete uploads" in members["detail"]


def form(size):
    body, kind = wire.form(("file", b"x" * size, "x.bin"))
    return body, {"Content-Type": kind}


RAW = {"Content-Type": "application/octet-stream",
       "Content-Disposition": 'attachment; filename="x.bin"'}
TUS = {**Tus.marks, **OCTETS, "Upload-Length": QUOTA + 1}
DRAFT = {**Draft.marks, "Upload-Complete": "?1"}


# --- creation -------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["raw", "form", "tus", "draft", "chunked"])
def test_line_90_creation_above_the_quota_is_403_before_the_body(owner, kind):
    owner.uploads.raw(b"x" * (QUOTA if kind == "chunked" else 10))
    size = QUOTA + 1
    headers = {"raw": RAW, "form": form(size)[1], "tus": TUS, "draft": DRAFT,
               "chunked": {**RAW, "Transfer-Encoding": "chunked"}}[kind]
    at = owner.tus if kind in ("tus", "draft") else owner.uploads
    if kind != "chunked":
        headers = {**headers, "Content-Length": len(form(size)[0])
                   if kind == "form" else size}
    with owner.server.connect() as connection:
        connection.request("POST", at.path, {
            **headers, "Authorization": "Bearer " + owner.key,
            "Expect": "100-continue"})
        assert connection.file.peek(12)[:12] == b"HTTP/1.1 403"
        response = connection.response("POST")
    refused(response, 0 if kind == "chunked" else QUOTA - 10)
    is_problem = kind in ("tus", "draft")
    assert response.headers["Content-Type"] == (
        "application/problem+json" if is_problem else "application/json")
    assert response.headers["Upload-Complete"] == (
        "?0" if kind == "draft" else None)
    assert len(owner.uploads.list()) == 1


def test_line_90_what_is_declared_counts_from_the_creation_on(owner):
    owner.tus.create(300)
    owner.draft.create(300)
    assert owner.has(600)
    assert owner.uploads.raw(b"x" * 400).status_code == 202
    assert owner.has(QUOTA)
    owner.tus.create(0)


def test_line_90_everybody_and_every_service_has_a_quota_of_its_own(owner,
                                                                   server):
    owner.tus.create(QUOTA)
    other = Client(server, owner.uploads.path, server.key("neighbour"))
    upload = other.raw(b"x" * QUOTA)
    assert upload.status_code == 202
    assert owner.uploads.at("/upload").raw(b"x" * QUOTA).status_code == 202
    assert other.delete(upload.json()["id"]).status_code == 204


def test_line_90_a_repeated_creation_needs_its_room_only_once(owner):
    headers = {"Upload-Length": QUOTA, "Upload-Complete": False,
               "Idempotency-Key": "once"}
    first = owner.draft.location(owner.draft.post(headers, b"12345"))
    assert owner.draft.location(owner.draft.post(headers, b"12345")) == first
    assert owner.draft.state(first) == (5, False)
    refused(owner.draft.post({**headers, "Idempotency-Key": "twice"}, b""), 0)


def creations(owner):
    """Half the quota each, in every way."""
    half = QUOTA // 2
    return [
        lambda: owner.tus.post({"Upload-Length": half}).status == 201,
        lambda: owner.draft.post({"Upload-Complete": True},
                                 b"x" * half).status == 201,
        lambda: owner.uploads.raw(b"x" * half).status_code == 202,
        lambda: owner.draft.post({"Upload-Complete": True},
                                 [b"x" * half]).status == 201,
        lambda: owner.uploads.raw(iter([b"x" * half])).status_code == 202,
    ]


@pytest.mark.parametrize("kind", range(5), ids=[
    "tus", "draft", "raw", "draft-chunked", "raw-chunked"])
def test_line_90_ten_parallel_creations_cannot_overshoot(owner, kind):
    create = creations(owner)[kind]
    owner.server.log.allow("QUOTA")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: create(), range(10)))
    assert made.count(True) == 2
    assert owner.has(QUOTA)


def test_line_90_ten_forms_at_once_cannot_overshoot(owner):
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        made = list(pool.map(
            lambda _: owner.uploads.post(b"x" * 200).status_code, range(10)))
    assert 1 <= made.count(202) <= 5
    assert made.count(202) + made.count(403) == 10
    assert owner.has(200 * made.count(202))


# --- what frees it --------------------------------------------------------------

def test_line_90_deletion_frees_it(owner):
    plain = owner.uploads.stage(b"x" * 300)["id"]
    open_ = owner.tus.create(300)
    whole = owner.draft.location(owner.draft.post({"Upload-Complete": True},
                                                  b"x" * 300))
    assert owner.has(900)
    assert owner.uploads.delete(plain).status_code == 204
    assert owner.has(600)
    assert owner.tus.delete(open_).status == 204
    assert owner.has(300)
    assert owner.draft.delete(whole).status == 204
    assert owner.has(0)


def test_line_90_failure_frees_it(owner):
    wrong = {"Repr-Digest": "md5=:AAAAAAAAAAAAAAAAAAAAAA==:"}
    assert owner.uploads.raw(b"x" * 700, headers=wrong).status_code == 400
    assert owner.has(0)
    wrong = {"Repr-Digest": f"sha-256=:{'A' * 43}=:"}
    assert owner.draft.post({"Upload-Complete": True, **wrong},
                            b"x" * 700).status == 400
    assert owner.has(0)
    with owner.tus.begin("POST", owner.uploads.path, {
            **RAW, "Content-Length": 700}) as connection:
        connection.send(b"x" * 600)
        owner.server.wait(lambda: owner.uploads.list("?status=pending"))
        refused(owner.tus.post({"Upload-Length": 301}), 300)
    assert owner.server.wait(
        lambda: owner.tus.post({"Upload-Length": QUOTA}).status == 201)


def test_line_90_expiry_frees_it(owner):
    idle = owner.tus.but(path=owner.tus.path + "-idle")
    idle.create(QUOTA // 2, body=b"12345")
    short = owner.uploads.at(owner.uploads.path + "-short")
    assert short.raw(b"x" * (QUOTA // 2)).status_code == 202
    refused(owner.tus.post({"Upload-Length": 1}), 0)
    assert owner.server.wait(
        lambda: owner.tus.post({"Upload-Length": QUOTA}).status == 201)


# --- lengths that nobody has declared -------------------------------------------

def test_line_90_of_unknown_length_comes_what_is_left(owner):
    owner.uploads.stage(b"x" * 400)
    refused(owner.uploads.raw(iter([b"x" * 300, b"x" * 301])), 600)
    assert owner.has(400)
    response = owner.draft.post({"Upload-Complete": True},
                                [b"x" * 300, b"x" * 301])
    refused(response, 600)
    assert response.headers["Upload-Complete"] == "?0"
    upload = owner.tus.create()
    refused(owner.tus.patch(upload, 0, [b"x" * 300, b"x" * 301]), 600)
    refused(owner.tus.patch(upload, 0, b"x" * 601), 600)
    assert owner.tus.patch(upload, 0, [b"x" * 300, b"x" * 300]).status == 204
    refused(owner.tus.patch(upload, 600, b"x"), 0)
    assert owner.tus.offset(upload) == 600
    assert owner.tus.patch(upload, 600, b"",
                           {"Upload-Length": 600}).status == 204
    assert owner.tus.content(upload) == b"x" * 600


def test_line_90_a_length_is_declared_only_if_there_is_room(owner):
    upload = owner.tus.create(body=b"12345")
    owner.uploads.stage(b"x" * 400)
    refused(owner.tus.patch(upload, 5, b"x", {"Upload-Length": 601}), 595)
    with owner.tus.begin("PATCH", upload, {
            **OCTETS, "Upload-Offset": 5, "Upload-Length": 601,
            "Content-Length": 596, "Expect": "100-continue"}) as connection:
        assert connection.file.peek(12)[:12] == b"HTTP/1.1 403"
    assert "Upload-Length" not in owner.tus.head(upload).headers
    refused(owner.draft.patch(upload, 5, b"x" * 596, True), 595)
    assert owner.tus.patch(upload, 5, b"x", {"Upload-Length": 600}).status == 204
    assert owner.has(QUOTA)
    assert owner.tus.patch(upload, 6, b"x" * 594).status == 204
    assert len(owner.tus.content(upload)) == 600


def chunked(owner, path, headers):
    """A body of unknown length that has begun while there was room."""
    connection = owner.draft.receiving(
        "POST", path, {**headers, "Transfer-Encoding": "chunked"})
    connection.chunk(b"x" * 600)
    return connection


def end(connection):
    with connection:
        return connection.send(b"0\r\n\r\n").response("POST")


def test_line_90_who_comes_too_late_to_the_end_has_nothing(owner):
    """Of those who began while there was room for each, but not for all."""
    draft = chunked(owner, owner.draft.path, {"Upload-Complete": True})
    raw = chunked(owner, owner.uploads.path, {**RAW, "Upload-Complete": None})
    filler = owner.uploads.stage(b"x" * 401)["id"]
    response = end(draft)
    refused(response, 599)
    assert response.headers["Upload-Complete"] == "?1"
    refused(end(raw), 599)
    assert owner.has(401)
    assert {entry["status"] for entry in owner.uploads.list()
            if entry["id"] != filler} == {"failure"}


# --- concatenation --------------------------------------------------------------

def test_line_90_partials_count_and_a_final_reserves_its_sum(owner):
    parts = [owner.tus.create(200, {"Upload-Concat": "partial"},
                              body=b"x" * 200) for _ in range(2)]
    assert owner.has(400)
    final = {"Upload-Concat": "final;" + " ".join(parts)}
    filler = owner.tus.create(201)
    refused(owner.tus.post(final), 399)
    assert owner.tus.delete(filler).status == 204
    upload = owner.tus.location(owner.tus.post(final))
    assert owner.tus.content(upload) == b"x" * 400
    assert owner.has(800)
    for part in parts:
        assert owner.tus.delete(part).status == 204
    assert owner.has(400)
