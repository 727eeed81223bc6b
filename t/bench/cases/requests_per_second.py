# SPDX-License-Identifier: Apache-2.0
"""Many small requests, by wrk."""

import os
import re

from bench_stack import BENCH
from measure import Readings
from stack import StackError, run

ROUNDS = 5
CONNECTIONS = 16


def rate(bench, url, *options):
    """Requests a second, all of them successful."""
    seconds = bench.seconds
    # Connections, caches and prepared statements are there before it counts.
    for duration in (1, seconds):
        text = run("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration}s",
                   *options, url,
                   env={**os.environ, "BENCH_KEY": bench.stack.key})
        if "Non-2xx" in text or "Socket errors" in text:
            raise StackError(f"{url}: {text}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])


def list_rate(bench, url, key=None):
    key = key or bench.stack.key
    return rate(bench, url, "-H", f"Authorization: Bearer {key}")


def fill(stack, owner, count):
    """Uploads of owner without bytes, a second apart."""
    stack.sql(f"""
        WITH o AS (
            INSERT INTO object (id, store, state, size, md5, sha1)
            SELECT gen_random_uuid(), 'none', 'stored', n,
                   md5(n::text), md5(n::text) || '00000000'
            FROM generate_series(1, {count}) n
            RETURNING id, size AS n)
        INSERT INTO upload (id, service, owner, object, label, filename,
                            content_type, status, created, expires)
        SELECT gen_random_uuid(), 'staging', '{owner}', id, 'label ' || n,
               'file-' || n || '.csv', 'text/csv', 'success',
               now() - n * interval '1 second', now() + interval '30 days'
        FROM o""")
    stack.sql("ANALYZE object; ANALYZE upload")


def empty(stack):
    stack.sql("TRUNCATE upload, upload_event, object")


def small_4k_durable(bench):
    stack = bench.stack
    peer = stack.start_fastapi(stack.dir / "peer")
    script = ("-s", BENCH / "form.lua")
    readings = Readings.take({
        "ours": lambda: rate(bench, stack.url + "/upload", *script),
        "fastapi": lambda: rate(bench, peer + "/upload", *script)},
        bench.rounds(ROUNDS), stack.forget_uploads)
    stack.stop_fastapi()
    yield readings.against("small_4k_durable/fastapi", "fastapi", 5,
                           unit="1/s")


def list_20(bench):
    stack = bench.stack
    fill(stack, stack.owner, bench.size(50_000, 1_000))
    peer = stack.start_fastapi(stack.dir / "peer")
    readings = Readings.take({
        "ours": lambda: list_rate(bench, stack.url + "/upload?limit=20"),
        "bare": lambda: list_rate(bench, stack.url + "/bare"),
        "fastapi": lambda: list_rate(bench, peer + "/upload?limit=20")},
        bench.rounds(ROUNDS))
    stack.stop_fastapi()
    empty(stack)
    yield readings.against("list_20/fastapi", "fastapi", 10, unit="1/s")
    yield readings.against("list_20/bare", "bare", .85, unit="1/s")


def list_1m_vs_1k(bench):
    """Two owners in one table. Within noise: a tenth."""
    stack = bench.stack
    stack.ctl("account", "add", "thousand")
    key = stack.ctl("key", "add", "thousand").strip()
    other = stack.sql("SELECT id FROM account WHERE name = 'thousand'")
    fill(stack, f"account:{other}", 1_000)
    fill(stack, stack.owner, bench.size(1_000_000, 10_000))
    url = stack.url + "/upload?limit=20"
    readings = Readings.take({
        "ours": lambda: list_rate(bench, url),
        "thousand": lambda: list_rate(bench, url, key)}, bench.rounds(ROUNDS))
    empty(stack)
    yield readings.against("list_1m_vs_1k", "thousand", .9, unit="1/s")
