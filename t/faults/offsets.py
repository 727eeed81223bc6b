# SPDX-License-Identifier: Apache-2.0
"""Clients of resumable uploads that are cut off, ask and go on while things
break, and remember every offset that they were told: no byte before it may
ever be asked for again."""

import hashlib
import http.client
import itertools
import random
import time
import uuid

from load import KIB, MIB, Load, Promise
from resumable import OCTETS, PARTIAL, Draft, Tus, checksum, name

# How often of each: empty, tails, one part, several parts of five MiB.
SIZES = {0: 1, 10: 10, 100 * KIB: 10, MIB: 10, 6 * MIB: 6, 17 * MIB + 3: 6}
PIECES = [1, 1000, 64 * KIB, MIB, 5 * MIB, 6 * MIB + 3]
FOREVER = 24 * MIB
# After the faults everything is to be brought to its end.
PATIENCE = 120
GONE = (400, 401, 403, 404, 410, 413, 415, 460)


class Broken(Exception):
    """A promise is."""


class Journey:
    """One upload on its way: what it is, and what was told of it."""

    def __init__(self, path, data, dice):
        self.path = path
        self.data = data
        self.is_deferred = dice.random() < 0.2
        self.key = uuid.uuid4()
        self.url = None
        self.told = 0            # the highest offset in any answer
        self.is_complete = False
        self.is_cut = False      # its last request was, by ourselves

    def hear(self, status, headers):
        """Nothing told may be less than what was told before."""
        text = headers.get("Upload-Offset")
        if text is None or not (status == 409 or status < 300):
            return
        offset = int(text)
        if not self.told <= offset <= len(self.data):
            raise Broken(f"{offset} of {len(self.data)} in a {status}, "
                         f"after {self.told}")
        self.told = offset


