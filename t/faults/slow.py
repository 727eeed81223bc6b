# SPDX-License-Identifier: Apache-2.0
"""An upload that takes its time."""

import contextlib
import hashlib
import http.client
import json
import os
import time

from crowd import Crowd
from load import KIB, Promise

PIECE, PAUSE = 16 * KIB, 0.2


class SlowUpload(Crowd):
    """While it is entered one upload after the other comes in, each over so
    many seconds; the last is brought to its end."""

    def __init__(self, node, bearer, seconds, path="/upload"):
        super().__init__()
        self.node = node
        self.path = path
        self.pieces = max(1, round(seconds / PAUSE))
        self.outcomes = []   # status or exception, the last one last
        self.promised = {}   # as of a Load
        self._bearer = bearer
        self._add(self._run)

    def __enter__(self):
        super().__enter__()
        self.node.server.wait(self.receiver)
        return self

    def receiver(self):
        """The process that the upload comes in at: {pid}, or nothing."""
        return {pid for pid, in self.node.server.sql(
            "SELECT node.pid FROM node JOIN object ON receiver = node.id "
            "JOIN upload ON object = object.id "
            "WHERE filename = 'slow.bin' AND status = 'pending'")}

    def _run(self):
        while not self._stop.is_set():
            try:
                self.outcomes.append(self._upload(os.urandom(PIECE)))
            except (OSError, http.client.HTTPException) as error:
                self.outcomes.append(error)
                self._stop.wait(PAUSE)

    def _upload(self, piece):
        server = self.node.server
        with server.connect(self.node.port, timeout=60) as connection:
            connection.request("POST", self.path + "?filename=slow.bin", {
                "Authorization": "Bearer " + self._bearer,
                "Content-Length": PIECE * self.pieces})
            with contextlib.suppress(ConnectionError):  # there is an answer
                for _ in range(self.pieces):
                    connection.send(piece)
                    time.sleep(PAUSE)
            answer = connection.response("POST")
        if answer.status == 202:
            self.promised[json.loads(answer.body)["id"]] = Promise(
                self.path, PIECE * self.pieces,
                hashlib.sha256(piece * self.pieces).hexdigest())
        return answer.status
