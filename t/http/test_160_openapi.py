# SPDX-License-Identifier: Apache-2.0
"""The server answers what htdocs/openapi/uploads.yaml says: every status of
every operation is tried, and each answer has the promised shape."""

import json
import re
import time

import jsonschema
import pytest
import requests

import http2
import wire
from clients import Client
from openapi import Cases, Description, as_requests, moved
from test_101_list import owner_of

DESCRIPTION = Description("uploads")
CASES = Cases()
case = CASES.case
SECURED = ["GET /upload", "POST /upload", "GET /upload/{id}",
           "DELETE /upload/{id}", "POST /upload/delete",
           "GET /upload/{id}/events", "GET /upload/{id}/data"]
GUESS = "00000000-0000-4000-8000-000000000000"


class World:
    """What cases work with."""

    def __init__(self, server, alice, iam):
        self.server = server
        self.alice = alice
        self.iam = iam

    def as_alice(self, path):
        return self.alice.at(path)

    def call(self, client, operation, upload=None, suffix="", **more):
        """The operation by this client, at the path that it stands for."""
        method, path = operation.split(" ")
        path = path.replace("{id}", upload or GUESS)
        if operation == "POST /upload/delete":
            more = {"json": {"ids": [upload or GUESS]}, **more}
        elif method == "POST":
            body, kind = wire.form(("file", b"bytes", "o.txt"))
            more = {"data": body, **more}
            more["headers"] = {"Content-Type": kind, **more.get("headers", {})}
        return client.request(method, path.removeprefix("/upload") + suffix,
                              **more)

    def get(self, path, **more):
        return requests.get(self.server.url + path, timeout=20,
                            allow_redirects=False, **more)

    def bytes_of(self, operation, headers=None):
        """The bytes of a new upload, straight or by a signed URL."""
        straight = operation.endswith("/data")
        client = self.as_alice("/stream" if straight else "/upload")
        upload = client.stage(b"0123456789")["id"]
        if straight:
            return client.data(upload, headers=headers)
        return client.download(upload, headers=headers)


@pytest.fixture(name="world")
def world_of(server, alice, iam):
    return World(server, alice, iam)


# --- what is asked well ------------------------------------------------------

@case(200, "GET /upload")
def list_page(world, operation):
    for label in ("one", "two"):
        world.alice.stage(label=label)
    answer = world.call(world.alice, operation, suffix="?limit=1&count=yes")
    assert "Link" in answer.headers
    assert "X-Total-Count" in answer.headers
    return answer


@case(202, "POST /upload")
@case(200, "GET /upload/{id}")
@case(200, "POST /upload/delete")
@case(200, "GET /upload/{id}/events")
@case(204, "DELETE /upload/{id}")
@case(302, "GET /upload/{id}/data")
def own_upload(world, operation):
    return world.call(world.alice, operation, world.alice.stage()["id"])


BYTES = ["GET /upload/{id}/data", "GET /download/{id}"]


@case(200, *BYTES)
def all_bytes(world, operation):
    return world.bytes_of(operation)


@case(206, *BYTES)
def some_bytes(world, operation):
    return world.bytes_of(operation, {"Range": "bytes=2-5"})


@case(416, *BYTES)
def range_behind_the_end(world, operation):
    return world.bytes_of(operation, {"Range": "bytes=99-"})


@case(304, *BYTES)
def bytes_not_modified(world, operation):
    return world.bytes_of(operation, {"If-None-Match": "*"})


@case(412, *BYTES)
def bytes_do_not_match(world, operation):
    return world.bytes_of(operation, {"If-Match": '"other"'})


@case(304, "GET /upload/{id}")
def upload_not_modified(world, operation):
    return world.call(world.alice, operation, world.alice.stage()["id"],
                      headers={"If-None-Match": "*"})


@case(412, "GET /upload/{id}")
def upload_does_not_match(world, operation):
    return world.call(world.alice, operation, world.alice.stage()["id"],
                      headers={"If-Match": '"other"'})


@case(200, "GET /health")
@case(200, "GET /ready")
@case(200, "GET /metrics")
def well(world, operation):
    return world.get(operation.split(" ")[1])


# --- what is refused ---------------------------------------------------------

@case(400, *SECURED)
def two_keys(world, operation):
    return world.call(Client(world.server, "/upload"), operation,
                      suffix="?key=a&key=b")


@case(400, "GET /download/{id}")
def malformed_query(world, operation):
    return world.get(f"/download/{GUESS}?name=%ff")