class Offsets(Load):
    """While it is entered, threads bring uploads to their end: each request by
    either dialect and to the next node, of random size, cut off at random. In
    the end those that are under way are completed. A few are begun, and
    forgotten."""

    def __init__(self, server, bearer, paths=("/resumable",), nodes=None, *,
                 sizes=SIZES, cuts=0.2, **more):
        self.cuts = cuts     # share of the requests that a client cuts off
        self.resumed = 0     # requests that went on behind the first byte
        self.progress = 0    # offsets told before an answer
        self.completed = 0
        self.bearer = bearer
        super().__init__(server, bearer, paths, nodes, sizes=sizes, **more)
        self._ports = itertools.cycle([node.port for node in self.nodes])

    @property
    def count(self):
        return self.completed

    # --- what the threads do ----------------------------------------------
    def _stage_on(self, seed):
        dice = random.Random(f"offsets {seed}")
        while not self._stop.is_set():
            size = dice.choices(*self.sizes)[0]
            start = dice.randrange(len(self._blob) - size + 1)
            journey = Journey(dice.choice(self.paths),
                              self._blob[start:start + size], dice)
            try:
                self._travel(dice, journey)
            except Broken as why:
                self.lost.append((journey.url, str(why)))
            self._retire(dice)
            self._stop.wait(self.pause)

    def _list_on(self):
        dice = random.Random("list")
        while not self._stop.wait(0.1):
            self._ask(dice, "GET", "/upload?limit=50")

    def _travel(self, dice, journey):
        while not self._create(dice, journey):
            if self._stop.is_set():
                return
            self._rest(dice)
        is_left = dice.random() < 0.05
        end = None
        while not journey.is_complete:
            if self._stop.is_set():
                end = end or time.monotonic() + PATIENCE
                if time.monotonic() > end:
                    raise Broken(f"not complete, at {journey.told} of "
                                 f"{len(journey.data)}")
            elif is_left and journey.told > len(journey.data) // 2:
                return
            # whoever was told an offset need not ask for it
            if dice.random() < 0.5 and not self._retrieve(dice, journey):
                self._rest(dice)
            elif not journey.is_complete and not self._append(dice, journey):
                self._rest(dice)
                self._retrieve(dice, journey)
        with self._lock:
            self.completed += 1
            self.promised[name(journey.url)] = Promise(
                "/upload", len(journey.data),
                hashlib.sha256(journey.data).hexdigest())

    def _rest(self, dice):
        time.sleep(dice.uniform(0.05, 0.3))

    # --- requests ---------------------------------------------------------
    def _caller(self, dice, path):
        """Somebody who speaks either, with the next node."""
        with self._lock:
            port = next(self._ports)
        kind = dice.choice((Tus, Draft))
        return kind(self.server, path, self.bearer).but(port=port)

    def _create(self, dice, journey):
        """Whether it is there. Who got no answer asks by the same key."""
        caller = self._caller(dice, journey.path)
        fields = {"Idempotency-Key": f'"{journey.key}"',
                  "Content-Length": 0}
        if not journey.is_deferred:
            fields["Upload-Length"] = len(journey.data)
        elif isinstance(caller, Tus):
            fields["Upload-Defer-Length"] = 1
        if isinstance(caller, Draft):
            fields["Upload-Complete"] = False
        answer = self._talk("POST", journey, lambda: caller.begin(
            "POST", journey.path, fields, self.timeout))
        if answer and answer[0] == 201:
            journey.url = answer[1]["Location"]
        return journey.url

    def _retrieve(self, dice, journey):
        """Whether an offset was told."""
        journey.is_cut = False
        caller = self._caller(dice, journey.path)
        answer = self._talk("HEAD", journey, lambda: caller.begin(
            "HEAD", journey.url, timeout=self.timeout))
        if answer is None:
            return False
        status, headers = answer
        if isinstance(caller, Tus):
            if status >= 500:
                # a client of tus would begin anew
                raise Broken(f"HEAD was answered {status}")
            journey.is_complete = status == 200 and headers.get(
                "Upload-Length") == headers["Upload-Offset"]
        else:
            journey.is_complete = headers.get("Upload-Complete") == "?1"
        return status < 300

    def _append(self, dice, journey):
        """Whether it was answered by success."""
        caller = self._caller(dice, journey.path)
        first, size = journey.told, len(journey.data)
        end = min(size, first + dice.choice([*PIECES, FOREVER]))
        body = journey.data[first:end]
        fields = {"Upload-Offset": first}
        is_last = end == size
        if isinstance(caller, Tus):
            fields |= OCTETS
            if is_last and journey.is_deferred:
                fields["Upload-Length"] = size
            if dice.random() < 0.2:
                fields["Upload-Checksum"] = checksum("sha256", body)
        else:
            # what has all bytes may still be incomplete
            is_last = is_last and (not body or dice.random() < 0.8)
            fields |= {**PARTIAL, "Upload-Complete": is_last}
        answer = self._talk("PATCH", journey, lambda: self._send(
            dice, caller, journey, fields, body))
        if answer is None:
            return False
        status, headers = answer
        if status < 300:
            self.resumed += first > 0
            self._end(caller, journey, headers, is_last)
        return status < 300

    @staticmethod
    def _end(caller, journey, headers, is_last):
        """What a success says of completeness."""
        if isinstance(caller, Draft):
            journey.is_complete = headers.get("Upload-Complete") == "?1"
            if is_last and not journey.is_complete:
                raise Broken("the last append left it incomplete")
        elif is_last and journey.told == len(journey.data):
            journey.is_complete = True

    def _send(self, dice, caller, journey, fields, body):
        """With a length or in chunks; at once, slowly, or only in part."""
        has_length = dice.random() < 0.7
        is_cut = body and dice.random() < self.cuts
        journey.is_cut = is_cut
        sent = body[:dice.randrange(len(body))] if is_cut else body
        # so slowly that offsets are told on the way, if parts are full
        pause = 1.2 if len(sent) > 5 * MIB and dice.random() < 0.3 else 0
        connection = caller.begin("PATCH", journey.url, {
            **fields, **({"Content-Length": len(body)} if has_length
                         else {"Transfer-Encoding": "chunked"})},
            self.timeout)
        step = max(64 * KIB, len(body) // 3 + 1)
        try:
            for first in range(0, len(sent), step):
                piece = sent[first:first + step]
                if has_length:
                    connection.send(piece)
                else:
                    connection.chunk(piece)
                time.sleep(pause)
            if is_cut:
                if dice.random() < 0.5:
                    connection.reset()
                    raise ConnectionAbortedError("cut off by ourselves")
                connection.socket.shutdown(1)
            elif not has_length:
                connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # there may be an answer
        return connection

    def _talk(self, method, journey, begin):
        """(status, headers) of the answer, None if there was none; whatever
        is told on the way to it counts."""
        begun = time.monotonic()
        answer = None
        try:
            with begin() as connection:
                answer = self._listen(connection, journey)
            outcome = answer[0]
        except (OSError, http.client.HTTPException, ValueError) as error:
            outcome = type(error).__name__
        with self._lock:
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answers[method, outcome] += 1
        if journey.url and outcome in GONE and not (
                outcome == 400 and journey.is_cut):
            raise Broken(f"{method} at {journey.told} was answered {outcome}: "
                         f"{answer[2]}")
        return answer and answer[:2]

    def _listen(self, connection, journey):
        """(status, headers, begin of the body)"""
        while True:
            words = connection.status_line().split()
            if len(words) < 2:
                raise ConnectionResetError("no answer")
            status = int(words[1])
            headers = http.client.parse_headers(connection.file)
            journey.hear(status, headers)
            if status >= 200:
                text = connection.file.read1(1000) if status >= 400 and \
                    headers.get("Content-Length", "0") != "0" else b""
                if status >= 400 and not journey.is_cut:
                    with self._lock:
                        self.refusals.append((status, headers, text.decode()))
                return status, headers, text
            with self._lock:
                self.progress += "Upload-Offset" in headers
