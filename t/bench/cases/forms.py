# SPDX-License-Identifier: Apache-2.0
"""One large form upload to the file store."""

import os

from measure import Readings, speed_of
from stack import run

ROUNDS = 3


def make_file(bench):
    """Something to upload, in memory and used once."""
    path = bench.stack.fast_dir / "large.bin"
    if not path.exists():
        block = os.urandom(1 << 20)
        with open(path, "wb") as file:
            for _ in range(bench.large // len(block)):
                file.write(block)
    return path


def upload(stack, url, path):
    """The JSON of the answer."""
    return run("curl", "-fsS", "-H", f"Authorization: Bearer {stack.key}",
               "-H", "Expect:", "-F", "label=large", "-F", f"file=@{path}",
               url)


def write_synced(bench, folder):
    """What the file system can do for one who does nothing else."""
    target = folder / "written.bin"
    run("dd", f"if={make_file(bench)}", f"of={target}", "bs=1M", "conv=fsync")
    target.unlink()


def contest(bench, locations, peer_folder):
    stack = bench.stack
    path = make_file(bench)
    contestants = {
        name: lambda url=stack.url + location:
            speed_of(bench.large, upload, stack, url, path)
        for name, location in locations.items()}
    if peer_folder:
        peer = stack.start_fastapi(peer_folder) + "/upload"
        contestants["fastapi"] = lambda: speed_of(
            bench.large, upload, stack, peer, path)
        contestants["write"] = lambda: speed_of(
            bench.large, write_synced, bench, peer_folder)
    readings = Readings.take(contestants, bench.rounds(ROUNDS),
                             stack.forget_uploads)
    stack.stop_fastapi()
    return readings


def form_2g_file(bench):
    """On the disk of the temporary folder: write says what that is good for
    (dd with fsync)."""
    readings = contest(bench, {"two": "/upload", "three": "/three"},
                       bench.stack.dir / "peer")
    yield readings.against_md5("form_2g_file_md5_sha1/md5", "two", .75)
    yield readings.against_md5("form_2g_file_three/md5", "three", .68)
    yield readings.against("form_2g_file_md5_sha1/fastapi", "fastapi", 4,
                           ours="two")
    yield readings.against("form_2g_file_md5_sha1/write", "write", None,
                           ours="two")


def form_2g_memory(bench):
    """The same on a file system in memory: what is ours in it."""
    readings = contest(bench, {"two": "/fast"}, bench.stack.fast_dir / "peer")
    yield readings.against_md5("form_2g_memory_md5_sha1/md5", "two", None)
    yield readings.against("form_2g_memory_md5_sha1/fastapi", "fastapi", None,
                           ours="two")
