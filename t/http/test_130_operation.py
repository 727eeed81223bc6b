# SPDX-License-Identifier: Apache-2.0
"""What an administrator sees: health, readiness, metrics, status, logs, and
what configtest says."""

import re
import uuid

import pytest
import requests

import wire
from clients import Client

SAMPLE = re.compile(r'^([a-z_]+)(\{[^}]*\})? ([0-9.e+-]+|\+Inf|NaN)$')


def get(server, path, **headers):
    return requests.get(server.url + path, headers=headers, timeout=30)


def metrics(server):
    """{name with labels: value}, after a strict look at the format."""
    text = get(server, "/metrics").text
    assert text.endswith("\n")
    values, described = {}, {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert line.count(" ") >= 3
        elif line.startswith("# TYPE "):
            _hash, _type, name, kind = line.split(" ")
            assert name not in described
            described[name] = kind
        else:
            name, labels, value = SAMPLE.match(line).groups()
            base = re.sub("_(bucket|sum|count)$", "", name)
            assert name in described or described.get(base) == "histogram"
            assert (name, labels) not in values
            values[name, labels] = float(value)
    return {name + (labels or ""): value
            for (name, labels), value in values.items()}


def test_health_says_alive(server):
    response = get(server, "/health")
    assert (response.status_code, response.json()) == (200,
                                                       {"status": "alive"})


def test_ready_names_what_it_has_asked(server):
    body = get(server, "/ready").json()
    assert body["status"] == "ready"
    assert body["database"] == "ok"
    for store in ("main", *(("s3",) if server.s3 else ())):
        assert body["store " + store] == "ok"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_what_operates_answers_get_only(server, path):
    assert requests.head(server.url + path, timeout=20).status_code == 200
    assert requests.post(server.url + path, timeout=20).status_code == 405
    assert get(server, path + "/more").status_code == 404


def test_metrics_are_prometheus_text(server):
    assert get(server, "/metrics").headers["Content-Type"].startswith(
        "text/plain; version=0.0.4")
    assert metrics(server)


def test_metrics_count_what_happens(server, alice):
    before = metrics(server)
    alice.stage(b"x" * 1000)
    alice.post(b"x", headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    alice.list("?limit=1")
    after = {}

    def grown(name):
        return after.get(name, 0) - before.get(name, 0)

    def is_counted():
        """An answer is so behind its last byte."""
        after.update(metrics(server))
        return grown('staging_requests_total{api="uploads",status="2xx"}') >= 2

    server.wait(is_counted)
    assert grown('staging_uploads_total{result="success"}') == 1
    assert grown('staging_uploads_total{result="failure"}') == 1
    assert grown("staging_upload_bytes_total") == 1000
    assert grown("staging_upload_seconds_count") >= 1
    assert grown("staging_digest_seconds_count") >= 1
    assert grown('staging_requests_total{api="uploads",status="2xx"}') == 2
    assert grown('staging_requests_total{api="uploads",status="4xx"}') == 1
    assert any(grown(name) > 0 for name in after
               if name.startswith("staging_store_seconds_count"))


def test_metrics_show_what_is_in_flight(server, alice):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=flying.bin", {
            "Authorization": "Bearer " + alice.bearer, "Content-Length": 9})
        connection.send(b"half")
        server.wait(lambda: metrics(server)["staging_uploads_in_flight"] == 1)
        connection.send(b"whole")
        assert connection.response("POST").status == 202
    server.wait(lambda: metrics(server)["staging_uploads_in_flight"] == 0)


def test_garbage_collection_is_counted(server, alice):
    before = metrics(server)["staging_gc_removed_total"]
    alice.delete(alice.stage()["id"])
    server.wait(lambda: metrics(server)["staging_gc_removed_total"] > before)


def test_mod_status_has_a_section(server):
    page = get(server, "/server-status").text
    assert "<h2>Staging</h2>" in page
    assert "uploads arriving now: 0" in page
    text = get(server, "/server-status?auto").text
    assert re.search(r"^StagingInFlight: 0$", text, re.M)
    assert re.search(r"^StagingUploadBytes: \d+$", text, re.M)


# --- finding a request again -------------------------------------------------------

def test_every_answer_has_its_own_request_id(server, alice):
    first, second = (alice.request("GET").headers["X-Request-Id"]
                     for _ in range(2))
    assert first != second
    response = alice.get(str(uuid.uuid4()))
    assert response.json()["request_id"] == response.headers["X-Request-Id"]
    server.wait(lambda: response.headers["X-Request-Id"] in (
        server.logs / "access.log").read_text())


