# SPDX-License-Identifier: Apache-2.0
"""One large form upload to radosgw, until it can be downloaded."""

import datetime
import hashlib
import hmac
import json
import os
import time
from urllib.parse import quote, urlencode, urlsplit

import requests

from bench_stack import missing
from cases.forms import make_file, upload
from measure import Readings, speed_of
from stack import StackError, run

ROUNDS = 3
POLL = 0.02


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def presigned_put(s3, name):
    """SigV4 in the query: curl's own signer would read the body first."""
    endpoint = s3["STAGING_S3_ENDPOINT"]
    path = quote(f"/{s3['STAGING_S3_BUCKET']}/{name}")
    now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
    scope = [now[:8], "default", "s3", "aws4_request"]
    query = urlencode({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "/".join([s3["STAGING_S3_ACCESS_KEY"], *scope]),
        "X-Amz-Date": now,
        "X-Amz-Expires": "3600",
        "X-Amz-SignedHeaders": "host"}, quote_via=quote, safe="")
    canonical = "\n".join(["PUT", path, query,
                           f"host:{urlsplit(endpoint).netloc}", "", "host",
                           "UNSIGNED-PAYLOAD"])
    text = "\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope),
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + s3["STAGING_S3_SECRET_KEY"].encode()
    for part in scope:
        key = sign(key, part)
    return f"{endpoint}{path}?{query}&X-Amz-Signature={sign(key, text).hex()}"


def put_with_curl(s3, path):
    run("curl", "-fsS", "-T", path, "-H", "Expect:",
        presigned_put(s3, "curl.bin"))


def copy_with_aws(s3, path):
    run("aws", "--endpoint-url", s3["STAGING_S3_ENDPOINT"], "s3", "cp",
        "--quiet", path, f"s3://{s3['STAGING_S3_BUCKET']}/aws.bin",
        env={**os.environ,
             "AWS_ACCESS_KEY_ID": s3["STAGING_S3_ACCESS_KEY"],
             "AWS_SECRET_ACCESS_KEY": s3["STAGING_S3_SECRET_KEY"],
             "AWS_DEFAULT_REGION": "default"})


def stage(stack, path):
    """Up to success: the answer comes before the parts are put together."""
    upload_id = json.loads(upload(stack, stack.url + "/s3", path))["id"]
    while True:
        answer = requests.get(f"{stack.url}/s3/{upload_id}",
                              headers=stack.auth, timeout=60).json()
        if answer["status"] != "pending":
            break
        time.sleep(POLL)
    if answer["status"] != "success":
        raise StackError(f"the upload failed: {answer}")


def remove(stack, path):
    """The store is in memory: nothing may stay. Peers' objects are written
    over by one byte."""
    byte = path.with_name("byte.bin")
    byte.write_bytes(b"-")
    for name in ("curl.bin", "aws.bin"):
        run("curl", "-fsS", "-T", byte, presigned_put(stack.s3, name))
    stack.forget_uploads()


def form_2g_s3(bench):
    stack = bench.stack
    path = make_file(bench)
    contestants = {
        "ours": lambda: speed_of(bench.large, stage, stack, path),
        "curl": lambda: speed_of(bench.large, put_with_curl, stack.s3, path)}
    if not missing("aws"):
        contestants["aws"] = lambda: speed_of(bench.large, copy_with_aws,
                                              stack.s3, path)
    readings = Readings.take(contestants, bench.rounds(ROUNDS),
                             lambda: remove(stack, path))
    yield readings.against("form_2g_s3/curl", "curl", .75)
    if "aws" in contestants:
        yield readings.against("form_2g_s3/aws", "aws", 1.2)
