# SPDX-License-Identifier: Apache-2.0
"""One instance of everything: PostgreSQL, radosgw, the stand-in IAM, httpd."""

import base64
import contextlib
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import requests

import configuration
import tokens
import wire
from iam_standin import StandInIAM

TOP = Path(__file__).resolve().parents[2]
STACK = TOP / "t" / "stack"
HTTPD = shutil.which("apache2", path=os.environ["PATH"] + ":/usr/sbin") or \
    shutil.which("httpd", path=os.environ["PATH"] + ":/usr/sbin")

# A module with a sanitizer wants its library first: t/stack/sanitized.
HTTPD_ENV = {**os.environ, "LD_PRELOAD": os.environ.get("STAGING_PRELOAD", "")}

# As in "[time] [staging:error] [pid 1:tid 2] ..."
LOG_LINE = re.compile(r"^\[[^]]*\] \[[\w.-]*:(\w+)\] ")
# Tokens and keys that were cut off on their way into a log. Our statements
# have names like stg_upload_begin, without capitals and digits. Any letters
# may stand within the names of requests and of multipart uploads.
PARTS = r"(?:(?<![\w~-])|(?<=%[0-9A-Fa-f]{2}))" \
    r"(?:eyJ|stg_(?=[a-z_-]*[A-Z0-9]))[\w-]{12,}"
HEADER_SECRETS = re.compile(rb"\|(?:Authorization|Cookie):[^|\n]*", re.I)
STORE_LOG = "client.rgw.log"
QUIET_LEVELS = {"notice", "info", "debug"} | {f"trace{n}" for n in range(1, 9)}
LOG_TAIL = 1 << 20
LATE_LOOKS = 5


def grep(data, *options):
    """What matches. Logs are long and secrets are many: Python takes minutes
    for them."""
    done = subprocess.run(["grep", "-ao", *options], input=data, check=False,
                          stdout=subprocess.PIPE, env={"LC_ALL": "C"})
    assert done.returncode in (0, 1)
    return done.stdout.decode().splitlines()


def find_any(texts, data):
    """Those of these texts that are in there; each is one line."""
    assert all(text and text.isprintable() for text in texts)
    with tempfile.NamedTemporaryFile("w") as patterns:
        patterns.write("".join(text + "\n" for text in texts))
        patterns.flush()
        return sorted(set(grep(data, "-F", "-f", patterns.name)))


def leave_root():
    """All servers and the tests run as one unprivileged user."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.environ["HOME"] = "/nonexistent"


class StackError(Exception):
    """The instance does not work at all."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def build_folder(variable="STAGING_BUILD"):
    folder = os.environ.get(variable)
    if not folder:
        raise StackError(f"{variable} must name the build directory")
    return Path(folder).resolve()


def wanted_stores():
    stores = os.environ.get("STAGING_TEST_STORES", "file s3").split()
    if "s3" in stores and not shutil.which("radosgw"):
        raise StackError("radosgw is missing: install radosgw ceph-mon "
                         "ceph-osd, or set STAGING_TEST_STORES=file")
    return stores


def run(*command, **more):
    """Output of a command that has to succeed."""
    done = subprocess.run([str(word) for word in command], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, **more)
    if done.returncode:
        raise StackError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def run_stack(name, *arguments, logs):
    """A script of t/stack. Its servers live on and keep what they inherit,
    so output goes to files instead of pipes."""
    with tempfile.TemporaryFile("w+") as output, \
            open(logs / f"{name}.out", "a", encoding="utf-8") as errors:
        done = subprocess.run(
            [str(STACK / name), *(str(word) for word in arguments)],
            check=False, stdin=subprocess.DEVNULL, stdout=output,
            stderr=errors, env={**os.environ, "STAGING_LOGS": str(logs)})
        output.seek(0)
        if done.returncode:
            raise StackError(f"{name} {arguments}: "
                             + (logs / f"{name}.out").read_text())
        return output.read()


def assignments(text):
    """What the scripts of t/stack print: assignments of a shell."""
    return dict(word.split("=", 1) for word in shlex.split(text))


