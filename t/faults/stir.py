# SPDX-License-Identifier: Apache-2.0
"""Whatever happens besides uploads that succeed: each of these is done again
and again while a Stir is entered, and none of it is ever a promise."""

import contextlib
import os
import random
import subprocess
from http.client import HTTPException

import requests
from requests.exceptions import RequestException

from crowd import Crowd
from load import KIB, MIB
from resumable import Draft, Tus
from stack import StackError

# Locations for it, at the end of a configuration.
BRIEF = """
<Location "/brief">
    SetHandler staging-uploads
    StagingRetention 1s
</Location>
<Location "/resumable-brief">
    SetHandler staging-resumable
    StagingRetention 1s
    StagingUploadIdle 2s
</Location>
"""
WRONG = "sha-256=:" + "A" * 43 + "=:"


class Stir(Crowd):
    """Uploads that fail, expire and are deleted at once; processes that come
    and go; a store that is down now and then; jobs that cannot succeed."""

    def __init__(self, server, bearer, paths):
        super().__init__()
        brief = "/resumable-brief"
        self._tus = Tus(server, brief, bearer)
        self._draft = Draft(server, brief, bearer)
        self.server = server
        self.paths = paths
        self._headers = {"Authorization": "Bearer " + bearer,
                         "Content-Type": "application/octet-stream"}
        self._blob = os.urandom(6 * MIB)
        self._dice = random.Random("stir")
        deeds = [(self._refuse, 0.3), (self._cut, 0.3),
                 (self._expire, 0.5), (self._delete, 0.3),
                 (self._collect, 1), (self._work, 0.1),
                 (self._restart, 4), (self._bury, 1),
                 (self._lose_parts, 1), (self._refuse_resumable, 0.5),
                 (self._delete_resumable, 0.5), (self._concatenate, 0.5),
                 (self._lose_partials, 1)]
        if server.s3:
            deeds.append((self._let_store_fail, 1))
        for deed, pause in deeds:
            self._add(self._repeat, deed, pause)

    def _repeat(self, deed, pause):
        while not self._stop.is_set():
            with contextlib.suppress(RequestException, OSError, StackError,
                                     HTTPException, AssertionError):
                deed()
            self._stop.wait(self._dice.uniform(pause / 2, pause * 3 / 2))

    def _body(self):
        return self._blob[:self._dice.choice((KIB, 100 * KIB, 6 * MIB))]

    def _post(self, path, body, **headers):
        return requests.post(
            f"{self.server.url}{path}?filename=stir.bin", data=body,
            headers={**self._headers, **headers}, timeout=60)

    # --- uploads ------------------------------------------------------------
    def _refuse(self):
        self._post(self._dice.choice(self.paths), self._body(),
                   **{"Repr-Digest": WRONG})

    def _cut(self):
        """The client goes in mid-body, after a part or so."""
        path = self._dice.choice(self.paths)
        with self.server.connect() as connection:
            connection.request(
                "POST", path + "?filename=cut.bin",
                {**self._headers, "Content-Length": str(8 * MIB)},
                self._blob[:self._dice.choice((KIB, 6 * MIB))])
            connection.reset()

    def _expire(self):
        self._post("/brief", self._body())

    def _delete(self):
        """At once, while a job puts its parts together."""
        path = self._dice.choice(self.paths)
        answer = self._post(path, self._body())
        if answer.status_code == 202:
            requests.delete(
                f"{self.server.url}{path}/{answer.json()['id']}",
                headers=self._headers, timeout=60)

    # --- resumable uploads ------------------------------------------------
    def _refuse_resumable(self):
        """When it is whole, it is not what was announced."""
        upload = self._draft.create(KIB, headers={"Repr-Digest": WRONG})
        self._draft.patch(upload, 0, self._blob[:KIB], True)

    def _delete_resumable(self):
        upload = self._tus.create(8 * MIB, body=self._body())
        self._tus.delete(upload)

    def _concatenate(self):
        partials = []
        for body in (self._body(), self._body()):
            partials.append(self._tus.create(
                len(body), {"Upload-Concat": "partial"}, body))
        self._tus.post({"Upload-Concat": "final;" + " ".join(partials)})

    # --- processes ----------------------------------------------------------
    def _ctl(self, *words):
        return subprocess.Popen(
            [str(self.server.build / "stagingctl"), "-c",
             str(self.server.stores_conf), *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _collect(self):
        with self._ctl("gc") as process:
            self._end(process, 10)

    def _work(self):
        with self._ctl("worker") as process:
            self._end(process, self._dice.uniform(2, 6))

    def _end(self, process, seconds):
        """Let it run so long, then end it like an init does."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.terminate()

    def _restart(self):
        self.server.node.graceful()

    def _bury(self):
        self.server.let_leases_of_the_dead_run_out()

    # --- stores ---------------------------------------------------------------
    def _let_store_fail(self):
        """For a while, with something to remove and something to finish."""
        for _ in range(3):
            answer = self._post("/frail", self._blob)
            if answer.status_code == 202 and self._dice.random() < 0.5:
                requests.delete(
                    f"{self.server.url}/frail/{answer.json()['id']}",
                    headers=self._headers, timeout=60)
        self.server.proxy.down()
        self._stop.wait(3)
        self.server.proxy.up()

    def _lose_parts(self):
        """A job that finds nothing to put together, for the last time."""
        self.server.sql("""
            WITH lost AS (
                INSERT INTO object (id, store, state, size)
                VALUES (gen_random_uuid(), 'main', 'finishing', 1)
                RETURNING id)
            INSERT INTO job (kind, subject, attempts)
            SELECT 'upload_finish', id, 11 FROM lost""")

    def _lose_partials(self):
        """The same for what is to be made of partials."""
        self.server.sql("""
            WITH o AS (
                INSERT INTO object (id, store, state)
                VALUES (gen_random_uuid(), 'main', 'gathering')
                RETURNING id
            ), p AS (
                INSERT INTO part_upload (object, size, part_size, idle_seconds,
                                         lifetime_end, expires)
                SELECT id, 1, 5242880, 60, now() + interval '1 minute',
                       now() + interval '1 minute' FROM o
            ), r AS (
                INSERT INTO resumable (id, object, service, owner, created_in,
                                       concat, partials, algorithms)
                SELECT gen_random_uuid(), id, 'staging', 'nobody', 'tus',
                       'final', ARRAY[gen_random_uuid()], 'md5' FROM o
                RETURNING id)
            INSERT INTO job (kind, subject, attempts)
            SELECT 'resumable_concat', id, 11 FROM r""")
