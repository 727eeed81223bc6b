# SPDX-License-Identifier: Apache-2.0
"""One client for all who are compared, so that it costs each of them the
same: requests by hand, on one connection, whose bodies the kernel sends from
a file, or which come from memory."""

import socket
from urllib.parse import urlsplit

from stack import StackError

OCTETS = "Content-Type: application/offset+octet-stream\r\n"
BOUNDARY = "bench-boundary"
FORM_HEAD = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; "
             "filename=\"large.bin\"\r\n\r\n").encode()
FORM_TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


class TusClient:
    """Somebody on one connection. Peers are told the key, too."""

    def __init__(self, url, key):
        parts = urlsplit(url)
        self.path = parts.path
        self.usual = f"Host: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
        self.socket = socket.create_connection((parts.hostname, parts.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.file.close()
        self.socket.close()

    # --- one request ------------------------------------------------------
    def begin(self, method, target, fields, body=b""):
        """Head and body, or its begin."""
        self.socket.sendall(
            f"{method} {target} HTTP/1.1\r\n{self.usual}{fields}\r\n".encode()
            + body)

    def end(self, status):
        """The headers of its answer, in lower case, and its body."""
        line = self.file.readline().decode()
        headers = {}
        while (text := self.file.readline().decode().strip()):
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked" and \
                line.split()[1:2] != ["204"]:
            body = self.chunks()
        else:
            body = self.file.read(int(headers.get("content-length", 0)))
        if line.split()[1:2] != [str(status)]:
            raise StackError(f"{self.path}: {line!r} {body[:200]!r}")
        return headers, body

    def chunks(self):
        """A body that came in chunks, without trailers."""
        body = b""
        while size := int(self.file.readline(), 16):
            body += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return body

    # --- tus --------------------------------------------------------------
    def create(self, size):
        """The path of a new upload."""
        self.begin("POST", self.path, "Tus-Resumable: 1.0.0\r\n"
                   f"Upload-Length: {size}\r\nContent-Length: 0\r\n")
        return urlsplit(self.end(201)[0]["location"]).path

    def begin_patch(self, upload, offset, size, body=b""):
        self.begin("PATCH", upload, "Tus-Resumable: 1.0.0\r\n"
                   f"Upload-Offset: {offset}\r\n{OCTETS}"
                   f"Content-Length: {size}\r\n", body)

    def end_patch(self, offset):
        """All has been taken: this is the offset now."""
        found = self.end(204)[0]["upload-offset"]
        if int(found) != offset:
            raise StackError(f"{self.path}: {found} instead of {offset}")

    def patch(self, upload, offset, body):
        self.begin_patch(upload, offset, len(body), body)
        self.end_patch(offset + len(body))

    def upload(self, path):
        """A file in one PATCH; the path of the upload."""
        size = path.stat().st_size
        upload = self.create(size)
        self.begin_patch(upload, 0, size)
        with open(path, "rb") as file:
            self.socket.sendfile(file)
        self.end_patch(size)
        return upload

    # --- a form -----------------------------------------------------------
    def form(self, path):
        """The same file as a form upload of ours; its answer."""
        size = len(FORM_HEAD) + path.stat().st_size + len(FORM_TAIL)
        self.begin("POST", self.path, "Content-Type: multipart/form-data; "
                   f"boundary={BOUNDARY}\r\nContent-Length: {size}\r\n",
                   FORM_HEAD)
        with open(path, "rb") as file:
            self.socket.sendfile(file)
        self.socket.sendall(FORM_TAIL)
        return self.end(202)[1]
