# SPDX-License-Identifier: Apache-2.0
"""What is measured: PostgreSQL that syncs, httpd with mod_staging and the
bare peer, the FastAPI peer, radosgw. All in one temporary folder."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from stack import (TOP, StackError, assignments, build_folder, free_port, run,
                   run_stack)

BENCH = Path(__file__).resolve().parent
HTTPD_CONF = """\
ServerRoot "{dir}"
ServerName localhost
DefaultRuntimeDir "{dir}"
PidFile "{dir}/httpd/httpd.pid"
ErrorLog "{logs}/error.log"
LogLevel warn
Listen 127.0.0.1:{port}
LoadModule mpm_event_module "{modules}/mod_mpm_event.so"
LoadModule authn_core_module "{modules}/mod_authn_core.so"
LoadModule authz_core_module "{modules}/mod_authz_core.so"
LoadModule authz_user_module "{modules}/mod_authz_user.so"
LoadModule reqtimeout_module "{modules}/mod_reqtimeout.so"
LoadModule dbd_module "{modules}/mod_dbd.so"
LoadModule staging_module "{module}"
LoadModule bare_list_module "{dir}/bare/.libs/mod_bare_list.so"
# One child, so that its memory is all there is.
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
LimitRequestBody 0
DBDriver pgsql
DBDMin 1
DBDKeep 16
DBDMax 32
Include "{dir}/stores.conf"
StagingGCInterval 0
<Directory />
    AllowOverride None
</Directory>
<Location "/">
    Require all granted
</Location>
<Location "/ready">
    SetHandler staging-ready
</Location>
<Location "/download">
    SetHandler staging-download
</Location>
<Location "/bare">
    SetHandler bare-list
</Location>
"""


LOCATION = """\
<Location "/{path}">
    SetHandler staging-{handler}
    AuthType Staging
    AuthName staging
    Require valid-user
    StagingDigests {digests}
    StagingUseStore {store}
