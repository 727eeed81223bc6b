# SPDX-License-Identifier: Apache-2.0
"""Clients that stage, retry, list and delete while things break, and
remember what they were promised."""

import collections
import contextlib
import http.client
import hashlib
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

import wire
from crowd import Crowd

KIB, MIB = 1 << 10, 1 << 20
# How often of each: whole objects, one part, several parts of five MiB.
SIZES = {10: 30, 4 * KIB: 30, 100 * KIB: 20, MIB: 10, 6 * MIB: 6,
         17 * MIB + 3: 4}
# Arguments of a Load where it matters that there is some, at any moment.
LIGHTLY = {"threads": 4, "pause": 0.15}
KEPT = 512 * MIB  # beyond it the oldest is looked at, and deleted
UNDECIDED = "still pending, or no answer"
Promise = collections.namedtuple("Promise", "path size sha256")


class Load(Crowd):
    """While it is entered, threads stage at random. Each tries an upload
    again until it is acknowledged, like a client that cares."""

    def __init__(self, server, bearer, paths=("/upload",), nodes=None, *,
                 threads=6, sizes=SIZES, pause=0.0, timeout=120):
        super().__init__()
        self.server = server
        self.paths = paths
        self.nodes = nodes or [server.node]
        self.sizes = list(sizes), list(sizes.values())
        self.pause = pause   # between two uploads of a thread, in seconds
        self.timeout = timeout
        self.promised = {}   # id -> Promise
        self.retired = 0     # bytes of those that were whole and deleted
        self.lost = []       # (id, why) of those that were not
        self.answers = collections.Counter()  # (method, status or exception)
        self.refusals = []   # (status, headers, text) beyond 399
        self.slowest = 0.0   # seconds to an answer, or to the end of one
        self._headers = {"Authorization": "Bearer " + bearer}
        self._blob = os.urandom(24 * MIB)
        self._lock = threading.Lock()
        for seed in range(threads):
            self._add(self._stage_on, seed)
        self._add(self._list_on)

    @property
    def count(self):
        """How many have been acknowledged."""
        return self.answers["POST", 202]

    def failures(self):
        """What did not end in 2xx."""
        return {what: count for what, count in self.answers.items()
                if what[1] not in (200, 202, 204)}

    @property
    def bytes(self):
        """What has been promised and not been deleted."""
        with self._lock:
            return sum(promise.size for promise in self.promised.values())

    # --- what the threads do ----------------------------------------------
    def _stage_on(self, seed):
        dice = random.Random(seed)
        while not self._stop.is_set():
            size = dice.choices(*self.sizes)[0]
            start = dice.randrange(len(self._blob) - size + 1)
            data = self._blob[start:start + size]
            path = dice.choice(self.paths)
            upload = None
            while upload is None and not self._stop.is_set():
                upload = self._stage(dice, path, data)
                if upload is None:
                    self._stop.wait(dice.uniform(0.05, 0.3))
            if upload and dice.random() < 0.1:
                self._delete(dice, upload)
            self._retire(dice)
            self._stop.wait(self.pause)

    def _stage(self, dice, path, data):
        """The id of what was acknowledged, else None."""
        headers, query, body = self._shape(dice, data)
        answer = self._ask(dice, "POST", path + query, data=body,
                           headers=headers)
        if answer is None or answer.status_code != 202:
            return None
        upload = answer.json()["id"]
        promise = Promise(path, len(data), hashlib.sha256(data).hexdigest())
        with self._lock:
            self.promised[upload] = promise
        return upload

    def _shape(self, dice, data):
        """(headers, query, body): form data, raw, or raw in chunks."""
        kind = dice.randrange(3)
        if kind == 0:
            body, form = wire.form(("file", data, "load.bin", None))
            return {"Content-Type": form}, "", body
        headers = {"Content-Type": "application/octet-stream"}
        if kind == 1:
            return headers, "?filename=load.bin", data
        chunks = (data[i:i + 65536] for i in range(0, len(data), 65536))
        return headers, "?filename=load.bin", chunks

    def _retire(self, dice):
        """Make room: what is deleted here was there until then."""
        while self.bytes > KEPT:
            with self._lock:
                upload = next(iter(self.promised))
                promise = self.promised.pop(upload)
            try:
                why = self._loss(upload, promise, time.monotonic() + 20)
            except RequestException:
                why = UNDECIDED
            if why == UNDECIDED:
                self.promised[upload] = promise
                return
            if why:
                self.lost.append((upload, why))
            self.retired += promise.size
            self._ask(dice, "DELETE", f"{promise.path}/{upload}")

    def _delete(self, dice, upload):
        with self._lock:
            promise = self.promised.pop(upload, None)
        if not promise:
            return
        if dice.random() < 0.5:
            self._ask(dice, "DELETE", f"{promise.path}/{upload}")
        else:
            self._ask(dice, "POST", f"{promise.path}/delete",
                      json={"ids": [upload]})

    def _list_on(self):
        dice = random.Random("list")
        while not self._stop.wait(0.1):
            self._ask(dice, "GET", dice.choice(self.paths) + "?limit=50" +
                      dice.choice(["", "&sort=filename", "&sort=-expires"]))

    def _ask(self, dice, method, target, headers=None, **more):
        url = dice.choice(self.nodes).url + target
        begun = time.monotonic()
        answer = None
        try:
            answer = requests.request(
                method, url, timeout=self.timeout, allow_redirects=False,
                headers={**self._headers, **(headers or {})}, **more)
            outcome = answer.status_code
        except (OSError, HTTPError, http.client.HTTPException) as error:
            # Of a body in chunks, requests passes on what others raise.
            outcome = type(error).__name__
        with self._lock:
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answers[method, outcome] += 1
            if answer is not None and outcome >= 400:
                self.refusals.append((outcome, answer.headers, answer.text))
        return answer

    # --- afterwards -------------------------------------------------------
    def losses(self, seconds=60):
        """What was promised and is not there, byte for byte: (id, why)."""
        def look(promised):
            why = self._loss(*promised, time.monotonic() + seconds)
            return promised[0], why
        with ThreadPoolExecutor(8) as pool:
            found = pool.map(look, self.promised.items())
            return self.lost + [(upload, why) for upload, why in found if why]

    def _loss(self, upload, promise, end):
        """Why this promise is broken, None if it is kept."""
        entry = self._entry(upload, promise, end)
        if entry is None:
            return UNDECIDED
        if entry.get("status") != "success":
            return str(entry)
        if (entry["size"], entry["sha256"]) != promise[1:]:
            return f"{entry} is not {promise}"
        return self._differs(upload, promise)

    def _entry(self, upload, promise, end):
        """What the server says of it, once that is final."""
        while time.monotonic() < end:
            with contextlib.suppress(RequestException):
                answer = requests.get(
                    f"{self.server.url}{promise.path}/{upload}",
                    headers=self._headers, timeout=20)
                if answer.status_code < 500:
                    entry = answer.json()
                    if entry.get("status") != "pending":
                        return entry
            time.sleep(0.2)
        return None

    def _differs(self, upload, promise):
        digest, left = hashlib.sha256(), promise.size
        with requests.get(f"{self.server.url}{promise.path}/{upload}/data",
                          headers=self._headers, timeout=60,
                          stream=True) as answer:
            if answer.status_code >= 500:
                raise RequestException(f"{answer.status_code} for the bytes")
            for block in answer.iter_content(MIB):
                digest.update(block)
                left -= len(block)
        if answer.ok and left > 0:
            raise RequestException(f"{left} bytes did not come")
        if digest.hexdigest() == promise.sha256:
            return None
        return f"{answer.status_code}: other bytes"
