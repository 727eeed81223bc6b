# SPDX-License-Identifier: Apache-2.0
"""What stands between a node and its store: names, certificates,
descriptors. Each comes back without a restart."""

import os
import resource

import pytest
import requests

from authority import Authority
from clients import Client
from load import MIB
from s3_proxy import S3Proxy
from test_810_store import connect_s3

LIMITS = "connect_timeout=2s timeout=5s stall_timeout=2s part_size=5M"


@pytest.fixture(name="gateway")
def port_of_the_gateway(server):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    return int(server.s3["STAGING_S3_ENDPOINT"].rsplit(":", 1)[1])


def store(server, name, endpoint, more=""):
    """A store of one node alone, with its location."""
    keys = (f"access_key={server.s3['STAGING_S3_ACCESS_KEY']} "
            f"secret_key={server.s3['STAGING_S3_SECRET_KEY']}")
    bucket = name if "virtual" in more else server.s3["STAGING_S3_BUCKET"]
    url = f"s3://{bucket}/{name}"
    return (f"StagingStore {name} {url} endpoint={endpoint} {keys} {LIMITS} "
            f"{more}\n<Location \"/{name}\">\n"
            f"SetHandler staging-uploads\nStagingUseStore {name}\n"
            "StagingStreamDownloads on\n</Location>\n")


def ready(node):
    answer = requests.get(node.url + "/ready", timeout=30)
    return answer.status_code, answer.json()


def fails_for(client, node, reason):
    """An upload fails, says so, and the log says why."""
    node.log.fresh()
    node.log.expect(reason)
    node.log.allow("STORE_DOWN|not ready")
    response = client.post(b"x" * 1000, "refused.bin")
    assert response.status_code in (502, 503), response.text
    entry = client.list("?limit=1")[0]
    assert entry["status"] == "failure" and entry["message"]
    code, body = ready(node)
    assert code == 503
    assert body["store " + client.path.strip("/")] != "ok"
    complaints = node.log.complaints()
    assert not complaints, "\n".join(complaints)


def works(server, client, node):
    # background work may have met the trouble until now
    node.log.allow("STORE_DOWN|not ready")
    server.wait(lambda: ready(node)[0] == 200, 10)
    for size in (1000, 6 * MIB):
        data = os.urandom(size)
        upload = client.settled(client.stage(data)["id"])
        assert upload["status"] == "success"
        assert client.data(
            upload["id"], allow_redirects=True).content == data


@pytest.fixture(name="tls")
def proxy_with_tls(gateway, tmp_path):
    authority = Authority(tmp_path, "ours")
    proxy = S3Proxy(gateway, authority.context())
    proxy.authority = authority
    yield proxy
    proxy.stop()


def present(proxy, context):
    """From now on this certificate, to those who are connected too."""
    proxy.context = context
    proxy.down()
    proxy.up()


def test_a_store_must_prove_who_it_is(server, key, tls, tmp_path):
    """With a certificate of a private authority, until it expires."""
    ours, other = tls.authority, Authority(tmp_path, "other")
    lines = store(server, "tls", f"https://localhost:{tls.port}",
                  f"ca={ours.path}")
    with server.another_node(lines) as node:
        client = Client(server, "/tls", key, node=node)
        works(server, client, node)
        for context, reason in (
                (other.context(), "unable to get local issuer certificate"),
                (ours.context(days=-1), "certificate has expired"),
                (ours.context("other.test"), "matches target host name")):
            present(tls, context)
            fails_for(client, node, reason)
            present(tls, ours.context())
            works(server, client, node)


def test_a_name_that_is_not_known_becomes_known(server, key, gateway,
                                                tmp_path, monkeypatch):
    """The gateway takes a host that it does not know for a bucket."""
    connect_s3(server).create_bucket(Bucket="named.test")
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    monkeypatch.setenv("LD_PRELOAD", "libnss_wrapper.so")
    monkeypatch.setenv("NSS_WRAPPER_HOSTS", str(hosts))
    lines = store(server, "named", f"http://test:{gateway}",
                  "addressing=virtual")
    with server.another_node(lines, is_ready=False) as node:
        monkeypatch.undo()
        client = Client(server, "/named", key, node=node)
        fails_for(client, node, "Could not resolve host: named.test")
        hosts.write_text("127.0.0.1 named.test\n")
        works(server, client, node)


def test_without_descriptors_an_upload_fails_with_a_reason(server, key,
                                                           gateway):
    assert gateway
    data = os.urandom(12 * MIB)
    with server.another_node() as node:
        node.log.allow("background work: .*Too many open files")
        client = Client(server, "/frail", key, node=node)
        server.wait(lambda: ready(node)[0] == 200)
        child, = node.children()
        limits = resource.prlimit(child, resource.RLIMIT_NOFILE)
        with server.connect(node.port) as connection:
            connection.request("POST", "/frail?filename=late.bin", {
                "Authorization": "Bearer " + key,
                "Content-Length": len(data)})
            connection.send(data[:1000])
            server.wait(lambda: client.list("?status=pending"))
            # nor shall it go on with a connection that it has
            server.proxy.down()
            server.proxy.up()
            resource.prlimit(child, resource.RLIMIT_NOFILE, (3, limits[1]))
            response = connection.send(data[1000:]).response("POST")
        resource.prlimit(child, resource.RLIMIT_NOFILE, limits)
        assert response.status == 502
        entry = client.list("?limit=1")[0]
        assert entry["status"] == "failure" and entry["message"]
        works(server, client, node)
        assert node.children() == {child}
