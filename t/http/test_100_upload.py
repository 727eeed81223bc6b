# SPDX-License-Identifier: Apache-2.0
"""POST: forms in every shape, raw bodies, every framing (spec/edi.md, 1)."""

import json
import time
from datetime import datetime, timezone
from urllib.parse import quote

import pytest
import requests

import wire
from clients import digests

MIB = 1 << 20
NAMES = [
    "data.csv",
    "Z\u00fcrich \u5c71\u7530 \U0001f30b.csv",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\boot.ini",
    "C:\\data\\x.csv",
    "a/b/c.csv",
    ".htaccess",
    "name with spaces .txt ",
    'quo"ted".csv',
    "semi;colon=x.csv",
    "percent%41%2F.csv",
    "line\nbreak\r\nX-Evil: 1",
    "bell\x07tab\t.csv",
    "right-to-left\u202egpj.exe",
    "\u00e9 or e\u0301",
    "x" * 255,
]


def test_an_upload_comes_back_unchanged_with_its_digests(stager):
    data = b"site,year\nA,2026\n" * 1000
    entry = stager.stage(data, "sites.csv", "Sites", content_type="text/csv")
    entry = stager.settled(entry["id"])
    assert entry["status"] == "success"
    assert {name: entry[name] for name in digests(data)} == digests(data)
    assert (entry["label"], entry["filename"], entry["size"]) == \
        ("Sites", "sites.csv", len(data))
    answer = stager.download(entry["id"])
    assert answer.status_code == 200
    assert answer.content == data
    assert answer.headers["Content-Type"] == "text/csv"


def test_the_answer_is_a_list_entry_and_names_its_place(alice):
    response = alice.post(label="Answer")
    assert response.status_code == 202
    assert response.headers["Content-Type"] == "application/json"
    entry = response.json()
    assert response.headers["Location"] == "/upload/" + entry["id"]
    assert alice.get(entry["id"]).json() == entry
    assert entry in alice.list()


def test_the_entry_has_the_promised_fields(alice):
    before = time.time()
    entry = alice.stage(label="Fields")
    assert set(entry) >= {"id", "label", "status", "sha1", "md5", "data_url",
                          "expires", "filename", "size", "content_type",
                          "created", "message"}
    assert entry["data_url"] == f"/upload/{entry['id']}/data"
    assert entry["message"] is None
    times = [datetime.strptime(entry[name], "%Y-%m-%dT%H:%M:%SZ")
             .replace(tzinfo=timezone.utc).timestamp()
             for name in ("created", "expires")]
    assert before - 2 <= times[0] <= time.time() + 2
    assert abs(times[1] - times[0] - 30 * 86400) <= 1


def test_the_label_may_come_before_the_file(stager):
    body, kind = wire.form(("label", b"First"), ("file", b"x", "x.txt"))
    response = stager.request("POST", data=body,
                              headers={"Content-Type": kind})
    assert response.status_code == 202
    assert response.json()["label"] == "First"


def test_without_a_label_the_file_name_is_the_label(alice):
    assert alice.stage(filename="sites.csv")["label"] == "sites.csv"
    assert alice.stage(filename="y" * 300)["label"] == "y" * 255


def test_labels_need_not_be_unique(alice):
    assert alice.stage(label="Twin")["id"] != alice.stage(label="Twin")["id"]


def test_unknown_parts_are_ignored(alice):
    body, kind = wire.form(("comment", b"x" * 100000), ("file", b"y", "y.txt"),
                           ("extra", b"z", "other.txt"), ("label", b"L"))
    response = alice.request("POST", data=body,
                             headers={"Content-Type": kind})
    assert response.status_code == 202, response.text
    assert (response.json()["label"], response.json()["size"]) == ("L", 1)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_file_name_comes_back_unchanged(alice, name):
    entry = alice.stage(b"named", name)
    assert entry["filename"] == name
    assert alice.get(entry["id"]).json()["filename"] == name
    assert alice.download(entry["id"]).content == b"named"


def test_file_names_in_the_form_of_rfc_8187_are_read(alice):
    head = (b"Content-Disposition: form-data; name=\"file\"; "
            b"filename=\"plain.csv\"; filename*=UTF-8''Z%C3%BCrich.csv")
    body, kind = wire.form((head, b"x"))
    response = alice.request("POST", data=body,
                             headers={"Content-Type": kind})
    assert response.json()["filename"] == "Z\u00fcrich.csv"


def test_an_empty_file_is_an_upload(stager):
    entry = stager.settled(stager.stage(b"", "empty.txt")["id"])
    assert (entry["status"], entry["size"]) == ("success", 0)
    assert {name: entry[name] for name in digests(b"")} == digests(b"")
    assert stager.download(entry["id"]).content == b""


