# SPDX-License-Identifier: Apache-2.0
"""Something to upload, and the programs that do it. STAGING_CLIENTS is where
they are installed."""

import contextlib
import hashlib
import json
import os
import subprocess
from pathlib import Path

import wire
from clients import Client

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
DRAFT = ["-H", "Upload-Draft-Interop-Version: 8"]
PARTIAL = ["-H", "Content-Type: application/partial-upload", "-X", "PATCH"]
CUT = {7, 18, 35, 52, 55, 56}  # what curl says of a link that broke


class File:
    """Of random bytes, and whoever uploads it to the location path."""

    def __init__(self, server, key, folder, path):
        self.server = server
        self.folder = folder
        self.path = path
        self.port = server.port
        self.uploads = Client(server, "/upload", key)
        self.env = {**os.environ, "BEARER": key, "HOME": str(folder)}
        self.name = folder / "sites.csv"
        self.installed = Path(os.environ["STAGING_CLIENTS"])
        self.fill(32 * MIB + 12345)

    def fill(self, size):
        digest = hashlib.sha256()
        with open(self.name, "wb") as file:
            for first in range(0, size, MIB):
                piece = os.urandom(min(MIB, size - first))
                digest.update(piece)
                file.write(piece)
        self.size, self.sha256 = size, digest.hexdigest()

    def forget(self):
        """And all that was uploaded of it."""
        self.name.unlink()
        for entry in self.uploads.list():
            self.uploads.delete(entry["id"])

    @contextlib.contextmanager
    def slow_link(self):
        """So slow that a client is in the middle when it says that it is,
        which Uppy does twice a second."""
        proxy = wire.Proxy(self.server.port)
        proxy.bytes_per_second = 10 * MIB
        self.port = proxy.port
        yield
        proxy.stop()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self):
        return f"{self.base}{self.path}/"

    def run(self, *command, accepted=(0,), timeout=300, **more):
        """(exit status, output)."""
        done = subprocess.run([str(word) for word in command], check=False,
                              env=self.env, capture_output=True, text=True,
                              timeout=timeout, cwd=self.installed, **more)
        assert done.returncode in accepted, done
        return done.returncode, done.stdout

    # --- clients of tus -----------------------------------------------------
    def node(self, kind="tus", is_killed=False, timeout=300, **options):
        """What a client of Node says, by the name of its options."""
        _, text = self.run("node", "client.mjs", kind, json.dumps({
            "endpoint": self.endpoint, "file": str(self.name), **options}),
            accepted=[-9 if is_killed else 0], timeout=timeout)
        return None if is_killed else json.loads(text.splitlines()[-1])

    def browser(self, kind, chromium, page, **options):
        """What a page in a browser says."""
        _, text = self.run("node", "browser.mjs", kind, json.dumps({
            "endpoint": self.endpoint, "file": str(self.name),
            "chromium": chromium, "page": page + "/", **options}))
        return json.loads(text.splitlines()[-1])

    def tuspy(self, stop_at=0):
        """(URL, offset at which it began)."""
        _, text = self.run(
            self.installed / "venv/bin/python", HERE / "client.py",
            self.endpoint, self.name, self.folder / "urls.json", stop_at)
        url, began_at = text.split()
        return url, int(began_at)

    # --- curl, by the draft -------------------------------------------------
    def curl(self, *words, **more):
        """(status, headers by lower-case name) of the last answer, None if
        the link broke."""
        code, text = self.run(
            "curl", "-sS", "-o", self.folder / "body", "-D", "-", "-H",
            "Authorization: Bearer " + self.env["BEARER"], *DRAFT, *words,
            accepted={0, *CUT}, **more)
        if code:
            return None
        last = text.strip().split("\n\n")[-1].splitlines()
        return int(last[0].split()[1]), {
            key.lower(): value for key, value in (
                line.split(": ", 1) for line in last[1:])}

    def curl_creates(self):
        """The path of an upload without bytes; None if the link broke."""
        answer = self.curl(
            "-X", "POST", "-H", "Upload-Complete: ?0", "-H",
            'Content-Disposition: inline; filename="sites.csv"', "-H",
            f"Upload-Length: {self.size}", self.endpoint)
        return answer and answer[1]["location"]

    def curl_asks(self, upload):
        """The offset; None if the link broke."""
        answer = self.curl("-I", self.base + upload)
        return answer and int(answer[1]["upload-offset"])

    def curl_appends(self, upload, at, *words, **more):
        """All from there to the end: (status, headers); None if the link
        broke."""
        with open(self.name, "rb") as rest:
            rest.seek(at)
            return self.curl(
                *PARTIAL, "-H", "Upload-Complete: ?1", "-H",
                f"Upload-Offset: {at}", "-T", "-", *words,
                self.base + upload, stdin=rest, **more)

    def curl_uploads(self):
        """Until it is through, as README says it for a shell; the path."""
        upload = None
        for _ in range(100):
            upload = upload or self.curl_creates()
            at = upload and self.curl_asks(upload)
            answer = at is not None and self.curl_appends(upload, at)
            if answer and answer[0] // 100 == 2 and \
                    answer[1]["upload-complete"] == "?1":
                return upload
        raise AssertionError(f"{answer} again and again")

    # --- what became of it --------------------------------------------------
    def has_arrived(self, url, is_named=True):
        """Whole, and under its name if the client has told it."""
        entry = self.uploads.settled(url.rsplit("/", 1)[1])
        assert entry["status"] == "success", entry
        assert (entry["size"], entry["sha256"]) == (self.size, self.sha256)
        assert not is_named or entry["filename"] == self.name.name
        digest = hashlib.sha256()
        with contextlib.closing(self.uploads.download(
                entry["id"], stream=True)) as response:
            for piece in response.iter_content(MIB):
                digest.update(piece)
        assert digest.hexdigest() == self.sha256
        return True
