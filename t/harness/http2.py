# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 over a bare socket, for clients that no library would be."""

import struct
from typing import NamedTuple

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hpack

import wire

HEADERS, RST_STREAM, CONTINUATION = 1, 3, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    """A frame by hand (RFC 9113, 4.1)."""
    return struct.pack("!I", len(payload))[1:] + struct.pack(
        "!BBI", kind, flags, stream) + payload


class Answer(NamedTuple):
    """Of one stream. Without a status the server gave up on the stream, or
    on the whole connection."""
    status: int
    body: bytes
    headers: dict

    def getheaders(self):
        return self.headers.items()


class Connection2:
    """h2c with prior knowledge. Headers go out as they are, right or not."""

    def __init__(self, port, bearer=None, timeout=60):
        self.bearer = bearer
        self.interims = []  # headers of answers before the last ones
        self.raw = wire.Connection(port, timeout)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            validate_outbound_headers=False,
            normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.raw.close()

    def flush(self):
        self.raw.send(self.h2.data_to_send())
        return self

    def head(self, method, path, more=()):
        headers = [(":method", method), (":scheme", "http"),
                   (":authority", "127.0.0.1"), (":path", path)]
        if self.bearer:
            headers.append(("authorization", "Bearer " + self.bearer))
        return headers + list(more)

    def begin(self, method, path, more=(), is_end=False):
        """Open a stream; its number."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, self.head(method, path, more),
                             end_stream=is_end)
        self.flush()
        return stream

    def data(self, stream, data, is_end=False):
        """Waits until the server has room for it."""
        while self.h2.local_flow_control_window(stream) < len(data):
            self.h2.receive_data(self.raw.socket.recv(65536))
        self.h2.send_data(stream, data, end_stream=is_end)
        return self.flush()

    def cancel(self, *streams):
        for stream in streams:
            self.h2.reset_stream(stream, error_code=8)
        return self.flush()

    def events(self):
        """What comes, until the connection ends."""
        while True:
            try:
                received = self.raw.socket.recv(65536)
                events = self.h2.receive_data(received)
            except (OSError, h2.exceptions.ProtocolError):
                return
            if not received:
                return
            yield from events
            self.flush()

    def answer(self, stream):
        headers, body = {}, b""
        for event in self.events():
            if isinstance(event, h2.events.ConnectionTerminated):
                break
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, h2.events.InformationalResponseReceived):
                self.interims.append(fields(event))
            elif isinstance(event, h2.events.ResponseReceived):
                headers = fields(event)
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamReset):
                break
            elif isinstance(event, h2.events.StreamEnded):
                return Answer(int(headers[":status"]), body, headers)
        return Answer(None, body, headers)

    def ask(self, method, path, more=(), data=None):
        """One whole request; its answer."""
        stream = self.begin(method, path, more, is_end=data is None)
        if data is not None:
            self.data(stream, data, is_end=True)
        return self.answer(stream)


def fields(event):
    return {name.decode(): value.decode() for name, value in event.headers}


def packed(headers):
    """A header block that no dynamic table is needed for."""
    return hpack.Encoder().encode(headers, huffman=False)
