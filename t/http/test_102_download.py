# SPDX-License-Identifier: Apache-2.0
"""Downloads: redirects, signed URLs, ranges, conditions, digests."""

import base64
import time
import uuid
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
import requests

from clients import digests

DATA = bytes(range(256)) * 40
ID = "11111111-2222-4333-8444-555555555555"


def repr_digest(data):
    sha256 = bytes.fromhex(digests(data)["sha256"])
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


@pytest.fixture(name="entry")
def staged(stager):
    return stager.settled(stager.stage(DATA, "d\u00e4ta.bin", content_type=(
        "image/png"))["id"])


@pytest.fixture(name="signed")
def signed_url(alice):
    """A signed URL of the file store."""
    return alice.location(alice.stage(DATA, "data.bin")["id"])


def fetch(url, method="GET", **headers):
    return requests.request(method, url, headers=headers, timeout=30,
                            allow_redirects=False)


def test_data_is_a_redirect_that_nobody_stores(stager, entry):
    response = stager.data(entry["id"])
    assert response.status_code == 302
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.content == b""
    assert stager.bearer not in response.headers["Location"]


def test_the_redirect_holds_no_credential_of_the_query(server, alice):
    entry = alice.stage()
    response = requests.get(
        f"{server.url}/upload/{entry['id']}/data", params={
            "key": alice.bearer}, timeout=20, allow_redirects=False)
    assert response.status_code == 302
    assert alice.bearer not in response.headers["Location"]
    assert "key=" not in response.headers["Location"]
    alice.location(entry["id"])
    server.secret(parse_qs(urlsplit(response.headers["Location"]).query)[
        "signature"][0])


def test_the_redirect_stays_on_the_scheme_and_leads_to_the_bytes(stager,
                                                                 entry):
    assert stager.location(entry["id"]).startswith("http://")
    response = stager.download(entry["id"])
    assert response.status_code == 200
    assert response.content == DATA
    assert response.headers["Content-Type"] == "image/png"


def test_head_and_get_are_signed_for_their_own_method(stager, entry):
    get, head = (stager.location(entry["id"], m) for m in ("GET", "HEAD"))
    assert fetch(get).status_code == 200
    response = fetch(head, "HEAD")
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(DATA))
    assert response.headers["Content-Type"] == "image/png"
    assert fetch(get, "HEAD").status_code == 403
    assert fetch(head, "GET").status_code == 403


def test_the_name_goes_out_as_an_attachment(stager, entry):
    value = stager.download(entry["id"]).headers["Content-Disposition"]
    assert value.startswith("attachment;")
    assert "filename*=UTF-8''d%C3%A4ta.bin" in value


@pytest.mark.parametrize("name", [
    'a"; filename="evil.html', "line\r\nSet-Cookie: a=b", "back\\slash",
    "\u5c71\u202egpj.exe", "percent%41.csv", "tab\tbell\x07"], ids=ascii)
def test_no_file_name_can_break_out_of_its_header(stager, name):
    entry = stager.settled(stager.stage(b"x", name)["id"])
    response = stager.download(entry["id"])
    assert response.status_code == 200
    value = response.headers["Content-Disposition"]
    assert "Set-Cookie" not in response.headers
    assert not any(ord(sign) < 32 for sign in value)
    assert value.startswith("attachment")
    assert unquote(value.rsplit("filename*=UTF-8''", 1)[1]) == name


@pytest.mark.parametrize("kind", [
    "text/html", "application/x-httpd-php", "text/html; charset=utf-8",
    "server-status", "httpd/unix-directory", "message/http",
    "image/svg+xml"])
def test_a_browser_is_kept_from_running_what_was_uploaded(alice, kind):
    entry = alice.stage(b"<script>alert(1)</script>", "x.html",
                        content_type=kind)
    response = alice.download(entry["id"])
    assert response.content == b"<script>alert(1)</script>"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_ranges_are_served(stager, entry):
    url = stager.location(entry["id"])
    for value, part in (("bytes=0-99", DATA[:100]), ("bytes=-10", DATA[-10:]),
                        ("bytes=10000-", DATA[10000:])):
        response = fetch(url, Range=value)
        assert (response.status_code, response.content) == (206, part)
    assert fetch(url, Range="bytes=999999-").status_code == 416


