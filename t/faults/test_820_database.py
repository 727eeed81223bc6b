# SPDX-License-Identifier: Apache-2.0
"""The database restarts, hangs, refuses or forgets, under load. What was
acknowledged stays; until it is back clients are told to come again."""

import contextlib
import random
import re
import select
import shutil
import socket
import threading
import time

import psycopg2
import pytest
import requests

from running import standby

SOCKET = ".s.PGSQL.5432"
OURS = "application_name = 'mod_staging'"
LONGEST = 16  # seconds that a request may wait for the database, and a little
AT_ONCE = 4  # less than anybody waits for a connection
SOON = 10  # until all goes on, however slow this machine is

# Each statement that changes something.
CHANGES = """
node_renew upload_begin upload_received upload_failed upload_delete
object_discard gc_claim_objects gc_delete_objects
""".split()
CHANGES_OF_PARTS = """
object_parts_begun object_finish upload_finished job_claim
""".split()

# A node whose connections can be counted, and run out.
CHILDREN, DBD_MAX = 2, 3
FEW = f"""
StartServers {CHILDREN}
ServerLimit {CHILDREN}
ThreadsPerChild 32
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
DBDMax {DBD_MAX}
DBDKeep {DBD_MAX}
"""


def first_upload(server, key, node=None):
    """Seconds until an upload is acknowledged."""
    begun = time.monotonic()
    server.wait(lambda: requests.post(
        (node or server.node).url + "/upload?filename=first", data=b"first",
        headers={"Authorization": "Bearer " + key},
        timeout=30).status_code == 202, 60)
    return time.monotonic() - begun


def assert_told_to_come_again(load):
    """Every refusal says so in the API's own words; nothing else happened,
    and nobody waited for long."""
    for status, headers, text in load.refusals:
        assert status == 503, text
        assert int(headers["Retry-After"]) > 0
        assert headers["Content-Type"] == "application/json"
        assert '"detail"' in text and '"request_id"' in text
    assert load.slowest < LONGEST, load.slowest
    odd = {answer for _method, answer in load.answers} - {
        200, 202, 204, 503, "ConnectionError"}
    assert not odd, load.answers


@contextlib.contextmanager
def session(server, *statements):
    """A transaction of somebody else, as long as this lasts."""
    other = psycopg2.connect(server.dsn)
    try:
        with other.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield other
    finally:
        other.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_loses_nothing_and_is_over_in_seconds(server, load, key,
                                                        rounds, mode):
    with load() as loaded:
        for _ in range(rounds(3, 40)):
            time.sleep(random.uniform(0.3, 1.5))
            server.restart_database(mode)
            server.sql("SELECT 1")
            assert first_upload(server, key) < SOON
    assert_told_to_come_again(loaded)


def test_an_outage_is_answered_503_at_once(server, load, key, rounds):
    with load() as loaded:
        time.sleep(0.5)
        server.stop_database()
        time.sleep(1)
        begun = time.monotonic()
        answer = requests.get(server.url + "/upload", timeout=30, headers={
            "Authorization": "Bearer " + key})
        assert time.monotonic() - begun < AT_ONCE
        assert answer.status_code == 503
        time.sleep(rounds(2, 600))
        server.start_database()
        server.sql("SELECT 1")
        assert first_upload(server, key) < SOON
    assert_told_to_come_again(loaded)