@case(401, *SECURED)
def nobody(world, operation):
    return world.call(Client(world.server, "/upload"), operation)


@case(403, *SECURED)
def wrong_scope(world, operation):
    scope = "write" if operation.startswith("GET") else "read"
    key = world.server.key("alice", "--scope", scope)
    return world.call(Client(world.server, "/upload", key), operation)


@case(403, "GET /download/{id}")
def forged(world, operation):
    return world.get(f"/download/{GUESS}?store=main&signature=no")


@case(404, "GET /upload/{id}", "DELETE /upload/{id}", "GET /upload/{id}/data",
      "GET /upload/{id}/events")
def unknown(world, operation):
    return world.call(world.alice, operation)


@case(404, "GET /download/{id}")
def gone(world, operation):
    upload = world.alice.stage()["id"]
    url = world.alice.location(upload)
    world.alice.delete(upload)
    world.server.ctl("gc")
    world.server.wait(
        lambda: requests.get(url, timeout=20).status_code == 404)
    return requests.get(url, timeout=20)


def slowly(world, port, between):
    """A form whose second half comes after between() was called."""
    body, kind = wire.form(("file", b"x" * 1000, "slow.txt"))
    head = {"Authorization": "Bearer " + world.alice.bearer,
            "Content-Type": kind, "Content-Length": len(body)}
    with world.server.connect(port) as connection:
        connection.request("POST", "/upload", head, body[:500])
        between()
        try:
            connection.send(body[500:])
        except OSError:
            pass
        return as_requests(connection.response("POST"))


@case(404, "POST /upload")
def deleted_meanwhile(world, operation):
    def delete():
        def pending():
            return [entry["id"] for entry in world.alice.list("?status=pending")
                    if entry["filename"] == "slow.txt"]
        for upload in world.server.wait(pending):
            assert world.alice.delete(upload).status_code == 204
    return slowly(world, world.server.port, delete)


@case(408, "POST /upload")
def too_slow(world, operation):
    return slowly(world, world.server.slow_port, lambda: time.sleep(3))


