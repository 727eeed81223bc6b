# SPDX-License-Identifier: Apache-2.0
"""Digests that a client sends along are verified (RFC 9530, RFC 1864)."""

import base64
import hashlib
import json

import pytest

import wire

DATA = b"what was meant\n" * 50
NAMES = {"md5": "md5", "sha": "sha1", "sha-256": "sha256"}


def encoded(name, data):
    return base64.b64encode(hashlib.new(NAMES[name], data).digest()).decode()


def repr_digest(*names, data=DATA):
    return ", ".join(f"{name}=:{encoded(name, data)}:" for name in names)


def newest(client):
    return client.list("?limit=1")[0]


@pytest.mark.parametrize("value", [
    repr_digest("sha-256"), repr_digest("md5"), repr_digest("sha"),
    repr_digest("md5", "sha", "sha-256"),
    "sha-384=:AAAA:, " + repr_digest("sha-256")], ids=lambda v: v[:12])
def test_a_repr_digest_that_fits_is_accepted(stager, value):
    assert stager.stage(DATA, headers={"Repr-Digest": value})


@pytest.mark.parametrize("name", NAMES)
def test_a_repr_digest_of_other_bytes_is_refused(stager, name):
    response = stager.post(DATA, "wrong.bin", headers={
        "Repr-Digest": repr_digest(name, data=b"else")})
    assert response.status_code == 400
    entry = newest(stager)
    assert entry["id"] in response.json()["detail"]
    assert (entry["filename"], entry["status"]) == ("wrong.bin", "failure")
    assert entry["message"]
    assert (entry["md5"], entry["sha1"], entry["size"]) == (None, None, None)


def test_nothing_of_a_refused_upload_is_kept(server, alice):
    files = server.dir / "file" / "objects"
    before = {path for path in files.rglob("*") if path.is_file()}
    alice.post(b"not to be kept", headers={
        "Repr-Digest": repr_digest("sha-256", data=b"else")})
    after = {path for path in files.rglob("*") if path.is_file()}
    assert not [path for path in after - before
                if path.read_bytes() == b"not to be kept"]


def test_one_wrong_digest_among_good_ones_is_enough(alice):
    value = repr_digest("md5") + ", " + repr_digest("sha-256", data=b"else")
    assert alice.post(DATA, headers={
        "Repr-Digest": value}).status_code == 400


def test_content_md5_is_verified(stager):
    good = {"Content-MD5": encoded("md5", DATA)}
    wrong = {"Content-MD5": encoded("md5", b"else")}
    assert stager.post(DATA, headers=good).status_code == 202
    assert stager.post(DATA, headers=wrong).status_code == 400
    assert stager.raw(DATA, headers=good).status_code == 202
    assert stager.raw(DATA, headers=wrong).status_code == 400


@pytest.mark.parametrize("name, value", [
    ("Repr-Digest", "sha-256=abc"), ("Repr-Digest", "sha-256=:AAAA:"),
    ("Repr-Digest", "sha-256=:not base64!:"), ("Repr-Digest", "sha-256=1"),
    ("Content-MD5", "AAAA"), ("Content-MD5", "x"), ("Content-MD5", "")])
def test_a_malformed_digest_is_400(alice, name, value):
    assert alice.post(DATA, headers={name: value}).status_code == 400


def with_trailer(server, key, fields, announce=True):
    """A chunked raw upload of DATA with these fields behind it."""
    head = {"Authorization": "Bearer " + key, "Transfer-Encoding": "chunked",
            "Connection": "close"}
    if announce:
        head["Trailer"] = ", ".join(fields)
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=trailer.bin", head)
        connection.chunk(DATA[:100]).chunk(DATA[100:])
        lines = "".join(f"{name}: {value}\r\n"
                        for name, value in fields.items())
        connection.send(b"0\r\n" + lines.encode() + b"\r\n")
        response = connection.response("POST")
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("announce", [True, False])
def test_a_digest_may_come_as_a_trailer(server, alice, announce):
    good = {"Repr-Digest": repr_digest("sha-256")}
    wrong = {"Repr-Digest": repr_digest("sha-256", data=b"else")}
    assert with_trailer(server, alice.bearer, good, announce)[0] == 202
    assert with_trailer(server, alice.bearer, wrong, announce)[0] == 400
    assert newest(alice)["status"] == "failure"


def test_content_md5_may_come_as_a_trailer(server, alice):
    wrong = {"Content-MD5": encoded("md5", b"else")}
    assert with_trailer(server, alice.bearer, wrong)[0] == 400


def test_a_form_may_have_a_trailer_too(server, alice):
    body, kind = wire.form(("file", DATA, "form.bin"))
    for data, status in ((DATA, 202), (b"else", 400)):
        with server.connect() as connection:
            connection.request("POST", "/upload", {
                "Authorization": "Bearer " + alice.bearer,
                "Content-Type": kind, "Transfer-Encoding": "chunked",
                "Trailer": "Repr-Digest"})
            value = repr_digest("sha-256", data=data)
            connection.chunk(body).send(
                f"0\r\nRepr-Digest: {value}\r\n\r\n".encode())
            assert connection.response("POST").status == status


def test_an_announced_digest_is_computed_even_where_it_is_not_kept(alice):
    md5 = alice.at("/md5")
    assert md5.post(DATA, headers={
        "Repr-Digest": repr_digest("sha-256", data=b"else")}
    ).status_code == 400
    entry = md5.stage(DATA, headers={"Repr-Digest": repr_digest("sha-256")})
    assert entry["md5"] == hashlib.md5(DATA).hexdigest()


def test_only_configured_digests_are_computed(alice):
    entry = alice.at("/md5").stage(DATA)
    assert entry["md5"] == hashlib.md5(DATA).hexdigest()
    assert entry["sha1"] is None
    assert entry["sha256"] is None


def test_the_entry_has_a_repr_digest(alice):
    entry = alice.stage(DATA)
    assert entry["repr_digest"] == repr_digest("sha-256", "sha", "md5")
