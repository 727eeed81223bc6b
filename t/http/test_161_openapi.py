# SPDX-License-Identifier: Apache-2.0
"""The server answers what htdocs/openapi/resumable.yaml says, in both
dialects: every status of every operation is tried, and each answer has the
promised shape."""

import contextlib
import time

import pytest

import http2
from openapi import Cases, Description, as_requests, moved
from resumable import OCTETS, PARTIAL, Draft, Tus, checksum, digest, name
from test_115_isolation import ROUTES

DESCRIPTION = Description("resumable")
CASES = Cases()
case = CASES.case
MIB = 1 << 20
GUESS = "/resumable/00000000-0000-4000-8000-000000000000"
TEXT = {"Content-Type": "text/plain"}
BOTH = {"Tus-Resumable": "1.0.0", "Upload-Complete": "?0"}

CREATE = ["POST /resumable", "PUT /resumable"]
HEAD, GET, PATCH, DELETE = [
    method + " /resumable/{id}" for method in "HEAD GET PATCH DELETE".split()]
ASK = [HEAD, GET]
ALL = [*CREATE, *ASK, PATCH, DELETE]
CHANGE = [*CREATE, PATCH, DELETE]
BRING = [*CREATE, PATCH]

# What each request has unless a case says otherwise.
USUAL = {
    (Tus, "POST"): {"Upload-Length": 5}, (Tus, "PUT"): {"Upload-Length": 5},
    (Tus, "PATCH"): {**OCTETS, "Upload-Offset": 0},
    (Draft, "POST"): {"Upload-Complete": False},
    (Draft, "PUT"): {"Upload-Complete": False},
    (Draft, "PATCH"): {**PARTIAL, "Upload-Offset": 0,
                       "Upload-Complete": False},
}


class World:
    """What cases work with."""

    def __init__(self, server, key, iam):
        self.server = server
        self.iam = iam
        self.tus = Tus(server, "/resumable", key)
        self.draft = Draft(server, "/resumable", key)
        self.two = (self.tus, self.draft)

    def ask(self, caller, operation, upload=GUESS, headers=(), body=None,
            **more):
        """The operation by this caller, on the upload that it may be for;
        (dialect, answer)."""
        method, path = operation.split(" ")
        target = caller.path + path.removeprefix("/resumable").replace(
            "{id}", name(upload))
        if method in ("POST", "PATCH") and body is None:
            body = b""
        raw = caller.ask(method, target, {
            **USUAL.get((type(caller), method), {}), **dict(headers)}, body,
            **more)
        return dialect_of(caller), as_requests(raw, method)

    def each(self, operation, **more):
        """The same in both dialects, each with an upload of its own."""
        return [self.ask(caller, operation, caller.create(5), **more)
                for caller in self.two]


def dialect_of(caller):
    return "tus" if isinstance(caller, Tus) else "ietf"


@pytest.fixture(name="world")
def world_of(server, alice_key, iam):
    return World(server, alice_key, iam)


# --- what is asked well ------------------------------------------------------

@case(204, "OPTIONS /resumable", "OPTIONS /resumable/{id}")
def spoken(world, operation):
    target = operation.split(" ")[1].replace("{id}", name(GUESS))
    page = {"Origin": "https://pages.example.org",
            "Access-Control-Request-Method": "PATCH"}
    return [(None, as_requests(world.tus.options(target, headers)))
            for headers in ({"Tus-Resumable": None}, page)]


@case(201, *CREATE)
def created(world, operation):
    first = {**OCTETS, "Upload-Length": 5}
    deferred = {"Upload-Length": None, "Upload-Defer-Length": 1}
    whole = {"Upload-Complete": True, "Want-Repr-Digest": "sha-512=5"}
    return [world.ask(world.tus, operation),
            world.ask(world.tus, operation, headers=deferred),
            world.ask(world.tus, operation, headers=first, body=b"12"),
            world.ask(world.tus, operation, headers=first, body=b"12345"),
            world.ask(world.draft, operation),
            world.ask(world.draft, operation, body=b"12"),
            world.ask(world.draft, operation, headers=whole, body=b"12345")]