def test_several_ranges_are_served(signed):
    response = fetch(signed, Range="bytes=0-9,20-29")
    assert response.status_code == 206
    assert response.headers["Content-Type"].startswith("multipart/byteranges")
    assert DATA[20:30] in response.content


def test_conditions_are_honoured(stager, entry):
    url = stager.location(entry["id"])
    etag = fetch(url).headers["ETag"]
    assert fetch(url, **{"If-None-Match": etag}).status_code == 304
    assert fetch(url, **{"If-None-Match": '"other"'}).status_code == 200
    assert fetch(url, **{"If-Match": '"other"'}).status_code == 412
    ranged = fetch(url, Range="bytes=0-9", **{"If-Range": etag})
    assert ranged.status_code == 206


def test_if_range_with_another_etag_gives_the_whole(signed):
    response = fetch(signed, Range="bytes=0-9", **{"If-Range": '"other"'})
    assert (response.status_code, response.content) == (200, DATA)


def test_the_file_store_sends_the_digest(signed):
    assert fetch(signed).headers["Repr-Digest"] == repr_digest(DATA)
    part = fetch(signed, Range="bytes=0-9")
    assert part.headers["Repr-Digest"] == repr_digest(DATA)


def test_a_downloads_etag_is_its_own(alice):
    first, second = (fetch(alice.location(alice.stage(DATA)["id"]))
                     for _ in range(2))
    assert first.headers["ETag"] != second.headers["ETag"]


def changed(url, **values):
    """The signed URL with one of its parameters changed."""
    parts = urlsplit(url)
    query = {name: value[0] for name, value in parse_qs(parts.query).items()}
    query.update(values)
    return parts._replace(query="&".join(
        f"{name}={quote(value, safe='')}" for name, value in query.items()
        if value is not None)).geturl()


@pytest.mark.parametrize("change", [
    {"expires": "99999999998"}, {"type": "text/html"}, {"name": "x.html"},
    {"store": "other"}, {"signature": "AAAA"}, {"signature": ""},
    {"signature": None}, {"expires": None}, {"name": None}, {"store": None},
    {"digest": "0" * 64}, {"digest": None}, {"expires": "-1"},
    {"expires": "99999999999999999999"}], ids=str)
def test_a_forged_ticket_is_403(signed, change):
    assert fetch(signed).status_code == 200
    response = fetch(changed(signed, **change))
    assert response.status_code == 403
    assert "detail" in response.json()


def test_a_ticket_is_for_its_object_only(alice, signed):
    other = alice.location(alice.stage(b"other")["id"])
    name = urlsplit(other).path.rsplit("/", 1)[1]
    mine = urlsplit(signed).path.rsplit("/", 1)[1]
    assert fetch(signed.replace(mine, name)).status_code == 403
    assert fetch(signed.replace(mine, str(uuid.uuid4()))).status_code == 403


def test_a_ticket_twice_given_is_no_ticket(signed):
    assert fetch(signed + "&expires=99999999998").status_code in (400, 403)
    assert fetch(signed + "&signature=AAAA").status_code in (400, 403)


def end_of(url):
    """Of a ticket, in seconds since 1970."""
    return int(parse_qs(urlsplit(url).query)["expires"][0])


def test_an_expired_ticket_is_403(alice):
    quick = alice.at("/quick")
    url = quick.location(quick.stage(DATA)["id"])
    assert fetch(url).status_code == 200
    time.sleep(max(0, end_of(url) - time.time()))
    response = fetch(url)
    assert response.status_code == 403
    assert "expired" in response.json()["detail"]


def test_a_ticket_never_outlives_its_upload(server, alice):
    short = alice.at("/short")
    entry = short.stage(DATA)
    url = short.location(entry["id"])
    (end,), = server.sql("SELECT extract(epoch FROM expires) FROM upload "
                         "WHERE id = %s", entry["id"])
    assert end - 1 <= end_of(url) <= end