</Location>
"""
PEER_TABLE = """\
CREATE TABLE IF NOT EXISTS peer_upload (
    id uuid PRIMARY KEY, owner text, label text, filename text,
    content_type text, status text, message text, created timestamptz,
    expires timestamptz, size bigint, md5 text, sha1 text, sha256 text)"""


def missing(*programs):
    """Those that are not installed."""
    path = os.environ["PATH"] + ":/usr/sbin"
    return [name for name in programs if not shutil.which(name, path=path)]


def wait_for(url):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise StackError(f"{url} does not answer")


class BenchStack:
    """Started piece by piece: a case asks for what it needs."""

    def __init__(self, parent):
        self.build = build_folder()
        self.dir = Path(tempfile.mkdtemp(prefix="stg-bench-", dir=parent))
        self.fast_dir = self.find_memory()
        self.logs = self.dir / "log"
        self.logs.mkdir()
        self.stops = []
        self.s3 = None
        self.fastapi = None
        self.url = None
        self.port = None

    def find_memory(self):
        """A folder in memory, so that the disk limits nobody."""
        if not os.access("/dev/shm", os.W_OK):
            raise StackError("/dev/shm is needed")
        return Path(tempfile.mkdtemp(prefix="stg-bench-", dir="/dev/shm"))

    def close(self):
        for stop in reversed(self.stops):
            stop()
        shutil.rmtree(self.fast_dir, ignore_errors=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def script(self, name, *arguments):
        return assignments(run_stack(name, *arguments, logs=self.logs))

    # --- servers ----------------------------------------------------------
    def start(self, with_s3):
        self.stops.append(
            lambda: self.script("postgres", "stop", self.dir / "pg"))
        made = self.script("postgres", "start", self.dir / "pg")
        self.dsn = made["STAGING_DSN"]
        if with_s3:
            self.start_s3()
        for folder in (self.dir / "store", self.fast_dir / "store",
                       self.dir / "peer", self.fast_dir / "peer"):
            folder.mkdir()
        self.write_stores()
        self.ctl("migrate", "--sql", TOP / "sql")
        self.ctl("account", "add", "bench")
        self.key = self.ctl("key", "add", "bench").strip()
        self.owner = "account:" + self.sql(
            "SELECT id FROM account WHERE name = 'bench'")
        self.auth = {"Authorization": f"Bearer {self.key}"}
        self.build_bare()
        self.start_httpd()
        self.stops.append(self.stop_httpd)

    def start_s3(self):
        self.stops.append(
            lambda: self.script("radosgw", "stop", self.dir / "s3"))
        self.s3 = self.script("radosgw", "start", self.dir / "s3",
                              free_port())

    def write_stores(self):
        secret = self.dir / "ticket.secret"
        secret.write_text(secrets.token_hex(32))
        lines = [f'DBDParams "{self.dsn}"',
                 f"StagingStore main file://{self.dir}/store",
                 f"StagingStore fast file://{self.fast_dir}/store",
                 f"StagingTempDir {self.dir}",
                 f"StagingTicketSecret file:{secret}"]
        if self.s3:
            lines.append(
                f"StagingStore s3 s3://{self.s3['STAGING_S3_BUCKET']}"
                f" endpoint={self.s3['STAGING_S3_ENDPOINT']} region=default"
                f" access_key={self.s3['STAGING_S3_ACCESS_KEY']}"
                f" secret_key={self.s3['STAGING_S3_SECRET_KEY']}")
        (self.dir / "stores.conf").write_text("\n".join(lines) + "\n")

    def build_bare(self):
        folder = self.dir / "bare"
        folder.mkdir()
        shutil.copy(BENCH / "peers" / "mod_bare_list.c", folder)
        run("apxs", "-c", "-Wc,-O2", "mod_bare_list.c", "-ljansson",
            "-lcrypto", cwd=folder)

    def start_httpd(self):
        folder = self.dir / "httpd"
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        conf = HTTPD_CONF.format(
            dir=self.dir, logs=self.logs, port=self.port,
            modules=run("apxs", "-q", "LIBEXECDIR").strip(),
            module=self.build / ".libs" / "mod_staging.so")
        for path, handler, digests, store in self.locations():
            conf += LOCATION.format(path=path, handler=handler,
                                    digests=digests, store=store)
        (folder / "httpd.conf").write_text(conf)
        self.script("httpd", "start", folder, self.port)
        wait_for(self.url + "/ready")

    def locations(self):
        three = "md5 sha1 sha256"
        yield "upload", "uploads", "md5 sha1", "main"
        yield "three", "uploads", three, "main"
        yield "fast", "uploads", "md5 sha1", "fast"
        yield "resumable", "resumable", three, "main"
        if self.s3:
            yield "s3", "uploads", "md5 sha1", "s3"
            yield "resumable-s3", "resumable", three, "s3"

    def stop_httpd(self):
        self.script("httpd", "stop", self.dir / "httpd")

    def restart_httpd(self):
        self.stop_httpd()
        self.start_httpd()

    def child(self):
        """The process that serves."""
        parent = (self.dir / "httpd" / "httpd.pid").read_text().strip()
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return int(children.split()[0])

    def start_fastapi(self, folder):
        """The peer keeps files in folder; a worker for each core."""
        self.stop_fastapi()
        self.sql(PEER_TABLE)
        port = free_port()
        with open(self.logs / "fastapi.log", "a", encoding="utf-8") as log:
            self.fastapi = subprocess.Popen(
                [sys.executable, "-B", "-m", "uvicorn", "fastapi_staging:app",
                 "--app-dir", str(BENCH / "peers"), "--port", str(port),
                 "--workers", str(os.cpu_count()), "--loop", "uvloop",
                 "--http", "httptools", "--no-access-log",
                 "--log-level", "warning"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PEER_DSN": self.dsn,
                     "PEER_DIR": str(folder), "TMPDIR": str(folder)})
        self.stops.append(self.stop_fastapi)
        url = f"http://127.0.0.1:{port}"
        wait_for(url + "/ready")
        return url

    def stop_fastapi(self):
        if self.fastapi:
            self.fastapi.terminate()
            self.fastapi.wait(20)
        self.fastapi = None

    # --- what cases ask for -----------------------------------------------
    def ctl(self, *arguments):
        return run(self.build / "stagingctl", "-c", self.dir / "stores.conf",
                   *arguments)

    def sql(self, text):
        return run("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1",
                   self.dsn, "-c", text).strip()

    def complaints(self):
        """The last lines of what servers have logged."""
        return "".join(
            f"--- {path.name}\n" + path.read_text(errors="replace")[-2000:]
            for path in sorted(self.logs.iterdir()) if path.stat().st_size)

    def forget_uploads(self):
        """Every upload goes, with its bytes."""
        self.sql("UPDATE upload SET expires = now()")
        self.ctl("gc")
        if self.s3:
            run("radosgw-admin", "-c", self.dir / "s3" / "ceph.conf", "-n",
                "client.rgw", "gc", "process", "--include-all")
        for folder in (self.dir / "peer", self.fast_dir / "peer"):
            for path in folder.iterdir():
                path.unlink()
