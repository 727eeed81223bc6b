# SPDX-License-Identifier: Apache-2.0
"""Garbage collection of the file store."""

import time

from measure import Result


def make_expired(stack, count):
    """Rows and bytes of uploads that have expired."""
    stack.sql(f"""
        WITH o AS (
            INSERT INTO object (id, store, state, size)
            SELECT gen_random_uuid(), 'main', 'stored', 1
            FROM generate_series(1, {count})
            RETURNING id)
        INSERT INTO upload (id, service, owner, object, label, filename,
                            content_type, status, expires)
        SELECT gen_random_uuid(), 'staging', 'account:nobody', id, 'l', 'f',
               'text/plain', 'success', now() - interval '1 hour'
        FROM o""")
    stack.sql("ANALYZE object; ANALYZE upload")
    objects = stack.dir / "store" / "objects"
    for name in stack.sql("SELECT id FROM object").splitlines():
        folder = objects / name[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"-")
    return objects


def gc_100k(bench):
    stack = bench.stack
    count = bench.size(100_000, 1_000)
    objects = make_expired(stack, count)
    began = time.monotonic()
    stack.ctl("gc")
    seconds = time.monotonic() - began
    left = sum(1 for path in objects.rglob("*") if path.is_file())
    left += int(stack.sql("SELECT count(*) FROM object"))
    assert not left, f"{left} objects are left"
    yield Result("gc_100k", count, seconds, "s", count / seconds, 2000)