@case(409, "GET /upload/{id}/data")
def failed_upload(world, operation):
    answer = world.alice.post(headers={
        "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    upload = re.search("[0-9a-f-]{36}", answer.json()["detail"]).group()
    DESCRIPTION.check("GET /upload/{id}", world.alice.get(upload))
    return world.call(world.alice, operation, upload)


@case(411, "POST /upload")
def end_unknown(world, operation):
    with http2.Connection2(world.server.port,
                           world.alice.bearer) as connection:
        return as_requests(connection.ask("POST", "/upload?filename=x",
                                          data=b"x"))


@case(413, "POST /upload")
def too_large(world, operation):
    return world.as_alice("/small").post(b"x" * 5000)


@case(413, "POST /upload/delete")
def too_many_ids(world, operation):
    return world.call(world.alice, operation, json={"ids": [GUESS] * 2000})


@case(415, "POST /upload/delete")
@case(415, "POST /upload")
def neither_form_nor_named(world, operation):
    return world.call(world.alice, operation,
                      headers={"Content-Type": "text/plain"})


@case(429, "GET /upload")
def too_many_searches(world, operation):
    """As if another node were searching."""
    statement = "SELECT pg_advisory_{}(hashtext(%s), place) " \
        "FROM generate_series(1, 4) place"
    search = "search staging " + owner_of(world.server, world.alice)
    world.server.sql(statement.format("lock"), search)
    answer = world.call(world.alice, operation, suffix="?q=o")
    world.server.sql(statement.format("unlock"), search)
    return answer


# --- what is not there -------------------------------------------------------

@case(502, "POST /upload", *BYTES)
def store_away(world, operation):
    world.server.log.expect("STORE_")
    place = world.server.dir / "file"
    if operation == "POST /upload":
        with moved(place):
            return world.call(world.alice, operation)
    client = world.as_alice("/stream")
    upload = client.stage()["id"]
    url = world.alice.location(upload)
    with moved(place):
        return client.data(upload) if operation.endswith("data") \
            else requests.get(url, timeout=20)


@case(503, *SECURED)
def iam_away(world, operation):
    world.server.log.expect("IAM_DOWN")
    world.iam.fail("status_503", "key")
    secret = world.server.secret(f"unknown-{time.monotonic_ns()}")
    return world.call(Client(world.server, "/edi", secret), operation)


def at_a_full_store(world, ask):
    """What a node answers whose store is full."""
    extra = f'StagingStore full file://{world.server.dir}/full reserve=900T\n' \
        '<Location "/full">\n    SetHandler staging-uploads\n' \
        '    StagingUseStore full\n</Location>\n'
    with world.server.another_node(extra, is_ready=False) as node:
        return ask(node)


@case(507, "POST /upload")
def no_space(world, operation):
    def ask(node):
        node.log.expect("NO_SPACE")
        body, kind = wire.form(("file", b"bytes", "o.txt"))
        return requests.post(
            node.url + "/full", data=body, timeout=20,
            headers={"Authorization": "Bearer " + world.alice.bearer,
                     "Content-Type": kind})
    return at_a_full_store(world, ask)


@case(503, "GET /ready")
def not_ready(world, operation):
    def ask(node):
        node.log.expect("store full")
        answer = requests.get(node.url + "/ready", timeout=20)
        assert answer.json()["store full"] == "the store is full"
        return answer
    return at_a_full_store(world, ask)


# --- the tests ---------------------------------------------------------------

@pytest.mark.parametrize("operation, status", DESCRIPTION.statuses())
def test_the_server_answers_as_described(world, operation, status):
    assert (operation, status) in CASES, "nobody tries this"
    answer = CASES[operation, status](world, operation)
    assert answer.status_code == status, answer.text
    DESCRIPTION.check(operation, answer)


def test_nothing_is_tried_that_is_not_described():
    assert set(CASES) == set(DESCRIPTION.statuses())


@pytest.mark.parametrize("operation", [
    name for name, _ in DESCRIPTION.operations() if name.startswith("GET")])
def test_head_answers_as_get_does(world, operation):
    path = operation.split(" ")[1]
    if path == "/download/{id}":
        upload = world.alice.stage()["id"]
        answer = world.alice.download(upload, "HEAD")
    elif path.startswith("/upload"):
        path = path.replace("{id}", world.alice.stage()["id"])
        answer = world.alice.request("HEAD", path.removeprefix("/upload"))
    else:
        answer = requests.head(world.server.url + path, timeout=20)
    assert answer.status_code in (200, 302)
    DESCRIPTION.check(operation, answer)


@pytest.mark.parametrize("path", list(DESCRIPTION.document["paths"]))
def test_other_methods_are_405_with_allow(world, path):
    where = path.replace("{id}", GUESS)
    answer = requests.patch(world.server.url + where, timeout=20, headers={
        "Authorization": "Bearer " + world.alice.bearer})
    assert answer.status_code == 405
    DESCRIPTION.validate(answer.json(),
                         {"$ref": "#/components/schemas/Error"})
    described = {name.split(" ")[0] for name, _ in DESCRIPTION.operations()
                 if name.split(" ")[1] == path}
    allowed = set(answer.headers["Allow"].replace(" ", "").split(","))
    assert allowed - {"HEAD", "TRACE"} == described


def test_a_body_in_every_form_is_answered_alike(alice):
    for answer in (alice.post(label="Form"),
                   alice.raw(b"raw"),
                   alice.request("POST", "?filename=q.csv&label=Q",
                                 data=b"query")):
        assert answer.status_code == 202
        DESCRIPTION.check("POST /upload", answer)


# --- the files themselves ----------------------------------------------------

FILES = [DESCRIPTION, *map(Description, ("operation", "resumable",
                                         "sessions"))]


@pytest.mark.parametrize("file", FILES)
def test_every_reference_leads_somewhere(file):
    for reference in file.references():
        assert file.resolve({"$ref": reference}) is not None


@pytest.mark.parametrize("file", FILES)
def test_every_component_is_used(file):
    used = set(file.references())
    for kind, entries in file.document["components"].items():
        if kind == "securitySchemes":
            continue
        for name in entries:
            assert f"#/components/{kind}/{name}" in used


@pytest.mark.parametrize("file", FILES)
def test_every_schema_is_one(file):
    for schema in file.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_an_answer_of_another_shape_is_noticed():
    answer = requests.Response()
    answer.status_code = 200
    answer.headers.update({"Content-Type": "application/json",
                           "X-Request-Id": "1"})
    answer._content = json.dumps([{"id": 1}]).encode()
    answer.request = requests.Request("GET", "http://localhost").prepare()
    with pytest.raises(jsonschema.ValidationError):
        DESCRIPTION.check("GET /upload", answer)
    answer.status_code = 418
    with pytest.raises(AssertionError):
        DESCRIPTION.check("GET /upload", answer)
