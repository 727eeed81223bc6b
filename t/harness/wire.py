# SPDX-License-Identifier: Apache-2.0
"""Bytes on the wire: forms, hand-made requests, and a proxy that fails."""

import http.client
import io
import itertools
import select
import socket
import threading
import time


def form(*parts, boundary="----staging-test-boundary"):
    """A multipart/form-data body and its Content-Type. Each part is (name,
    bytes) or (name, bytes, filename) or (header lines as bytes, bytes)."""
    body = b""
    for part in parts:
        head = part[0]
        if isinstance(head, str):
            head = disposition(*part).encode("utf-8")
        body += b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head,
                                               part[1])
    return (body + b"--%s--\r\n" % boundary.encode(),
            f"multipart/form-data; boundary={boundary}")


def disposition(name, _data, filename=None, content_type=None):
    """The head of a part, written as browsers do (WHATWG Fetch)."""
    head = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        for sign, escape in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
            filename = filename.replace(sign, escape)
        head += f'; filename="{filename}"'
    if content_type:
        head += f"\r\nContent-Type: {content_type}"
    return head


class _Shared(io.BufferedIOBase):
    """The file of a connection, which outlives a response."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def makefile(self, *_unused):
        return self

    def readable(self):
        return True

    def read(self, *count):
        return self.file.read(*count)

    read1 = read

    def readinto(self, buffer):
        return self.file.readinto(buffer)

    def readline(self, *count):
        return self.file.readline(*count)

    def close(self):
        pass


class Response(http.client.HTTPResponse):
    """An answer with .interims: (status, headers) of those before it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.interims = []

    def _read_status(self):
        while True:
            line = super()._read_status()
            if line[1] >= 200:
                return line
            self.interims.append(
                (line[1], http.client.parse_headers(self.fp)))


class Connection:
    """A socket with which a test can do what no client library would."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def reset(self):
        """Go away without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               b"\1\0\0\0\0\0\0\0")
        self.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def request(self, method, target, headers=(), body=b""):
        """The head with a Host and these headers, then the body. A list is
        sent line by line."""
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
        for name, value in dict(headers).items():
            values = value if isinstance(value, list) else [value]
            lines += [f"{name}: {one}" for one in values]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return self.send(head.encode("latin-1") + body)

    def chunk(self, data):
        return self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def status_line(self):
        """The next line, of whatever answer, a 100 too."""
        return self.file.readline().decode("latin-1").strip()

    def interim(self):
        """The next answer, which is to be an interim one: (status,
        headers)."""
        status = int(self.status_line().split()[1])
        assert status < 200, status
        return status, http.client.parse_headers(self.file)

    def response(self, method="GET"):
        """The next final answer, with .body and .interims."""
        response = Response(_Shared(self.file), method=method)
        response.begin()
        response.body = response.read()
        return response

    def is_silent(self, seconds=0.5):
        """Nothing has come, and nothing does within this time."""
        return not select.select([self.socket], [], [], seconds)[0]

    def is_closed(self):
        """The server has ended the connection, and said nothing more."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


class Proxy:
    """A TCP relay to a port, or to several in turn, which can be told to
    fail."""

    def __init__(self, *targets):
        self.targets = itertools.cycle(targets)
        self.is_down = False
        self.bytes_left = None  # towards the target, before it fails
        self.bytes_per_second = None  # likewise, of each connection
        self.fails_for_good = False
        self._flow = threading.Event()
        self._flow.set()
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def down(self):
        """Refuse to serve, and end what is being served."""
        self.is_down = True
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def cut_after(self, count, for_good=True):
        """Go down when so many bytes have been passed on, or only lose the
        connection that was carrying them."""
        self.bytes_left = count
        self.fails_for_good = for_good

    def freeze(self):
        """Take connections and bytes, and pass nothing on."""
        self._flow.clear()

    def up(self):
        self.is_down = False
        self.bytes_left = None
        self._flow.set()

    def stop(self):
        self.down()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.is_down:
                client.close()
                continue
            try:
                server = socket.create_connection(
                    ("127.0.0.1", next(self.targets)))
            except OSError:  # which is what the client shall notice
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for way in (pair, pair[::-1]):
                threading.Thread(target=self._relay, args=(pair, *way),
                                 daemon=True).start()

    def _relay(self, pair, source, sink):
        try:
            while data := source.recv(65536):
                if source is pair[0] and not self._may_pass(len(data)):
                    break
                self._flow.wait()
                if source is pair[0] and self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
                sink.sendall(data)
        except OSError:
            pass
        self._end(pair)

    def _may_pass(self, count):
        if self.bytes_left is None:
            return True
        self.bytes_left -= count
        if self.bytes_left >= 0:
            return True
        self.bytes_left = None
        if self.fails_for_good:
            self.down()
        return False

    def _end(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for one in pair:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
