# SPDX-License-Identifier: Apache-2.0
"""Keys of a store that come from a metadata service, and end."""

import contextlib
import time

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from load import Load
from metadata_standin import CONTAINER_TOKEN, ROLES, StandInMetadata
from stack import run
from test_810_store import SIZES

INSTANCE = [("PUT", "/latest/api/token"), ("GET", ROLES),
            ("GET", ROLES + "staging-role")]
CONTAINER = [("GET", "/container")]


@contextlib.contextmanager
def pair_of_keys(server, access, secret):
    """Of the user of the tests; nobody's in the end."""
    admin = ["radosgw-admin", "-c", server.dir / "s3" / "ceph.conf",
             "-n", "client.rgw", "key"]
    words = ["--uid=staging", "--key-type=s3", "--access-key=" + access]
    server.secrets.add(secret)
    run(*admin, "create", *words, "--secret-key=" + secret)
    try:
        yield access, secret
    finally:
        run(*admin, "rm", *words)


def is_accepted(server, keys):
    s3 = boto3.client("s3", endpoint_url=server.s3["STAGING_S3_ENDPOINT"],
                      aws_access_key_id=keys[0], aws_secret_access_key=keys[1],
                      region_name="us-east-1")
    with contextlib.suppress(ClientError):
        return bool(s3.list_buckets())
    return False


class Clock:
    """The time of the node that is started in .environment."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.advance(0)
        self.environment = {
            "LD_PRELOAD": run("faketime", "-f", "+0", "sh", "-c",
                              "echo $LD_PRELOAD").strip(),
            "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def advance(self, seconds):
        self.offset += seconds
        self.path.write_text(f"+{self.offset}\n")

    def now(self):
        return time.time() + self.offset


@pytest.mark.parametrize("source, exchange", [("instance", INSTANCE),
                                              ("container", CONTAINER)])
def test_keys_are_renewed_before_they_end_and_under_load(
        source, exchange, server, key, tmp_path, monkeypatch):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    clock = Clock(tmp_path / "clock")
    store = (f"StagingStore leased s3://{server.s3['STAGING_S3_BUCKET']}/leased"
             f" endpoint={server.s3['STAGING_S3_ENDPOINT']} part_size=5M "
             f"credentials={source}\n<Location \"/leased\">\n"
             "SetHandler staging-uploads\nStagingUseStore leased\n"
             "</Location>\n")
    with contextlib.ExitStack() as stack:
        metadata = stack.enter_context(StandInMetadata())
        new = stack.enter_context(pair_of_keys(server, "NEW", "new-secret"))
        with pair_of_keys(server, "OLD", "old-secret") as old:
            metadata.keys, metadata.expires = old, clock.now() + 3600
            metadata.is_down = True
            with monkeypatch.context() as environment:
                for name, value in {
                        **clock.environment,
                        "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url,
                        "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                            metadata.url + "/container",
                        "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN,
                        }.items():
                    environment.setenv(name, value)
                node = stack.enter_context(
                    server.another_node(store, is_ready=False))
            node.log.allow("keys cannot be read|metadata service")
            answer = requests.get(node.url + "/ready", timeout=30)
            assert answer.status_code == 503
            assert answer.json()["store leased"] == (
                "the store's keys cannot be read")
            metadata.is_down = False
            server.wait(lambda: requests.get(
                node.url + "/ready", timeout=30).status_code == 200)
            good = [call for *call, status in metadata.requests
                    if status == 200]
            assert [tuple(call) for call in good] == exchange

            load = stack.enter_context(Load(
                server, key, paths=["/leased"], nodes=[node], sizes=SIZES))
            more_uploads(server, load)
            metadata.is_down = True
            node.log.allow("keys were not refreshed")
            clock.advance(3000)  # ten minutes before their end
            server.wait(lambda: metadata.requests[-1][2] == 503)
            more_uploads(server, load)
            metadata.is_down = False
            metadata.keys, metadata.expires = new, clock.now() + 7200
            clock.advance(150)  # it asks every two minutes
            server.wait(lambda: metadata.requests[-1][2] == 200)
            more_uploads(server, load)
        assert not is_accepted(server, old)
        more_uploads(server, load)
        # httpd itself takes a leap of its clock for a slow client
        assert not [why for why in load.refusals if why[0] != 408]
        assert len(metadata.requests) < 30


def more_uploads(server, load):
    count = load.count
    server.wait(lambda: load.count > count + 8)