@case(104, *CREATE)
def where_to_go_on(world, operation):
    with world.draft.begin(operation.split(" ")[0], "/resumable", {
            "Upload-Complete": False, "Content-Length": 5}) as connection:
        answer = interim(connection)
        connection.send(b"12345").response()
    assert "Location" in answer.headers
    return [("ietf", answer)]


@case(104, PATCH)
def how_far_it_is(world, _operation):
    size = 40 * MIB
    upload = world.draft.create(size)
    with world.draft.begin("PATCH", upload, {
            **PARTIAL, "Upload-Complete": True, "Upload-Offset": 0,
            "Content-Length": size}, timeout=60) as connection:
        for _ in range(4):
            connection.send(bytes(10 * MIB))
            time.sleep(1.3)
        answer = interim(connection)
        connection.response()
    assert int(answer.headers["Upload-Offset"]) > 0
    return [("ietf", answer)]


def interim(connection):
    """The next 104, as an answer."""
    status = None
    while status != 104:
        status, headers = connection.interim()
    raw = type("Interim", (), {"status": status, "body": b"",
                               "getheaders": headers.items})
    return as_requests(raw)


def states(world):
    """(caller, upload) in every state that asking can meet."""
    more = {"Upload-Metadata": "filename YQ==", "Upload-Concat": "partial"}
    return [(world.tus, world.tus.create(5, more, b"12")),
            (world.tus, world.tus.create()),
            (world.tus, world.tus.create(5, body=b"12345")),
            (world.draft, world.draft.create(5, b"12")),
            (world.draft, world.draft.create()),
            (world.draft, world.tus.create(5, body=b"12345"))]


@case(200, HEAD)
def states_by_tus(world, operation):
    return [world.ask(caller, operation, upload)
            for caller, upload in states(world) if caller is world.tus]


@case(204, HEAD)
def states_by_the_draft(world, operation):
    return [world.ask(caller, operation, upload)
            for caller, upload in states(world) if caller is world.draft]


@case(200, GET)
def states_in_full(world, operation):
    return [world.ask(caller, operation, upload)
            for caller, upload in states(world)]


@case(204, PATCH)
def appended(world, operation):
    return [*world.each(operation, body=b"12"),
            world.ask(world.tus, operation, world.tus.create(5),
                      body=b"12345"),
            world.ask(world.tus, operation, world.tus.create(),
                      {"Upload-Length": 5})]


@case(200, PATCH)
def completed(world, operation):
    upload = world.draft.create(5)
    last = {"Upload-Complete": True}
    return [world.ask(world.draft, operation, upload, last, b"12345"),
            world.ask(world.draft, operation, upload,
                      {**last, "Upload-Offset": 5})]


@case(204, DELETE)
def deleted(world, operation):
    return world.each(operation)


# --- what is refused ---------------------------------------------------------

@case(400, *ASK, DELETE)
def both_dialects(world, operation):
    return world.each(operation, headers=BOTH)[:1]


@case(400, *BRING)
def malformed(world, operation):
    wrong = {"Upload-Complete": True, "Upload-Length": 9}
    return [world.ask(world.tus, operation, world.tus.create(5), headers)
            for headers in ({"Upload-Length": "x", "Upload-Offset": "x"},
                            BOTH)] + \
           [world.ask(world.draft, operation, world.draft.create(), headers,
                      b"12345")
            for headers in (wrong, *wrong_digests(operation),
                            {"Upload-Complete": "true"})]


def wrong_digests(operation):
    yield {"Content-Digest": digest(b"others")}
    yield {"Content-Digest": "sha-256=:AAAA:"}
    yield {"Content-Digest": "unknown=:AAAA:"}
    if operation != PATCH:
        yield {"Repr-Digest": digest(b"others"), "Upload-Complete": True}
        yield {"Repr-Digest": "unknown=:AAAA:"}


@case(401, *ALL)
def nobody(world, operation):
    return [world.ask(caller.but(bearer=None), operation)
            for caller in world.two]


@case(403, *CHANGE)
def wrong_scope(world, operation):
    key = world.server.key("alice", "--scope", "read")
    return [world.ask(caller.but(bearer=key), operation)
            for caller in world.two]


