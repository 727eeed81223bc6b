# SPDX-License-Identifier: Apache-2.0
"""The scan for secrets that ends every file of tests finds them: planted into
the logs of an instance that is never started."""

import secrets
import shutil

import pytest

from stack import STORE_LOG, Server

# The logs that the scan insists on, with a line as each has it around a
# secret.
LINES = {
    "access.log": '127.0.0.1 - - [x] "GET /upload?key={} HTTP/1.1" 200 5\n',
    "httpd-error.log": "[x] [staging:info] [pid 1:tid 2] refused {}: no\n",
    "postgres.log": "LOG:  statement: SELECT 1\nDETAIL:  $1 = '{}'\n",
    STORE_LOG: '2026 beast: 127.0.0.1 - "PUT /b/k?X={} HTTP/1.1" 200 -\n',
}


@pytest.fixture(name="scratch")
def server_that_never_starts():
    server = Server(["file", "s3"])
    server.s3 = {"STAGING_S3_BUCKET": "none"}
    for name, line in LINES.items():
        (server.logs / name).write_text(line.format("stg_upload_begin_again"))
    yield server
    shutil.rmtree(server.dir)


def plant(server, name, text):
    with open(server.logs / name, "a", encoding="utf-8") as log:
        log.write(LINES[name].format(text))


def remembered(server):
    """A secret of each kind that tests tell the scan of."""
    yield server.secret("stg_" + secrets.token_urlsafe(24))
    yield server.secret("eyJ" + secrets.token_urlsafe(40))
    yield server.secret("secret-of-carol")
    yield server.secret(secrets.token_hex(32))  # a ticket's signature


def test_clean_logs_are_clean(scratch):
    list(remembered(scratch))
    assert scratch.find_secrets() == []


@pytest.mark.parametrize("name", LINES)
def test_every_kind_of_secret_is_found_in_every_log(scratch, name):
    for secret in list(remembered(scratch)):
        plant(scratch, name, secret)
        assert (name, secret) in scratch.find_secrets()
        assert scratch.find_secrets(secret) == [(name, secret)]


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("part", [
    "stg_AbCdEfGhIjKlMnOp", "eyJhbGciOiJFUzI1NiJ9"])
def test_what_looks_like_a_secret_is_found_though_nobody_told(scratch, name,
                                                              part):
    plant(scratch, name, part)
    assert scratch.find_secrets() == [(name, part)]
    plant(scratch, name, f"Bearer%20{part}")
    assert scratch.find_secrets() == 2 * [(name, part)]


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("chance", [
    "awH0eyJ9A5mbttSLJbvpyQAAAAQ", "2~eyJrQkNdOGkphX3Vp3sQtKTcGfP9d"])
def test_what_looks_like_a_secret_by_chance_is_none(scratch, name, chance):
    plant(scratch, name, chance)
    assert scratch.find_secrets() == []


@pytest.mark.parametrize("name", LINES)
def test_a_signature_of_the_store_is_found_but_in_its_own_log(scratch, name):
    signature = secrets.token_hex(32)
    scratch.signatures.add(signature)
    plant(scratch, name, signature)
    expected = [] if name == STORE_LOG else [(name, signature)]
    assert scratch.find_secrets() == expected


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("spoil", ["unlink", "write_text"])
def test_a_log_that_is_missing_or_empty_fails_the_scan(scratch, name, spoil):
    path = scratch.logs / name
    path.unlink()
    if spoil == "write_text":
        path.write_text("")
    with pytest.raises(AssertionError, match=name):
        scratch.find_secrets()