def test_connections_that_are_cut_cost_one_answer_each(server, load, rounds):
    cut = 0
    with load() as loaded:
        for _ in range(rounds(12, 600)):
            time.sleep(random.uniform(0.1, 0.4))
            cut += len(server.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE {OURS} AND random() < 0.8"))
    assert cut
    assert_told_to_come_again(loaded)


def test_a_locked_table_is_busy_and_not_for_ever(server, load, key):
    with load() as loaded:
        time.sleep(0.5)
        with session(server, "LOCK TABLE upload IN ACCESS EXCLUSIVE MODE"):
            time.sleep(8)
        assert first_upload(server, key) < SOON
    assert ("POST", 503) in loaded.answers
    assert_told_to_come_again(loaded)


def test_a_locked_lease_stops_no_upload(server, load):
    with load(threads=2, sizes={1000: 1}) as loaded:
        with session(server, "SELECT FROM node FOR UPDATE"):
            time.sleep(6)
            before = loaded.count
            server.wait(lambda: loaded.count > before)
    assert not loaded.refusals


def test_a_standby_reads_and_refuses_to_stage(server, load, key):
    with load() as loaded:
        server.wait(lambda: loaded.count)
        with standby(server):
            server.wait(lambda: ("POST", 503) in loaded.answers)
            time.sleep(2)
        assert first_upload(server, key) < SOON
    assert ("GET", 200) in loaded.answers
    assert ("GET", 503) not in loaded.answers
    assert_told_to_come_again(loaded)


@pytest.fixture(name="few")
def node_with_few_connections(server):
    """They are those of a role of its own."""
    server.sql("DROP ROLE IF EXISTS few")
    server.sql("CREATE ROLE few LOGIN SUPERUSER")
    dsn = server.dsn.replace("user=staging", "user=few")
    with server.another_node(FEW + f'DBDParams "{dsn}"\n') as node:
        # the last is libpq's own, while it opens a connection
        node.log.allow("DB_DOWN|BUSY|database|dbd:error|AH006|"
                       "^WARNING:  terminating connection")
        yield node


def test_connections_that_are_all_in_use_are_busy(server, few, load, key):
    with load(nodes=[few], threads=20, sizes={10: 1}) as loaded:
        time.sleep(0.5)
        with session(server, "LOCK TABLE upload IN ACCESS EXCLUSIVE MODE"):
            time.sleep(6)
            assert requests.get(few.url + "/health",
                                timeout=AT_ONCE).status_code == 200
        assert first_upload(server, key, few) < SOON
    assert any("too busy" in text for _, _, text in loaded.refusals)
    assert_told_to_come_again(loaded)


def test_a_restart_is_met_by_no_herd(server, few, load, key):
    """Many clients, but at no moment more connections than DBDMax of each
    child, and not every client tries in vain to make one."""
    seen = []
    few.log.fresh()
    with load(nodes=[few], threads=30, sizes={10: 1}) as loaded, \
            counted_connections(server, seen):
        for mode in ("fast", "immediate"):
            server.restart_database(mode)
            assert first_upload(server, key, few) < SOON
        server.stop_database()
        time.sleep(2)
        server.start_database()
        assert first_upload(server, key, few) < SOON
    attempts = sum("connection to server" in line and "dbd:error" in line
                   for line in few.log.fresh())
    print(f"{attempts} vain attempts to connect")
    assert 0 < max(seen) <= CHILDREN * DBD_MAX
    assert attempts < len(loaded.refusals) / 5
    assert_told_to_come_again(loaded)


@contextlib.contextmanager
def counted_connections(server, seen):
    """Add to seen, again and again, how many the few have."""
    stop = threading.Event()

    def count():
        while not stop.wait(0.02):
            with contextlib.suppress(psycopg2.Error), \
                    contextlib.closing(psycopg2.connect(server.dsn)) as own:
                own.autocommit = True
                with own.cursor() as cursor:
                    while not stop.wait(0.02):
                        cursor.execute("SELECT count(*) FROM pg_stat_activity "
                                       "WHERE usename = 'few'")
                        seen.append(cursor.fetchone()[0])

    thread = threading.Thread(target=count)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_a_database_without_a_free_connection_is_down(server, load, key):
    """max_connections is reached, by others."""
    taken = []
    with load() as loaded, contextlib.ExitStack() as stack:
        time.sleep(0.5)
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                server.sql(f"SELECT pg_terminate_backend(pid) FROM "
                           f"pg_stat_activity WHERE {OURS}")
                for _ in range(20):
                    taken.append(stack.enter_context(session(server)))
        time.sleep(3)
        stack.close()
        assert first_upload(server, key) < SOON
    assert len(taken) > 100
    assert ("POST", 503) in loaded.answers
    assert_told_to_come_again(loaded)


# --- an answer that is lost ------------------------------------------------

class Listener:
    """A socket of PostgreSQL before the real one, which can be told to lose
    the next answer to one statement, and the connection with it."""

    def __init__(self, server):
        self.folder = server.dir / "listener"
        self.folder.mkdir()
        self.target = str(server.dir / "pg" / SOCKET)
        self.to_lose = None  # name of a prepared statement
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / SOCKET))
        self.listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.target)
                threading.Thread(target=self._relay, args=(client, server),
                                 daemon=True).start()

    def _relay(self, client, server):
        is_losing = False
        with client, server, contextlib.suppress(OSError):
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data or (source is server and is_losing):
                        return
                    if source is client:
                        is_losing = is_losing or self._is_to_lose(data)
                    (server if source is client else client).sendall(data)

    def _is_to_lose(self, data):
        """A Bind message: length, no portal's name, the statement's name."""
        found = self.to_lose and re.match(
            rb"B....\0stg_%s\0" % self.to_lose.encode(), data, re.S)
        if found:
            self.to_lose = None
        return bool(found)


@pytest.fixture(name="listener")
def listener_before_the_database(server):
    listener = Listener(server)
    yield listener
    listener.listener.close()
    shutil.rmtree(listener.folder)


def test_a_change_whose_answer_is_lost_is_taken_up_again(server, listener,
                                                         load, key):
    """Whatever the server wanted to change, it has been changed, and it
    does not know. Uploads are made to fail, too."""
    extra = f'DBDParams "host={listener.folder} dbname=staging user=staging"\n'
    wrong = {"Authorization": "Bearer " + key,
             "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    with server.another_node(extra) as node:
        node.log.allow("DB_DOWN|database|BUSY|NOT_FOUND")
        with load(nodes=[node], threads=4,
                  sizes={10: 20, 6 << 20: 1}) as loaded:
            for statement in CHANGES + (CHANGES_OF_PARTS if server.s3 else []):
                listener.to_lose = statement
                while listener.to_lose:
                    requests.post(node.url + "/upload?filename=wrong",
                                  data=b"wrong", headers=wrong, timeout=20)
        server.wait(lambda: not server.sql(
            "SELECT 1 FROM upload WHERE status = 'pending'"))
    assert_told_to_come_again(loaded)