@case(404, *ASK, PATCH, DELETE)
def unknown(world, operation):
    return [world.ask(caller, operation) for caller in world.two]


@case(404, "POST /resumable")
def unknown_partial(world, operation):
    return [world.ask(world.tus, operation, headers={
        "Upload-Length": None, "Upload-Concat": "final;" + GUESS})]


@case(408, *BRING)
def too_slow(world, operation):
    return [slow(world, caller.but(port=world.server.slow_port), operation)
            for caller in world.two]


def slow(world, caller, operation):
    method = operation.split(" ")[0]
    upload = caller.create(1000) if operation == PATCH else None
    headers = {**USUAL[type(caller), method], "Content-Length": 1000}
    if isinstance(caller, Tus):
        headers |= {**OCTETS, "Upload-Length": 1000}
    with caller.begin(method, upload or caller.path, headers) as connection:
        connection.send(b"x" * 500)
        time.sleep(3)
        return dialect_of(caller), as_requests(connection.response(), method)


@case(409, *CREATE)
def key_of_another(world, operation):
    answers = []
    for caller in world.two:
        key = {"Idempotency-Key": f"{operation}{time.monotonic_ns()}"}
        caller.create(5, headers=key)
        answers.append(world.ask(caller, operation, headers={
            **key, "Upload-Length": 6}))
    partial = world.tus.create(5, {"Upload-Concat": "partial"})
    if operation == CREATE[0]:
        answers.append(world.ask(world.tus, operation, headers={
            "Upload-Length": None, "Upload-Concat": "final;" + partial}))
    return answers


@case(409, PATCH)
def wrong_offset(world, operation):
    return world.each(operation, headers={"Upload-Offset": 3}, body=b"x")


@case(409, DELETE)
def being_joined(world, operation):
    """A final that cannot be made just now."""
    world.server.log.expect("STORE_")
    partials = [world.tus.create(5, {"Upload-Concat": "partial"}, b"12345")
                for _ in world.two]
    with moved(world.server.dir / "file"):
        final = world.tus.location(world.tus.post({
            "Upload-Concat": "final;" + " ".join(partials)}))
        answers = [world.ask(caller, operation, partial)
                   for caller, partial in zip(world.two, partials)]
    assert world.tus.delete(final).status == 204
    return answers


@case(410, *ASK, PATCH, DELETE)
def gone(world, operation):
    answers = []
    for caller in world.two:
        upload = caller.create(5)
        caller.delete(upload)
        answers.append(world.ask(caller, operation, upload))
    return answers


@case(410, *CREATE)
def gone_by_key(world, operation):
    return [world.server.wait(lambda: expired_by_key(world, caller, operation))
            for caller in world.two]


def expired_by_key(world, caller, operation):
    """The key is free again as soon as garbage has been collected: None."""
    key = {"Idempotency-Key": f"{operation}{time.monotonic_ns()}"}
    world.server.sql("UPDATE part_upload SET expires = now() WHERE object = "
                     "(SELECT object FROM resumable WHERE id = %s)",
                     name(caller.create(5, headers=key)))
    answer = world.ask(caller, operation, headers={**key, "Upload-Length": 5})
    return None if answer[1].status_code == 201 else answer


@case(411, *BRING)
def end_unknown(world, operation):
    method, path = operation.split(" ")
    upload = world.draft.create()
    headers = {**USUAL[Draft, method], "Upload-Complete": "?1"}
    with http2.Connection2(world.server.port,
                           world.draft.bearer) as connection:
        raw = connection.ask(method, upload if "{id}" in path else path, [
            (key.lower(), str(value)) for key, value in headers.items()],
            b"12345")
    return [("ietf", as_requests(raw, method))]


@case(412, *ALL)
def other_version(world, operation):
    return [world.ask(world.tus, operation,
                      headers={"Tus-Resumable": "0.2.2"})]


@case(413, *BRING)
def too_large(world, operation):
    answers = []
    for caller in world.two:
        small = caller.but(path="/resumable-small")
        upload = small.create() if operation == PATCH else GUESS
        headers = {"Upload-Length": 2000} if operation != PATCH else {}
        answers.append(world.ask(small, operation, upload, headers,
                                 b"x" * 2000 if operation == PATCH else None))
    return answers


