# SPDX-License-Identifier: Apache-2.0
"""Memory of the serving process while bodies arrive."""

import functools
import socket
import threading
import time
from pathlib import Path

from measure import Result
from stack import StackError
from tus_client import BOUNDARY, FORM_HEAD, FORM_TAIL

MIB = 1 << 20
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


class Body:
    """An upload that can be stopped on its way."""

    status = 202
    tail = b""

    def __init__(self, stack, size, method, target, length, fields):
        self.left = size
        self.socket = socket.create_connection(("127.0.0.1", stack.port))
        self.socket.sendall(
            f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {stack.key}\r\nConnection: close\r\n"
            f"{fields}Content-Length: {length}\r\n\r\n".encode())

    def send(self, count):
        while count:
            block = BLOCK[:min(count, MIB)]
            self.socket.sendall(block)
            count -= len(block)
            self.left -= len(block)

    def finish(self):
        self.send(self.left)
        self.socket.sendall(self.tail)
        answer = b""
        while more := self.socket.recv(65536):
            answer += more
        self.socket.close()
        if not answer.startswith(b"HTTP/1.1 %d" % self.status):
            raise StackError(answer[:200].decode())


class Form(Body):
    tail = FORM_TAIL

    def __init__(self, stack, location, size):
        super().__init__(
            stack, size, "POST", location,
            len(FORM_HEAD) + size + len(FORM_TAIL),
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n")
        self.socket.sendall(FORM_HEAD)


def peak_of_one(stack, make, size):
    """In a process that has seen one upload already; make(size) begins
    one."""
    stack.restart_httpd()
    make(4 * MIB).finish()
    with Peak(stack.child()) as peak:
        make(size).finish()
    stack.forget_uploads()
    return peak.most


def rss_10g_vs_100m(bench):
    make = functools.partial(Form, bench.stack, "/upload")
    small = peak_of_one(bench.stack, make, bench.size(100, 10) * MIB)
    large = peak_of_one(bench.stack, make, bench.size(10240, 50) * MIB)
    yield Result("rss_10g_vs_100m", large, small, "MiB", large - small, 1,
                 True)


def at_once(work, bodies):
    threads = [threading.Thread(target=work, args=(body,)) for body in bodies]
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


def growth_by_100(bench, make):
    """Before, and with all of them half way; make(size) begins one."""
    stack = bench.stack
    each = bench.size(EACH, 16 * MIB)
    stack.restart_httpd()
    make(4 * MIB).finish()
    before = memory(stack.child())
    bodies = [make(each) for _ in range(UPLOADS)]
    with Peak(stack.child()) as peak:
        at_once(lambda body: body.send(each // 2), bodies)
        settled(stack.child())
        at_once(lambda body: body.finish(), bodies)
    stack.forget_uploads()
    return before, peak.most


def rss_100_uploads(bench):
    """MiB for each upload; with S3 beside the cap for parts."""
    before, most = growth_by_100(
        bench, functools.partial(Form, bench.stack, "/upload"))
    yield Result("rss_100_uploads/file", most, before, "MiB",
                 (most - before) / UPLOADS, 2, True)
    before, most = growth_by_100(
        bench, functools.partial(Form, bench.stack, "/s3"))
    yield Result("rss_100_uploads/s3", most, before, "MiB",
                 max(0, most - before - PART_MEMORY) / UPLOADS, 2, True)
