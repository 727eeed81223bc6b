# SPDX-License-Identifier: Apache-2.0
"""The peers of resumable uploads: tusd and @tus/server, as peers/install has
put them into STAGING_BENCH_PEERS. One that is not there is said."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import requests

from cases.s3 import presigned_put
from stack import StackError, free_port


def peers_folder():
    return Path(os.environ.get("STAGING_BENCH_PEERS", "peers")).resolve()


def is_listening(url):
    """Any answer is one."""
    with contextlib.suppress(requests.RequestException):
        requests.options(url, timeout=5)
        return True
    return False


class TusPeer:
    """A server that is started anew for each case, and its uploads."""

    name = None  # in the table

    def __init__(self, stack):
        self.stack = stack
        self.process = None
        self.url = None
        self.folder = None
        stack.stops.append(self.stop)

    def is_there(self):
        raise NotImplementedError

    def command(self, port, where):
        """What serves uploads into a folder, or into S3 if that is None."""
        raise NotImplementedError

    def start(self, folder=None):
        """Its uploads go to this folder, or to the bucket of ours."""
        port = free_port()
        self.folder = folder
        if folder:
            folder.mkdir(exist_ok=True)
        with open(self.stack.logs / f"{self.name}.log", "a",
                  encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command(port, folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.environment()})
        self.url = f"http://127.0.0.1:{port}/files/"
        end = time.monotonic() + 60
        while not is_listening(self.url):
            if self.process.poll() is not None or time.monotonic() > end:
                raise StackError(f"{self.name} does not start")
            time.sleep(0.05)

    def environment(self):
        """What they do not keep is in memory, so that no disk limits them."""
        more = {"TMPDIR": str(self.stack.fast_dir), "NODE_ENV": "production"}
        if self.stack.s3:
            s3 = self.stack.s3
            more |= {"AWS_ACCESS_KEY_ID": s3["STAGING_S3_ACCESS_KEY"],
                     "AWS_SECRET_ACCESS_KEY": s3["STAGING_S3_SECRET_KEY"],
                     "AWS_REGION": "default",
                     "PEER_S3_BUCKET": s3["STAGING_S3_BUCKET"],
                     "PEER_S3_ENDPOINT": s3["STAGING_S3_ENDPOINT"]}
        return more

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(30)
        self.process = None

    def forget(self, upload):
        """Terminated, as both announce."""
        requests.delete(self.url.rsplit("/files/", 1)[0] + upload, timeout=60,
                        headers={"Tus-Resumable": "1.0.0"}).raise_for_status()


class Tusd(TusPeer):
    """With its own values for everything that it has a value for."""

    name = "tusd"

    def is_there(self):
        return (peers_folder() / "tusd").exists()

    def command(self, port, where):
        usual = [peers_folder() / "tusd", "-host", "127.0.0.1", "-port", port,
                 "-verbose=false", "-hooks-enabled-events="]
        if where:
            return [*usual, "-upload-dir", where]
        return [*usual, "-s3-bucket", self.stack.s3["STAGING_S3_BUCKET"],
                "-s3-endpoint", self.stack.s3["STAGING_S3_ENDPOINT"],
                "-s3-object-prefix", "tusd/"]


class TusNode(TusPeer):
    """@tus/server with @tus/file-store or @tus/s3-store."""

    name = "tus-node"

    def is_there(self):
        return (peers_folder() / "tus-node" / "node_modules").exists() and \
            bool(shutil.which("node"))

    def command(self, port, where):
        return ["node", peers_folder() / "tus-node" / "server.mjs", port,
                where or "s3"]

    def forget(self, upload):
        """Of what is complete in S3 it says that it is not there."""
        if self.folder:
            super().forget(upload)
            return
        name = upload.rsplit("/", 1)[1]
        requests.put(presigned_put(self.stack.s3, name), data=b"-",
                     timeout=60).raise_for_status()


def all_peers(stack):
    return [Tusd(stack), TusNode(stack)]
