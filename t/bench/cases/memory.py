# SPDX-License-Identifier: Apache-2.0
"""Memory of the serving process while bodies arrive."""

import socket
import threading
import time
from pathlib import Path

from measure import Result
from stack import StackError

MIB = 1 << 20
BOUNDARY = "bench-boundary"
HEAD = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"zeros.bin\"\r\n\r\n").encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
BLOCK = bytes(MIB)
UPLOADS = 100
EACH = 64 * MIB
PART_MEMORY = 256  # MiB: the default of StagingPartMemory


def memory(pid):
    """MiB of its own: pages shared with others count in part."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise StackError("no Pss")


class Peak:
    """The most that a process had meanwhile."""

    def __init__(self, pid):
        self.pid = pid
        self.most = memory(pid)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.wait(0.005):
            self.most = max(self.most, memory(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class Form:
    """An upload that can be stopped on its way."""

    def __init__(self, stack, location, size):
        self.left = size
        self.socket = socket.create_connection(("127.0.0.1", stack.port))
        length = len(HEAD) + size + len(TAIL)
        self.socket.sendall(
            f"POST {location} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {stack.key}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {length}\r\n\r\n".encode() + HEAD)

    def send(self, count):
        while count:
            block = BLOCK[:min(count, MIB)]
            self.socket.sendall(block)
            count -= len(block)
            self.left -= len(block)

    def finish(self):
        self.send(self.left)
        self.socket.sendall(TAIL)
        answer = b""
        while more := self.socket.recv(65536):
            answer += more
        self.socket.close()
        if not answer.startswith(b"HTTP/1.1 202"):
            raise StackError(answer[:200].decode())


def peak_of_one(stack, size):
    """In a process that has seen one upload already."""
    stack.restart_httpd()
    Form(stack, "/upload", 4 * MIB).finish()
    with Peak(stack.child()) as peak:
        Form(stack, "/upload", size).finish()
    stack.forget_uploads()
    return peak.most


def rss_10g_vs_100m(bench):
    stack = bench.stack
    small = peak_of_one(stack, bench.size(100, 10) * MIB)
    large = peak_of_one(stack, bench.size(10240, 50) * MIB)
    yield Result("rss_10g_vs_100m", large, small, "MiB", large - small, 1,
                 True)


def at_once(work, forms):
    threads = [threading.Thread(target=work, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def settled(pid):
    """What it has when nothing happens any more."""
    last, now = 0, memory(pid)
    while abs(now - last) > 0.5:
        time.sleep(1)
        last, now = now, memory(pid)
    return now


def growth_by_100(bench, location):
    """Before, and with all of them half way."""
    stack = bench.stack
    each = bench.size(EACH, 16 * MIB)
    stack.restart_httpd()
    Form(stack, location, 4 * MIB).finish()
    before = memory(stack.child())
    forms = [Form(stack, location, each) for _ in range(UPLOADS)]
    with Peak(stack.child()) as peak:
        at_once(lambda form: form.send(each // 2), forms)
        settled(stack.child())
        at_once(lambda form: form.finish(), forms)
    stack.forget_uploads()
    return before, peak.most


def rss_100_uploads(bench):
    """MiB for each upload; with S3 beside the cap for parts."""
    before, most = growth_by_100(bench, "/upload")
    yield Result("rss_100_uploads/file", most, before, "MiB",
                 (most - before) / UPLOADS, 2, True)
    before, most = growth_by_100(bench, "/s3")
    yield Result("rss_100_uploads/s3", most, before, "MiB",
                 max(0, most - before - PART_MEMORY) / UPLOADS, 2, True)