def test_the_error_log_names_the_request(server, alice):
    response = alice.get(str(uuid.uuid4()))
    request = response.json()["request_id"]
    line, = server.wait(lambda: [
        line for line in server.node.error_log.read_text().splitlines()
        if request in line])
    assert "NOT_FOUND" in line
    assert "[staging:debug]" in line


def test_a_client_cannot_choose_the_request_id(server, alice):
    response = alice.request("GET", headers={"X-Request-Id": "mine",
                                             "X-Unique-Id": "mine"})
    assert response.headers["X-Request-Id"] != "mine"


# --- what is down -------------------------------------------------------------------

@pytest.mark.usefixtures("database_down")
def test_without_a_database_everything_is_503_but_health(server, alice):
    assert get(server, "/health").status_code == 200
    ready = get(server, "/ready")
    assert ready.status_code == 503
    assert ready.json()["status"] == "not ready"
    assert ready.json()["database"] != "ok"
    assert "host=" not in ready.text
    assert ready.json()["store main"] == "ok"
    assert get(server, "/metrics").status_code == 200
    body, kind = wire.form(("file", b"x", "x"))
    for response in (alice.request("GET"), alice.get(str(uuid.uuid4())),
                     alice.request("POST", data=body,
                                   headers={"Content-Type": kind}),
                     Client(server, "/upload", server.token("x")).request(
                         "GET")):
        assert response.status_code == 503, response.text
        assert int(response.headers["Retry-After"]) > 0
        assert set(response.json()) == {"detail", "request_id"}
        assert str(server.dir) not in response.text


@pytest.fixture(name="database_frozen")
def with_frozen_database(server, alice):
    server.log.allow("DB_DOWN|database|mod_dbd|dbd:error|AH0062|AH0063")
    with server.frozen_database():
        yield
    # the lease of the node has to be renewed, too
    server.wait(lambda: alice.post(b"back").status_code == 202)
    server.log.fresh()


@pytest.mark.usefixtures("database_frozen")
def test_a_frozen_database_is_503_as_well(server, alice):
    """Neither a statement nor a new connection is waited for without end."""
    response = requests.get(server.url + "/upload", timeout=40, headers={
        "Authorization": "Bearer " + alice.bearer})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert get(server, "/ready").status_code == 503


def test_a_database_that_went_away_during_an_upload_costs_only_that(server,
                                                                    alice):
    alice.list("?limit=1")
    server.log.allow("DB_DOWN|database|mod_dbd|dbd:error|AH0062|AH0063")
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=torn.bin", {
            "Authorization": "Bearer " + alice.bearer, "Content-Length": 10})
        connection.send(b"12345")
        server.wait(lambda: alice.list("?status=pending"))
        server.stop_database()
        response = connection.send(b"67890").response("POST")
        server.start_database()
    assert response.status == 503
    server.wait(lambda: get(server, "/ready").status_code == 200)
    entry = server.wait(lambda: [
        e for e in alice.list("?limit=5") if e["filename"] == "torn.bin"])[0]
    assert entry["status"] in ("pending", "failure")
    # as soon as the node has its lease again
    server.wait(lambda: alice.post().status_code == 202)
    alice.delete(entry["id"])


def test_a_wrong_schema_is_503_and_one_clear_line(server, alice):
    (version,), = server.sql("SELECT max(version) FROM schema_version")
    server.sql("INSERT INTO schema_version (version, name) "
               "VALUES (%s, 'later')", version + 1)
    server.log.allow("schema")
    try:
        with server.another_node(is_ready=False) as node:
            node.log.allow("schema")
            assert requests.get(node.url + "/health",
                                timeout=20).status_code == 200
            for path in ("/ready", "/upload"):
                response = requests.get(node.url + path, timeout=20, headers={
                    "Authorization": "Bearer " + alice.bearer})
                assert response.status_code == 503, path
                assert int(response.headers["Retry-After"]) > 0
            lines = [line for line in node.error_log.read_text().splitlines()
                     if f"version {version + 1}" in line]
            assert lines
            server.sql("DELETE FROM schema_version WHERE version > %s",
                       version)
            server.wait(lambda: requests.get(
                node.url + "/ready", timeout=20).status_code == 200)
    finally:
        server.sql("DELETE FROM schema_version WHERE version > %s", version)