def is_serving(pid):
    """This process is alive, and one of ours."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return name in ("apache2", "httpd", "stagingctl") and state[0] != "Z"


class Log:
    """The error log, read on from where the last look ended."""

    def __init__(self, path):
        self.path = path
        self.position = 0
        self.expected = []
        self.allowed = []

    def fresh(self):
        if not self.path.exists():
            return []
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.position)
            lines = file.readlines()
            self.position = file.tell()
        return [line.rstrip("\n") for line in lines]

    def recent(self, count=30):
        """The last lines, however far anybody has read on; no debugging."""
        if not self.path.exists():
            return []
        with open(self.path, "rb") as file:
            file.seek(max(0, self.path.stat().st_size - LOG_TAIL))
            lines = file.read().decode(errors="replace").splitlines()
        return [line for line in lines
                if not (match := LOG_LINE.match(line)) or
                not match.group(1).startswith(("debug", "trace"))][-count:]

    def expect(self, pattern):
        """This test will make a line above notice that matches."""
        self.expected.append(re.compile(pattern))

    def allow(self, pattern):
        """This test may make such a line."""
        self.allowed.append(re.compile(pattern))

    def complaints(self):
        """What is wrong with the log since the last call: lines that nobody
        announced, and announced ones that did not come; and whatever
        sanitizers have found."""
        missing = list(self.expected)
        wrong = []
        end = time.monotonic() + 3
        while True:
            for line in self.fresh():
                matching = [p for p in self.expected if p.search(line)]
                missing = [p for p in missing if p not in matching]
                matching += [p for p in self.allowed if p.search(line)]
                if not matching and is_loud(line):
                    wrong.append(line)
            if not missing or time.monotonic() > end:
                break
            time.sleep(0.05)
        self.expected.clear()
        self.allowed.clear()
        return (wrong + [f"not in the log: {p.pattern}" for p in missing]
                + sanitizer_reports())


def sanitizer_reports():
    """What the sanitizers of the build have found so far."""
    folder = os.environ.get("STAGING_REPORTS")
    return [path.read_text(errors="replace")
            for path in sorted(Path(folder).iterdir())] if folder else []


def is_loud(line):
    """Above notice, or a child that crashed (which httpd calls a notice)."""
    match = LOG_LINE.match(line)
    if not match:
        return bool(line.strip())
    return match.group(1) not in QUIET_LEVELS or "exit signal" in line


def children_of(parent):
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return {int(pid) for pid in path.read_text().split()}


@contextlib.contextmanager
def frozen(parent):
    """A process and its children, whose ids this yields, stand still: the
    parent first, which so starts none meanwhile. A child that was about to
    end is gone once the parent goes on."""
    os.kill(parent, signal.SIGSTOP)
    pids = [parent, *children_of(parent)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class Node:
    """One httpd: its folder, ports and log."""

    def __init__(self, server, name):
        self.server = server
        self.dir = server.dir / name
        self.dir.mkdir()
        self.port, self.slow_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.conf = self.dir / "httpd.conf"
        self.error_log = server.logs / f"{name}-error.log"
        self.log = Log(self.error_log)

    def start(self, conf, is_ready=True):
        self.conf.write_text(conf)
        run_stack("httpd", "start", self.dir, self.port,
                  logs=self.server.logs)
        if is_ready:
            self.server.wait(lambda: requests.get(
                self.url + "/ready", timeout=5).status_code == 200)

    def stop(self):
        run_stack("httpd", "stop", self.dir, logs=self.server.logs)

    def graceful(self):
        run(HTTPD, "-f", self.conf, "-k", "graceful", env=HTTPD_ENV)

    def pid(self):
        return int((self.dir / "httpd.pid").read_text())

    def children(self):
        return children_of(self.pid())

    def pids(self):
        """The parent first, so that it starts no child anew."""
        return [self.pid(), *self.children()]

    def kill(self):
        """All its processes at once."""
        os.kill(self.pid(), signal.SIGSTOP)  # no child comes meanwhile
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.server.wait(lambda: not self.answers())
        # Its process may be nobody's, and a zombie for a while.
        (self.dir / "httpd.pid").unlink()

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def test(self, conf):
        """What configtest says of a configuration: (status, text)."""
        path = self.dir / "other.conf"
        path.write_text(conf)
        done = subprocess.run([HTTPD, "-t", "-f", str(path)], check=False,
                              capture_output=True, text=True, timeout=60,
                              env=HTTPD_ENV)
        return done.returncode, done.stderr


class Server:
    """A running instance and what tests ask of it."""

    def __init__(self, stores, proxy=wire.Proxy):
        self.stores = stores
        self.make_proxy = proxy  # of the store frail: called with a port
        self.dir = Path(tempfile.mkdtemp(prefix="stg-"))
        self.dir.chmod(0o755)
        self.logs = self.dir / "log"
        self.logs.mkdir()
        self.stores_conf = self.dir / "stores.conf"
        self.build = build_folder()
        self.node = Node(self, "httpd")
        self.node_count = 1
        self.port, self.slow_port = self.node.port, self.node.slow_port
        self.url = self.node.url
        self.log = self.node.log
        self.secrets = set()
        self.signatures = set()  # which the store itself may log
        self.accounts = {}
        self.iam = None
        self.s3 = None
        self.proxy = None
        self.running = []
        self._db = None

    # --- life -------------------------------------------------------------
    def start(self, lean=None):
        """Everything; with lean, httpd has a lean configuration that ends
        with this."""
        text = run_stack("postgres", "start", self.dir / "pg", "--no-sync",
                         logs=self.logs)
        self.dsn = assignments(text)["STAGING_DSN"]
        self.running.append(("postgres", self.dir / "pg"))
        self.let_database_log_all()
        if "s3" in self.stores:
            self.start_s3()
        self.iam = StandInIAM().start()
        self.issuer = tokens.Mint()
        self.write_files()
        self.ctl("migrate", "--sql", TOP / "sql")
        self.running.append(("httpd", self.node.dir))
        self.node.start(configuration.httpd(self, self.node) if lean is None
                        else self.conf_with(lean))

    def start_s3(self):
        port = free_port()
        text = run_stack("radosgw", "start", self.dir / "s3", port,
                         logs=self.logs)
        self.running.append(("radosgw", self.dir / "s3"))
        self.s3 = assignments(text)
        self.secrets.add(self.s3["STAGING_S3_SECRET_KEY"])
        self.proxy = self.make_proxy(port)

    def write_files(self):
        self.iam.mint.write_public_key(self.dir / "iam.pem")
        self.issuer.write_public_key(self.dir / "issuer.pem")
        secret = base64.b64encode(secrets.token_bytes(48)).decode()
        (self.dir / "ticket.secret").write_text(secret)
        self.secrets.add(secret)
        (self.dir / "passwords").write_text(
            "carol:" + run("openssl", "passwd", "-apr1", "secret-of-carol")
            + "dave:" + run("openssl", "passwd", "-apr1", "secret-of-dave"))
        self.secrets |= {"secret-of-carol", "secret-of-dave"}
        self.static = self.dir / "htdocs"
        self.static.mkdir()
        (self.static / "page.txt").write_text("a page\n")
        (self.dir / "file").mkdir()
        self.stores_conf.write_text(configuration.stores(self))

    def conf_with(self, extra):
        """A lean configuration that ends with this."""
        return configuration.lean_httpd(self, self.node, extra)

    @contextlib.contextmanager
    def another_node(self, extra="", is_ready=True, without=None):
        """One more httpd on the same database and stores; extra ends its
        configuration, which has no line with the directive without. Its log is
        looked at when it is stopped. The other nodes complain of the garbage in
        stores that only it knows."""
        self.log.allow("in the store .*, which is not configured")
        self.node_count += 1
        node = Node(self, f"node{self.node_count}")
        try:
            conf = configuration.lean_httpd(self, node, extra)
            if without:
                conf = re.sub(rf"(?m)^{without} .*$", "", conf)
            node.start(conf, is_ready)
            node.log.fresh()
            yield node
        finally:
            node.stop()
            self.forget_foreign_stores()
        complaints = node.log.complaints()
        assert not complaints, "\n".join(complaints)

    def forget_foreign_stores(self):
        known = re.findall(r"^StagingStore (\S+)",
                           self.stores_conf.read_text(), re.M)
        self.sql("DELETE FROM upload WHERE object IN (SELECT id FROM object "
                 "WHERE store <> ALL (%s))", known)
        self.sql("DELETE FROM object WHERE store <> ALL (%s)", known)

    def let_leases_of_the_dead_run_out(self):
        """As if a minute had passed since their processes died."""
        dead = [node for node, pid in self.sql("SELECT id, pid FROM node")
                if not is_serving(pid)]
        self.sql("UPDATE node SET expires = now() - interval '1 minute', "
                 "suspected = now() - interval '21 seconds' "
                 "WHERE id = ANY (%s::uuid[])", dead)

    def let_database_log_all(self):
        """More than anybody would in production: a secret that ever is in a
        statement or among its parameters is found in its log."""
        for setting in ("log_statement = 'all'",
                        "log_parameter_max_length = -1",
                        "log_parameter_max_length_on_error = -1"):
            self.sql("ALTER SYSTEM SET " + setting)
        self.sql("SELECT pg_reload_conf()")

    def stop_database(self):
        self.close_db()
        run_stack("postgres", "stop", self.dir / "pg", logs=self.logs)

    def start_database(self):
        run_stack("postgres", "start", self.dir / "pg", "--no-sync",
                  logs=self.logs)

    def frozen_database(self):
        self.close_db()
        pid_file = self.dir / "pg/data/postmaster.pid"
        return frozen(int(pid_file.read_text().split()[0]))

    def restart_database(self, mode):
        self.close_db()
        run_stack("postgres", "restart", self.dir / "pg", mode,
                  logs=self.logs)

    def stop(self):
        self.close_db()
        for name, folder in reversed(self.running):
            with contextlib.suppress(StackError):
                run_stack(name, "stop", folder, logs=self.logs)
        if self.iam:
            self.iam.stop()
        if self.proxy:
            self.proxy.stop()

    @staticmethod
    def wait(condition, seconds=60):
        """Until the condition holds; its last value. Looks a few times more
        when the time is over: the machine may have stood still."""
        end = time.monotonic() + seconds
        late = 0
        while late < LATE_LOOKS:
            with contextlib.suppress(requests.RequestException):
                if value := condition():
                    return value
            late += time.monotonic() > end
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} seconds")

    # --- administration ---------------------------------------------------
    def ctl(self, *words, check=True, stdin=""):
        done = subprocess.run(
            [str(self.build / "stagingctl"), "-c",
             str(self.stores_conf),
             *(str(word) for word in words)],
            check=False, capture_output=True, text=True, timeout=120,
            input=stdin)
        if check and done.returncode:
            raise StackError(f"stagingctl {words}: {done.returncode} "
                             f"{done.stdout}{done.stderr}")
        return done

    def key(self, account, *options):
        """A new key of an account, which is made when it is not there."""
        if account not in self.accounts:
            self.accounts[account] = self.ctl(
                "account", "add", account).stdout.strip()
        key = self.ctl("key", "add", account, *options).stdout.strip()
        self.secrets.add(key)
        return key

    def token(self, sub, **changes):
        """A token of the configured issuer "lab", whose tokens have an
        audience and may do everything."""
        claims = {"iss": "https://lab.example.org", "aud": "staging",
                  **changes}
        return self.secret(self.issuer.token(sub, **claims))

    def secret(self, text):
        """Remember what must never be in a log."""
        self.secrets.add(text)
        return text

    # --- database ---------------------------------------------------------
    def sql(self, statement, *values):
        if self._db is None or self._db.closed:
            self._db = psycopg2.connect(self.dsn)
            self._db.autocommit = True
        with self._db.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def close_db(self):
        if self._db:
            self._db.close()
            self._db = None

    def row(self, upload):
        """(status, message, object) of an upload, None if it is gone."""
        found = self.sql("SELECT status, message, object FROM upload "
                         "WHERE id = %s", upload)
        return found[0] if found else None

    def file_path(self, upload):
        """Where the file store keeps the bytes of an upload."""
        name = str(self.row(upload)[2])
        return self.dir / "file" / "objects" / name[:2] / name

    # --- wire -------------------------------------------------------------
    def connect(self, port=None, timeout=60):
        return wire.Connection(port or self.port, timeout)

    def curl(self, *arguments, **more):
        return subprocess.run(["curl", "-sS", "--max-time", "60",
                               *(str(word) for word in arguments)],
                              check=False, capture_output=True, timeout=90,
                              **more)

    def memory(self):
        """Resident memory of the children, in KiB. With a sanitizer, which
        keeps what is freed, 0: there its reports are what a test is for."""
        if os.environ.get("STAGING_REPORTS"):
            return 0
        return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(
            f"/proc/{child}/status").read_text()).group(1))
                   for child in self.node.children())

    def filled_logs(self):
        """Those that no run leaves empty: of httpd, the database, the store."""
        return [self.logs / "access.log", self.node.error_log,
                self.logs / "postgres.log",
                *([self.logs / STORE_LOG] if self.s3 else [])]

    def find_secrets(self, *secrets_):
        """(file, secret) of these, or of all secrets of the run and whatever
        looks like a part of one, in any file of logs."""
        for path in self.filled_logs():
            # where nothing is looked at, nothing is found
            assert path.exists() and path.stat().st_size, path
        found = []
        for path in sorted(self.logs.rglob("*")):
            if not path.is_file():
                continue
            data = path.read_bytes()
            looked_for = set(secrets_ or self.secrets)
            if path.name == "forensic.log":
                # which is there to hold every header
                data = HEADER_SECRETS.sub(b"", data)
            if path.name != STORE_LOG and not secrets_:
                looked_for |= self.signatures
            found += [(path.name, secret)
                      for secret in find_any(looked_for, data)]
            if not secrets_:
                found += [(path.name, part)
                          for part in grep(data, "-P", PARTS)]
        return found