@case(415, *CREATE)
def no_upload(world, operation):
    return [world.ask(world.tus, operation, headers=TEXT, body=b"12345")]


@case(415, PATCH)
def no_append(world, operation):
    return world.each(operation, headers=TEXT, body=b"x")


@case(460, *BRING)
def other_bytes(world, operation):
    return [world.ask(world.tus, operation, world.tus.create(5), {
        **OCTETS, "Upload-Checksum": checksum("sha1", b"others")}, b"12345")]


# --- what is not there -------------------------------------------------------

@case(502, *BRING)
def store_away(world, operation):
    world.server.log.expect("STORE_")
    uploads = [caller.create(5) for caller in world.two]
    with moved(world.server.dir / "file"):
        return [world.ask(caller, operation, upload, {
            **PIECE[type(caller)], "Upload-Offset": 0}, b"12345")
                for caller, upload in zip(world.two, uploads)]


PIECE = {Tus: {**OCTETS, "Upload-Length": 5},
         Draft: {**PARTIAL, "Upload-Complete": True}}


def iam_away(world, operation, *callers):
    world.server.log.expect("IAM_DOWN")
    world.iam.fail("status_503", "key")
    return [world.ask(caller.but(bearer=world.server.secret(
        f"unknown-{time.monotonic_ns()}")), operation) for caller in callers]


@case(423, HEAD)
def iam_away_for_tus(world, operation):
    return iam_away(world, operation, world.tus)


@case(503, *ALL)
def iam_away_for_both(world, operation):
    return iam_away(world, operation, world.draft,
                    *([world.tus] if operation != HEAD else []))


@contextlib.contextmanager
def room(world, option):
    """Both callers at a node of its own, at a store with this option."""
    extra = f'StagingStore full file://{world.server.dir}/full {option}\n' \
        '<Location "/full">\n    SetHandler staging-resumable\n' \
        '    StagingUseStore full\n</Location>\n'
    with world.server.another_node(extra, is_ready=not option) as node:
        yield [caller.but(path="/full", port=node.port)
               for caller in world.two], node


@case(507, *BRING)
def no_space(world, operation):
    with room(world, "") as (callers, _), \
            room(world, "reserve=900T") as (others, node):
        node.log.expect("NO_SPACE")
        return [world.ask(other, operation, caller.create(5), {
            **PIECE[type(caller)], "Upload-Offset": 0}, b"12345")
                for caller, other in zip(callers, others)]


# --- the tests ---------------------------------------------------------------

@pytest.mark.parametrize("operation, status", DESCRIPTION.statuses())
def test_the_server_answers_as_described(world, operation, status):
    assert (operation, status) in CASES, "nobody tries this"
    answers = CASES[operation, status](world, operation)
    assert answers
    for dialect, answer in answers:
        assert answer.status_code == status, (dialect, answer.text)
        DESCRIPTION.check(operation, answer, dialect)
        for field in answer.headers:
            assert field in DESCRIPTION.headers(operation, status) or \
                not field.startswith(("Upload-", "Tus-", "Want-", "Accept-",
                                      "Location", "Repr-", "Retry-")), field


def test_nothing_is_tried_that_is_not_described():
    assert set(CASES) == set(DESCRIPTION.statuses())


def test_every_route_of_the_code_is_described_and_nothing_else():
    routes = {f"{method} /resumable{pattern}"
              for method, pattern in ROUTES["staging-resumable"]}
    paths = {route.split(" ")[1] for route in routes}
    assert {operation for operation, _ in DESCRIPTION.operations()} == \
        routes | {"OPTIONS " + path for path in paths}


@pytest.mark.parametrize("path", list(DESCRIPTION.document["paths"]))
def test_other_methods_are_405_with_allow(world, path):
    raw = world.draft.ask("TRACK", path.replace("{id}", name(GUESS)))
    assert raw.status == 405
    described = {operation.split(" ")[0]
                 for operation, _ in DESCRIPTION.operations()
                 if operation.split(" ")[1] == path}
    allowed = set(raw.headers["Allow"].replace(" ", "").split(","))
    assert allowed - {"TRACE"} == described