def test_a_ticket_of_a_deleted_upload_is_404(server, alice):
    entry = alice.stage(DATA)
    url = alice.location(entry["id"])
    alice.delete(entry["id"])
    server.ctl("gc")
    server.wait(lambda: fetch(url).status_code == 404)


def test_without_a_ticket_there_is_nothing(server):
    assert fetch(server.url + "/download").status_code == 404
    assert fetch(server.url + "/download/").status_code == 404
    assert fetch(server.url + "/download/" + ID).status_code == 403
    assert fetch(server.url + "/download/../../etc/passwd").status_code == 404


def test_a_location_may_stream_instead(alice):
    stream = alice.at("/stream")
    entry = stream.stage(DATA, "s.bin", content_type="image/png")
    response = stream.data(entry["id"])
    assert (response.status_code, response.content) == (200, DATA)
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Repr-Digest"] == repr_digest(DATA)
    part = stream.data(entry["id"], headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, DATA[5:10])
    head = stream.data(entry["id"], "HEAD")
    assert (head.status_code, head.headers["Content-Length"]) == \
        (200, str(len(DATA)))


def test_streaming_reads_through_a_store_without_files(server, alice):
    if not server.s3:
        pytest.skip("STAGING_TEST_STORES has no s3")
    stream = alice.at("/s3stream")
    data = DATA * 1000
    entry = stream.settled(stream.stage(data, "s.bin")["id"])
    response = stream.data(entry["id"])
    assert (response.status_code, response.content) == (200, data)
    assert response.headers["Repr-Digest"] == repr_digest(data)
    head = stream.data(entry["id"], "HEAD")
    assert head.headers["Content-Length"] == str(len(data))
    part = stream.data(entry["id"], headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])


def test_an_entry_can_be_asked_for_if_changed(alice):
    entry = alice.stage()
    etag = alice.get(entry["id"]).headers["ETag"]
    again = alice.request("GET", "/" + entry["id"],
                          headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_nothing_is_compressed_whatever_httpd_is_told(alice):
    client = alice.at("/deflated")
    data = b"x" * 10_000
    entry = client.stage(data, "text.txt", content_type="text/plain")
    whole = client.data(entry["id"])
    part = client.request("GET", f"/{entry['id']}/data",
                          headers={"Range": "bytes=0-4999"})
    assert (whole.content, part.content) == (data, data[:5000])
    assert (whole.status_code, part.status_code) == (200, 206)
    assert whole.headers["Content-Length"] == "10000"
    assert whole.headers["Repr-Digest"] == repr_digest(data)
    assert whole.headers["ETag"] == part.headers["ETag"]
    for answer in (whole, part, client.request("GET"), client.get("x")):
        assert "gzip" in answer.request.headers["Accept-Encoding"]
        assert "Content-Encoding" not in answer.headers
        assert "Vary" not in answer.headers or \
            "Accept-Encoding" not in answer.headers["Vary"]


def test_head_of_an_entry_has_no_body(alice):
    response = alice.request("HEAD", "/" + alice.stage()["id"])
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("suffix", ["/data", ""])
@pytest.mark.parametrize("upload", [
    str(uuid.UUID(int=7, version=4)), "x", ID.upper(), ID[:-1], ID + "0",
    "{" + ID + "}", "%2e%2e", "..%2f..", "%00", "null", "1' OR '1'='1"])
def test_an_unknown_upload_is_404(alice, upload, suffix):
    response = alice.request("GET", f"/{upload}{suffix}")
    assert response.status_code == 404


def test_a_failed_upload_has_no_data_but_says_why(server, alice):
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=gone.bin", {
            "Authorization": "Bearer " + alice.bearer,
            "Content-Length": 100})
        connection.send(b"half")
        server.wait(lambda: [e for e in alice.list("?status=pending")
                             if e["filename"] == "gone.bin"])
        connection.reset()
    entry = server.wait(lambda: [
        e for e in alice.list("?status=failure&limit=3")
        if e["filename"] == "gone.bin"])[0]
    assert entry["message"]
    assert alice.data(entry["id"]).status_code == 409