@pytest.mark.parametrize("size", [5 * MIB - 1, 5 * MIB, 20 * MIB + 1])
def test_sizes_around_those_of_parts_arrive_whole(stager, size):
    block = bytes(range(256)) * 4099
    data = (block * (size // len(block) + 1))[:size]
    entry = stager.settled(stager.stage(data, "big.bin")["id"])
    assert entry["status"] == "success", entry
    assert {name: entry[name] for name in digests(data)} == digests(data)
    assert stager.download(entry["id"]).content == data


def test_data_that_looks_like_a_boundary_is_data(alice):
    data = b"\r\n------staging-test-boundar\r\n--\r\n----staging\r\n\r"
    entry = alice.stage(data)
    assert alice.download(entry["id"]).content == data


@pytest.mark.parametrize("step", [1, 2, 3, 7, 61])
def test_a_form_may_be_cut_anywhere(server, alice_key, alice, step):
    data = b"\r\n--nearly\r\n-\r--\n"
    body, kind = wire.form(("file", data, "cut.txt"), ("label", b"Cut"))
    with server.connect() as connection:
        connection.request("POST", "/upload", {
            "Authorization": "Bearer " + alice_key, "Content-Type": kind,
            "Transfer-Encoding": "chunked"})
        for start in range(0, len(body), step):
            connection.chunk(body[start:start + step])
        response = connection.send(b"0\r\n\r\n").response("POST")
    assert response.status == 202, response.body
    entry = json.loads(response.body)
    assert (entry["label"], entry["size"]) == ("Cut", len(data))
    assert alice.download(entry["id"]).content == data


def test_a_chunked_form_is_taken(stager):
    body, kind = wire.form(("file", b"x" * 300000, "c.bin"))
    pieces = (body[i:i + 4096] for i in range(0, len(body), 4096))
    response = stager.request("POST", data=pieces,
                              headers={"Content-Type": kind})
    assert response.status_code == 202
    assert stager.settled(response.json()["id"])["size"] == 300000


def test_expect_100_continue_is_honoured(server, alice_key):
    body, kind = wire.form(("file", b"x", "x.txt"))
    head = {"Authorization": "Bearer " + alice_key, "Content-Type": kind,
            "Content-Length": len(body), "Expect": "100-continue"}
    with server.connect() as connection:
        connection.request("POST", "/upload", head)
        assert connection.status_line() == "HTTP/1.1 100 Continue"
        assert connection.status_line() == ""
        assert connection.send(body).response("POST").status == 202


@pytest.mark.parametrize("path, change, status", [
    ("/upload", {"Authorization": "Bearer nonsense"}, 401),
    ("/upload", {"Authorization": None}, 401),
    ("/upload", {"Content-Type": "text/plain"}, 415),
    ("/small", {}, 413),
    ("/upload", {"Content-Length": 10 ** 15}, 413),
    ("/upload/nowhere", {}, 404),
])
def test_a_refusal_comes_before_the_body_is_asked_for(server, alice_key, path,
                                                      change, status):
    head = {"Authorization": "Bearer " + alice_key,
            "Content-Type": "multipart/form-data; boundary=b",
            "Content-Length": 1 << 30, "Expect": "100-continue", **change}
    head = {name: value for name, value in head.items() if value is not None}
    with server.connect() as connection:
        connection.request("POST", path, head)
        response = connection.response("POST")
        assert response.status == status
        assert "detail" in json.loads(response.body)
        assert connection.is_closed()


def test_http_2_uploads_and_downloads(server, alice_key, alice, tmp_path):
    file = tmp_path / "h2.bin"
    file.write_bytes(b"over HTTP/2 " * 100000)
    done = server.curl("--http2-prior-knowledge", "-w", "\n%{http_version}",
                       "-H", "Authorization: Bearer " + alice_key,
                       "-F", f"file=@{file}", "-F", "label=two",
                       server.url + "/upload")
    text, version = done.stdout.decode().rsplit("\n", 1)
    assert version == "2", done
    entry = json.loads(text)
    assert entry["label"] == "two"
    done = server.curl("--http2-prior-knowledge", alice.location(entry["id"]))
    assert done.stdout == file.read_bytes()


def test_http_2_refuses_before_the_body(server, tmp_path):
    """What was answered stands in the log: curl 7.88 drops an answer that
    overtakes its body, whatever module of httpd gave it."""
    file = tmp_path / "big.bin"
    with open(file, "wb") as sparse:
        sparse.truncate(1 << 30)
    done = server.curl("--http2-prior-knowledge", "-w", "\n%{size_upload}",
                       "-H", "Authorization: Bearer nonsense",
                       "-F", f"file=@{file}", server.url + "/upload?early=2")
    assert int(done.stdout.rsplit(b"\n", 1)[1]) < 1 << 20
    server.wait(lambda: "POST /upload?early=2 HTTP/2.0\" 401" in (
        server.logs / "access.log").read_text())


def test_a_broken_stream_of_http_2_fails_the_upload(server, alice, tmp_path):
    file = tmp_path / "slow.bin"
    file.write_bytes(b"x" * 3000000)
    server.curl("--http2-prior-knowledge", "--limit-rate", "500k",
                "--max-time", "1", "-H", "Authorization: Bearer "
                + alice.bearer, "-T", file,
                "-X", "POST", server.url + "/upload?filename=broken.bin")
    entry = server.wait(lambda: [
        e for e in alice.list("?status=failure&limit=3")
        if e["filename"] == "broken.bin"])[0]
    assert entry["message"]


def test_lengths_beyond_32_bits_are_understood(server, alice_key):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=huge.bin", {
            "Authorization": "Bearer " + alice_key,
            "Content-Length": (4 << 30) + 1, "Expect": "100-continue"})
        assert connection.status_line() == "HTTP/1.1 100 Continue"
        connection.reset()


