# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads by hand: tus and the IETF draft, request by request, each
on a connection of its own."""

import base64
import contextlib
import copy
import hashlib
import json
import random
import re
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

from clients import Client

OCTETS = {"Content-Type": "application/offset+octet-stream"}
PARTIAL = {"Content-Type": "application/partial-upload"}
PROBLEM = "https://iana.org/assignments/http-problem-types#"


def rnd(size):
    """The same bytes each time."""
    return random.Random(size).randbytes(size)


def words(field):
    """Of a header that lists some."""
    return set(re.split(", *", field))


def name(upload):
    """The id of an upload, from its path."""
    return upload.rsplit("/", 1)[1]


def base64_of(data):
    return base64.b64encode(data).decode()


def metadata(**pairs):
    """Upload-Metadata of these texts."""
    return ",".join(f"{key} {base64_of(value.encode())}"
                    for key, value in pairs.items())


def crc32c(data):
    """Castagnoli's, as it is sent (spec 1.3)."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return (crc ^ 0xffffffff).to_bytes(4, "big")


def checksum(algorithm, data):
    """Upload-Checksum of a body."""
    value = crc32c(data) if algorithm == "crc32c" else \
        hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64_of(value)}"


def digest(data, algorithm="sha-256"):
    """Content-Digest or Repr-Digest of it."""
    value = hashlib.new(algorithm.replace("-", ""), data).digest()
    return f"{algorithm}=:{base64_of(value)}:"


def limits(response):
    """What Upload-Limit says."""
    return {key: int(value) for key, value in (
        member.split("=") for member in
        response.headers["Upload-Limit"].split(", "))}


def moment(text):
    """An HTTP-date as seconds since 1970."""
    assert text.endswith(" GMT"), text
    return parsedate_to_datetime(text).timestamp()


def problem(response, kind):
    """The members of a problem of this type."""
    assert response.headers["Content-Type"] == "application/problem+json"
    members = json.loads(response.body)
    assert members["type"] == PROBLEM + kind, members
    assert members["title"]
    return members


class Caller:
    """Somebody below a location of resumable uploads."""

    marks = {}  # of the dialect: headers of every request

    def __init__(self, server, path, bearer):
        self.server = server
        self.path = path
        self.bearer = bearer
        self.port = server.port
        self.uploads = Client(server, "/upload", bearer)

    def but(self, **changes):
        """The same with another .path, .bearer or .port."""
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    # --- requests ---------------------------------------------------------
    def begin(self, method, target, headers=(), timeout=60):
        """A connection that has sent the head of a request. Headers that are
        None are not sent, not even the usual ones."""
        fields = {**self.marks, **dict(headers)}
        if self.bearer:
            fields.setdefault("Authorization", "Bearer " + self.bearer)
        connection = self.server.connect(self.port, timeout)
        connection.request(method, target, {
            key: value for key, value in fields.items() if value is not None})
        return connection

    def ask(self, method, target, headers=(), body=None, trailers=()):
        """One request and its answer. A body of bytes has a length, any other
        is sent chunk by chunk."""
        trailers = dict(trailers)
        framing = {} if body is None else \
            {"Content-Length": len(body)} if isinstance(body, bytes) else \
            {"Transfer-Encoding": "chunked"}
        if trailers:
            framing["Trailer"] = ", ".join(trailers)
        with self.begin(method, target,
                        {**framing, **dict(headers)}) as connection:
            # it may be refused before all of it is sent
            with contextlib.suppress(OSError):
                if isinstance(body, bytes):
                    connection.send(body)
                elif body is not None:
                    for chunk in body:
                        connection.chunk(chunk)
                    connection.send(b"0\r\n" + b"".join(
                        f"{key}: {value}\r\n".encode("latin-1")
                        for key, value in trailers.items()) + b"\r\n")
            return connection.response(method)

    def receiving(self, method, target, headers, body=b""):
        """A connection whose request is at its body, of which this has been
        sent."""
        connection = self.begin(method, target, {
            "Expect": "100-continue", **headers})
        while connection.interim()[0] != 100:
            pass
        return connection.send(body)

    def post(self, headers=(), body=None, trailers=()):
        return self.ask("POST", self.path, headers, body, trailers)

    def head(self, upload, headers=()):
        return self.ask("HEAD", upload, headers)

    def delete(self, upload, headers=()):
        return self.ask("DELETE", upload, headers)

    def options(self, target=None, headers=()):
        return self.but(bearer=None).ask("OPTIONS", target or self.path,
                                         headers)

    def location(self, response):
        """The path of what was created."""
        assert response.status == 201, (response.status, response.body)
        return urlsplit(urljoin(self.path,
                                response.headers["Location"])).path

    # --- what became of it ------------------------------------------------
    def status(self, upload):
        """As the list of uploads has it, None if it has not."""
        response = self.uploads.get(name(upload))
        return response.json()["status"] if response.status_code == 200 \
            else None

    def is_whole(self, upload):
        return self.status(upload) == "success"

    def content(self, upload):
        """All bytes, of a success."""
        entry = self.uploads.settled(name(upload))
        assert entry["status"] == "success", entry
        data = self.uploads.download(entry["id"]).content
        assert entry["size"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        return data

    def row(self, upload):
        """(state, object) of the row that clients never see."""
        found = self.server.sql("SELECT state, object FROM resumable "
                                "WHERE id = %s", name(upload))
        return found[0] if found else None


class Tus(Caller):
    """Speaks tus 1.0."""

    marks = {"Tus-Resumable": "1.0.0"}

    def create(self, size=None, headers=(), body=None):
        """The path of a new upload; without a size its length is
        deferred."""
        usual = {"Upload-Defer-Length": 1} if size is None else \
            {"Upload-Length": size}
        if body is not None:
            usual |= OCTETS
        return self.location(self.post({**usual, **dict(headers)}, body))

    def patch(self, upload, offset, body=b"", headers=(), trailers=()):
        return self.ask("PATCH", upload, {
            **OCTETS, "Upload-Offset": offset, **dict(headers)}, body,
            trailers)

    def patching(self, upload, offset, size, body):
        """A connection that has sent so much of a PATCH of this size."""
        return self.receiving("PATCH", upload, {
            **OCTETS, "Upload-Offset": offset, "Content-Length": size}, body)

    def offset(self, upload):
        response = self.head(upload)
        assert response.status == 200, response.status
        return int(response.headers["Upload-Offset"])


class Draft(Caller):
    """Speaks draft-ietf-httpbis-resumable-upload."""

    marks = {"Upload-Draft-Interop-Version": "8"}

    def begin(self, method, target, headers=(), timeout=60):
        """Upload-Complete may be a boolean."""
        return super().begin(method, target, {
            key: "?%d" % value if isinstance(value, bool) else value
            for key, value in dict(headers).items()}, timeout)

    def create(self, size=None, body=b"", headers=()):
        """The path of a new upload that is not complete yet."""
        return self.location(self.post({
            "Upload-Complete": False, "Upload-Length": size,
            **dict(headers)}, body))

    def patch(self, upload, offset, body=b"", is_complete=False, headers=(),
              trailers=()):
        return self.ask("PATCH", upload, {
            **PARTIAL, "Upload-Offset": offset,
            "Upload-Complete": is_complete, **dict(headers)}, body, trailers)

    def state(self, upload):
        """(offset, is_complete) as HEAD says."""
        response = self.head(upload)
        assert response.status in (200, 204), response.status
        return (int(response.headers["Upload-Offset"]),
                {"?0": False, "?1": True}[response.headers["Upload-Complete"]])