# --- configtest ------------------------------------------------------------------------

def uploads(*lines):
    return "\n".join(['<Location "/x">', "SetHandler staging-uploads",
                      *lines, "</Location>"])


@pytest.mark.parametrize("extra, sentence", [
    (uploads("StagingMaxUpload many"), "StagingMaxUpload wants a number"),
    (uploads("StagingMaxUpload -1"), "StagingMaxUpload wants a number"),
    (uploads("StagingRetention soon"), "StagingRetention wants a time"),
    (uploads("StagingDigests md5 crc32"), "wants one or more of md5, sha1"),
    (uploads("StagingQueryCredentials maybe"), "wants on or off"),
    (uploads("StagingUseStore other"), "no StagingStore has that name"),
    (uploads("StagingStore x file:///x"), "not allowed|cannot occur"),
    ('<Location ~ "/a.*">\nSetHandler staging-uploads\n</Location>',
     "plain path"),
    ("StagingStore second", "StagingStore|store"),
    ("StagingStore second ftp://x", "ftp|scheme|store"),
    ("StagingStore second file:///x colour=green", "colour"),
    ("StagingStore second s3://ab", "bucket"),
    ("StagingStore second s3://bucket access_key=only", "secret_key"),
    ("StagingStore main file:///elsewhere", "main"),
    ("StagingIssuer Bad name", "cannot name an issuer|has no option"),
    ("StagingIssuer other iss=https://x alg=none key=/x no-aud hd=y", "none"),
    ("StagingIssuer other iss=https://x alg=ES256 key=/nowhere/x.pem aud=y",
     "x.pem|cannot be read"),
    ("StagingIssuer other iss=https://x alg=ES256 aud=y", "key= or jwks="),
    ("StagingIAM https://second.example", "only once"),
    ("StagingTicketSecret plainly", "file:PATH"),
    ("StagingTicketSecret file:/nowhere/at/all", "cannot be read"),
    ("StagingJobThreads lots", "wants a number"),
    ("StagingGCInterval often", "wants a time"),
    ("StagingDrain 0", "wants off or a time"),
    ("StagingPartMemory nothing", "wants a number of bytes"),
], ids=lambda value: value[:60].replace("\n", " "))
def test_configtest_says_what_is_wrong(server, extra, sentence):
    status, said = server.node.test(server.conf_with(extra + "\n"))
    assert status != 0, said
    assert re.search(sentence, said), said


def test_a_wrong_line_with_a_secret_is_not_repeated(server):
    secret = server.secret("hunter2-the-secret-key")
    _status, said = server.node.test(server.conf_with(
        f"StagingStore second s3://bucket secret_key={secret}\n"))
    assert secret not in said


def test_configtest_is_silent_about_a_good_configuration(server):
    status, said = server.node.test(server.conf_with(""))
    assert status == 0
    assert said.endswith("Syntax OK\n")
    assert not re.search(":(warn|error|crit|emerg)]", said)


def test_the_iam_has_to_be_reached_safely(server):
    status, said = server.node.test(server.conf_with("").replace(
        "StagingIAM http://127.0.0.1", "StagingIAM http://iam.example"))
    assert status != 0
    assert "the IAM must be an https URL" in said


@pytest.mark.parametrize("change, sentence", [
    (("LimitRequestBody 0", ""), "LimitRequestBody"),
    (("RequestReadTimeout header=10 body=20,MinRate=500",
      "RequestReadTimeout header=10 body=20"), "MinRate"),
    (("SetHandler staging-uploads",
      "SetHandler staging-uploads\nStagingQuota 1G", 1),
     "StagingQuota of /upload and /resumable differs"),
    (("DBDMax 32", "DBDMax 4"), "DBDKeep 8 is more than DBDMax 4"),
    (("StagingGCInterval 2s", "DBDParams \"host=/nowhere dbname=none\""),
     "database"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_configtest_warns_of_what_will_hurt(server, change, sentence):
    text = server.conf_with("").replace(*change)
    status, said = server.node.test(text)
    assert status == 0, said
    assert re.search(sentence, said), said


def test_a_name_tells_what_was_probed_at_start(server):
    line = [line for line in server.node.error_log.read_text().splitlines()
            if "[staging:notice]" in line and "store main" in line][0]
    assert "writes, reads and removes" in line