def test_memory_does_not_grow_with_the_body(server, stager):
    def send(mebibytes):
        block = b"m" * MIB
        response = stager.request("POST", "?filename=long.bin", data=(
            block for _ in range(mebibytes)))
        assert response.status_code == 202
        return stager.settled(response.json()["id"])

    send(16)
    before = server.memory()
    entry = send(160)
    grown = server.memory() - before
    assert (entry["status"], entry["size"]) == ("success", 160 * MIB)
    # parts on their way to S3 are within StagingPartMemory
    assert grown < 32 * 1024, f"{grown} KiB"
    stager.delete(entry["id"])


def test_a_raw_body_may_name_itself_by_its_disposition(stager):
    response = stager.raw(b"raw", "r\u00e4w.bin".encode().decode("latin-1"),
                          {"Content-Type": "image/png"}, "?label=Raw+one")
    assert response.status_code == 202, response.text
    entry = stager.settled(response.json()["id"])
    assert (entry["filename"], entry["label"], entry["content_type"]) == \
        ("r\u00e4w.bin", "Raw one", "image/png")
    assert stager.download(entry["id"]).content == b"raw"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_raw_body_may_be_named_in_the_query(alice, name):
    response = alice.request("POST", "?filename=" + quote(name, safe=""),
                             data=b"raw")
    assert response.status_code == 202, response.text
    assert response.json()["filename"] == name
    assert response.json()["content_type"] == "application/octet-stream"


def test_a_raw_body_may_be_chunked(stager):
    response = stager.request("POST", "?filename=chunks.bin",
                              data=iter([b"a" * 100000, b"b"]))
    assert response.status_code == 202, response.text
    assert stager.settled(response.json()["id"])["size"] == 100001


@pytest.mark.parametrize("kind", [None, "text/csv", "multipart/mixed; "
                                  "boundary=x", "application/json"])
def test_a_body_without_a_name_is_415(alice, kind):
    response = alice.request("POST", data=b"x", headers={"Content-Type": kind})
    assert response.status_code == 415


def test_the_mount_may_be_anywhere_and_has_its_own_policy(server, alice_key):
    head = {"Host": "other.test", "Authorization": "Bearer " + alice_key}
    place = server.url + "/data/staging"
    body, kind = wire.form(("file", b"x", "x.txt"))
    response = requests.post(place, data=body, timeout=20,
                             headers={**head, "Content-Type": kind})
    assert response.status_code == 202, response.text
    entry = response.json()
    assert entry["data_url"] == f"/data/staging/{entry['id']}/data"
    assert response.headers["Location"] == "/data/staging/" + entry["id"]
    assert requests.get(place + "/" + entry["id"], headers=head,
                        timeout=20).status_code == 200
    big = requests.post(place, data=b"x" * 2001, timeout=20, headers={
        **head, "Content-Disposition": 'attachment; filename="x"'})
    assert big.status_code == 413
    # that location is of the other virtual host only
    assert requests.get(place, timeout=20).status_code == 404


def test_a_base_url_makes_links_absolute(alice):
    absolute = alice.at("/absolute")
    response = absolute.post()
    entry = response.json()
    base = "https://data.example.org/absolute/" + entry["id"]
    assert entry["data_url"] == base + "/data"
    assert response.headers["Location"] == base


def test_a_pending_upload_is_listed_while_it_arrives(server, alice_key, alice):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=slow.bin", {
            "Authorization": "Bearer " + alice_key, "Content-Length": 10})
        connection.send(b"12345")
        entry = server.wait(lambda: [
            entry for entry in alice.list("?limit=5&status=pending")
            if entry["filename"] == "slow.bin"])[0]
        assert (entry["md5"], entry["sha1"], entry["size"]) == \
            (None, None, None)
        assert alice.data(entry["id"]).status_code == 409
        assert connection.send(b"67890").response("POST").status == 202
    assert alice.get(entry["id"]).json()["status"] == "success"
