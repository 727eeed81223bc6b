# SPDX-License-Identifier: Apache-2.0
"""A relay before an S3 store that understands HTTP and fails as it is told.

Requests go through as they came, byte for byte: they are signed. A fault is
given to a share of the calls, and counted where it strikes."""

import collections
import contextlib
import random
import re
import socket
import struct
import threading

BLOCK = 65536
LENGTH = re.compile(rb"^content-length: *(\d+)", re.I | re.M)
CHUNKED = re.compile(rb"^transfer-encoding: *chunked", re.I | re.M)
ETAG = re.compile(rb'^(etag: *"?)[0-9a-f]{32}', re.I | re.M)
WAITS = re.compile(rb"^expect: *100-continue", re.I | re.M)
Rule = collections.namedtuple("Rule", "name fault share only")


class Gone(Exception):
    """A connection is over."""


class Call:
    """One request on its way: what it is, and its two sides."""

    def __init__(self, proxy, head, client, connect):
        self.proxy = proxy
        self.head = head
        self.client = client
        self.connect = connect  # to the store, which a fault may not want
        self.method, self.target = head.split(b" ", 2)[:2]
        self.method, self.target = self.method.decode(), self.target.decode()
        found = LENGTH.search(head)
        self.size = int(found.group(1)) if found else 0
        self.waits = bool(WAITS.search(head))
        self.kind = self._kind()

    def _kind(self):
        has_id = "uploadId=" in self.target
        if self.method == "POST":
            return ("complete" if has_id else
                    "begin" if "uploads=" in self.target else "post")
        if self.method == "PUT":
            return "part" if has_id else "put"
        return self.method.lower()

    # --- what happens without a fault -------------------------------------
    def forward(self, size=None):
        """Send the request, or only so many bytes of its body."""
        self.store = self.connect()
        self.store.send(self.head)
        if self.waits:
            head = self.store.head()
            if not head.startswith(b"HTTP/1.1 100"):
                # refused before its body: nothing more is read of it
                self.early = head
                return
            self.client.send(head)
        self.early = None
        self.client.pass_on(self.store,
                            self.size if size is None else size)

    def answer(self):
        """The store's answer, whole."""
        head = self.early or self.store.head()
        if self.method == "HEAD" or head.split(b" ", 2)[1] in (b"204",
                                                               b"304"):
            return head
        if CHUNKED.search(head):
            return head + self.store.chunks()
        found = LENGTH.search(head)
        return head + self.store.exactly(int(found.group(1)) if found else 0)

    def relay(self):
        self.forward()
        self.client.send(self.answer())
        if self.early:
            raise Gone

    # --- what a fault may do ----------------------------------------------
    def refuse(self, status, code):
        """Answer in the store's place; it never hears of the call."""
        body = (f"<?xml version=\"1.0\"?><Error><Code>{code}</Code>"
                "<Message>injected</Message></Error>").encode()
        if not self.waits:
            self.client.exactly(self.size)
        self.client.send(
            f"HTTP/1.1 {status} Injected\r\nContent-Type: application/xml\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            .encode() + (b"" if self.method == "HEAD" else body))
        raise Gone


# --- the faults ---------------------------------------------------------------

def refusal(status, code):
    return lambda call: call.refuse(status, code)


def reset_midway(call):
    """Half of the body arrives, then both sides see a reset."""
    call.forward(call.size // 2)
    with contextlib.suppress(Gone):
        call.store.reset()
    call.client.reset()


def cut_answer(call):
    """Done, but only half of the answer comes."""
    call.forward()
    answer = call.answer()
    call.client.send(answer[:len(answer) // 2])
    raise Gone


def lose_answer(call):
    """Done, and nobody is told."""
    call.forward()
    call.answer()
    call.client.reset()


def damage(call):
    """The last byte of the body arrives as another."""
    call.forward(call.size - 1)
    if not call.early:
        last, = call.client.exactly(1)
        call.store.send(bytes([last ^ 1]))
    call.client.send(call.answer())


def change_etag(call):
    """The store acknowledges other bytes than it has got."""
    call.forward()
    call.client.send(ETAG.sub(lambda found: found.group(1) + b"0" * 32,
                              call.answer()))


def late(seconds):
    """The first byte of the answer comes after so long."""
    def fault(call):
        call.forward()
        answer = call.answer()
        call.proxy.healed.wait(seconds)
        call.client.send(answer)
    return fault


class Hold:
    """Keeps back the answer to one call, until it is released. What the call
    wanted has been done."""

    def __init__(self):
        self.client_port = None  # of the connection, once it has struck
        self._struck = threading.Event()
        self._released = threading.Event()
        self._once = threading.Lock()

    def __call__(self, call):
        if not self._once.acquire(blocking=False):
            call.relay()
            return
        call.forward()
        answer = call.answer()
        self.client_port = call.client.socket.getpeername()[1]
        self._struck.set()
        self._released.wait()
        call.client.send(answer)

    def wait(self, seconds=20):
        assert self._struck.wait(seconds)

    def release(self):
        self._released.set()


def swallow(call):
    """Accepted, and never answered."""
    call.proxy.healed.wait()
    raise Gone


FAULTS = {
    "500": refusal(500, "InternalError"),
    "503": refusal(503, "ServiceUnavailable"),
    "SlowDown": refusal(503, "SlowDown"),
    "error in a 200": refusal(200, "InternalError"),
    "reset": reset_midway,
    "cut answer": cut_answer,
    "lost answer": lose_answer,
    "damaged": damage,
    "wrong ETag": change_etag,
    "30 s": late(30),
    "black hole": swallow,
}


# --- the relay ----------------------------------------------------------------

class Side:
    """One of the two connections."""

    def __init__(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.file = connection.makefile("rb")

    def line(self):
        line = self.file.readline(BLOCK)
        if not line.endswith(b"\n"):
            raise Gone
        return line

    def head(self):
        lines = [self.line()]
        while lines[-1] != b"\r\n":
            lines.append(self.line())
        return b"".join(lines)

    def exactly(self, count):
        data = self.file.read(count)
        if len(data) < count:
            raise Gone
        return data

    def chunks(self):
        data = b""
        while True:
            line = self.line()
            size = int(line.split(b";")[0], 16)
            data += line + self.exactly(size + 2)
            if size == 0:
                return data

    def pass_on(self, other, count):
        while count:
            data = self.file.read1(min(count, BLOCK))
            if not data:
                raise Gone
            other.send(data)
            count -= len(data)

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        """End it so that the other end sees an error."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.file.close()
        self.socket.close()
        raise Gone

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.file.close()
        self.socket.close()


class S3Proxy:
    """Listens on .port. It may speak TLS: then .context is the ssl.SSLContext
    of new connections."""

    def __init__(self, target, context=None):
        self.target = target
        self.context = context
        self.injected = collections.Counter()  # what has struck how often
        self.calls = collections.Counter()     # of what kind came how many
        self.healed = threading.Event()
        self._rules = []
        self._dice = random.Random(target)
        self._lock = threading.Lock()
        self._sides = set()
        self._listener = None
        self.port = 0
        self.up()

    def inject(self, name, share=1.0, only=()):
        """This fault for a share of the calls, all or only of these kinds."""
        self.healed.clear()
        self._rules.append(Rule(name, FAULTS[name], share, only))

    def hold(self, *kinds):
        """A Hold of the next call of these kinds."""
        hold = Hold()
        self._rules.append(Rule("held", hold, 1.0, kinds))
        return hold

    def heal(self):
        self._rules = []
        self.healed.set()

    def down(self):
        """Refuse connections, and end those that are there."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            sides = list(self._sides)
        for side in sides:
            with contextlib.suppress(OSError):
                side.socket.shutdown(socket.SHUT_RDWR)

    def up(self):
        """Serve, without any fault."""
        self.heal()
        if not self._listener:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,),
                             daemon=True).start()

    def stop(self):
        self.heal()
        self.down()

    def _accept(self, listener):
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,),
                             daemon=True).start()

    def _serve(self, client):
        sides = []

        def add(connection):
            side = Side(connection)
            sides.append(side)
            with self._lock:
                self._sides.add(side)
            return side

        def connect():
            if len(sides) == 1:
                add(socket.create_connection(("127.0.0.1", self.target)))
            return sides[1]

        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            add(client)
            while True:
                call = Call(self, sides[0].head(), sides[0], connect)
                self._choose(call)(call)
        except (Gone, OSError):
            pass
        client.close()
        with self._lock:
            self._sides.difference_update(sides)
        for side in sides:
            side.close()

    def _choose(self, call):
        with self._lock:
            self.calls[call.kind] += 1
            for rule in self._rules:
                if rule.only and call.kind not in rule.only:
                    continue
                if self._dice.random() < rule.share:
                    self.injected[rule.name] += 1
                    return rule.fault
        return Call.relay
