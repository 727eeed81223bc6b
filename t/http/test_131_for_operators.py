# SPDX-License-Identifier: Apache-2.0
"""How the service does, for those who may know: figures, failures, jobs."""

import time
import uuid

import psycopg2
import pytest

from browser import Browser, set_password
from clients import Client

PATHS = ["", "/history", "/failures", "/jobs"]


@pytest.fixture(name="operator")
def an_operator(server):
    """An account with the grant, by a key."""
    key = server.key("operator")
    server.ctl("account", "operator", "operator", "on")
    return Client(server, "/operation", key)


def ask(client, suffix=""):
    response = client.request("GET", suffix)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture(name="parked")
def a_parked_job(server):
    """Of a kind that nobody runs here."""
    number = server.sql(
        "INSERT INTO job (kind, subject, state, attempts, last_error) VALUES "
        "('test', gen_random_uuid(), 'parked', 12, 'no use') RETURNING id"
        )[0][0]
    yield number
    server.sql("DELETE FROM job WHERE id = %s", number)


# --- who --------------------------------------------------------------------

@pytest.mark.parametrize("path", PATHS)
def test_only_operators_are_told_how_the_service_does(server, operator, alice,
                                                      path):
    ask(operator, path)
    for client, status in ((alice.at("/operation"), 403),
                           (Client(server, "/operation"), 401),
                           (Client(server, "/operation",
                                   server.token("EDI-1")), 403),
                           (Client(server, "/operation", server.key(
                               "operator", "--scope", "write")), 403)):
        response = client.request("GET", path)
        assert response.status_code == status
        assert set(response.json()) == {"detail", "request_id"}


def test_an_operator_who_only_reads_changes_nothing(server, operator, parked):
    reader = Client(server, "/operation",
                    server.key("operator", "--scope", "read"))
    ask(reader, "/jobs")
    retry = f"/jobs/{parked}/retry"
    assert reader.request("POST", retry).status_code == 403
    assert ask(operator, "/jobs?state=parked")
    assert operator.request("POST", retry).status_code == 204


def test_the_grant_of_an_account_ends_when_it_is_taken(server):
    server.key("short-lived")
    server.ctl("account", "operator", "short-lived", "on")
    assert "operator" in [
        line.split()[2] for line in server.ctl("account", "list")
        .stdout.splitlines() if line.endswith(" short-lived")]
    ask(Client(server, "/operation", server.key("short-lived")))
    server.ctl("account", "operator", "short-lived", "off")
    late = Client(server, "/operation", server.key("short-lived"))
    assert late.request("GET").status_code == 403


def test_the_tool_says_what_is_wrong_with_a_grant(server):
    for words in (("nobody", "on"), ("alice", "maybe"), ("alice",)):
        done = server.ctl("account", "operator", *words, check=False)
        assert done.returncode and done.stderr


def test_whom_the_configuration_names_is_an_operator(server):
    ask(Client(server, "/operation", server.token("EDI-operator")))
    ask(Client(server, "/operation-basic", auth=("carol", "secret-of-carol")))
    other = Client(server, "/operation", server.token("EDI-operators"))
    assert other.request("GET").status_code == 403


def test_a_session_of_an_operator_is_one_from_pages_of_ours(server, parked):
    password = set_password(server, "boss")
    server.ctl("account", "operator", "boss", "on")
    browser = Browser(server)
    assert browser.sign_in(name="boss", password=password).status_code == 201
    assert browser.state()["is_operator"] is True
    url = f"{server.url}/operation"
    assert browser.session.get(url, timeout=20).status_code == 200
    retry = f"{url}/jobs/{parked}/retry"
    for site in ("cross-site", "same-site", "none"):
        answer = browser.session.post(retry, timeout=20,
                                      headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    answer = browser.session.post(retry, timeout=20,
                                  headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 204


# --- what -------------------------------------------------------------------

def test_what_arrives_is_seen_while_it_does(server, operator, alice, any_tus):
    before = ask(operator)
    any_tus.create(10, body=b"12345")
    assert ask(operator)["unfinished"] == before["unfinished"] + 1
    with server.connect() as connection:
        connection.request("POST", "/upload?filename=slow", {
            "Authorization": "Bearer " + alice.bearer,
            "Content-Length": 1000}, b"x" * 10)
        server.wait(lambda: ask(operator)["arriving"] ==
                    before["arriving"] + 1)
        connection.send(b"x" * 990)
        assert connection.response("POST").status == 202
    server.wait(lambda: ask(operator)["arriving"] == before["arriving"])


def test_the_nodes_and_stores_are_named(server, operator):
    body = ask(operator)
    assert body["nodes"] and not any(n["is_suspected"] for n in body["nodes"])
    assert {"name": "main", "is_down": False} in body["stores"]


def take_again(server):
    """Forget the figures of this minute; the next round takes them again."""
    server.sql("DELETE FROM figure WHERE at > now() - interval '2 minutes'")
    server.wait(lambda: server.sql("SELECT count(*) FROM figure WHERE at > "
                                   "now() - interval '2 minutes'")[0][0], 20)


def latest(operator):
    figures = ask(operator, "/history?hours=1")["figures"]
    return {name: values[-1] for name, values in figures.items()}


def test_figures_are_taken_once_a_minute(server, operator, alice):
    take_again(server)
    first = latest(operator)
    alice.stage(b"x" * 1000)
    time.sleep(5)
    later = latest(operator)
    assert later == first or later["at"] != first["at"]
    take_again(server)
    second = latest(operator)
    assert second["bytes"] >= first["bytes"] + 1000
    assert second["uploads"] > first["uploads"]
    # the next minute may begin between two questions
    server.wait(lambda: ask(operator)["stored"].items() <=
                latest(operator).items())


def make_old(server):
    """What has been taken, so that this minute has a next round."""
    server.sql("UPDATE figure SET at = counted - interval '1 day' "
               "WHERE at > now() - interval '1 hour'")


def last_counted(server):
    return server.sql("SELECT max(counted) FROM figure")[0][0]


def let_it_be_counted(server):
    """What has happened until now: it is left to the next round for 5 s."""
    server.wait(lambda: server.sql(
        "SELECT now() > max(at) + interval '6 seconds' FROM upload_event"
        )[0][0])
    make_old(server)
    server.wait(lambda: server.sql(
        "SELECT (SELECT max(counted) FROM figure) > "
        "(SELECT max(at) FROM upload_event)")[0][0])


def test_what_happened_counts_in_one_minute_only(server, operator, fresh):
    """From the time on up to which the row before has counted."""
    fresh.stage()
    let_it_be_counted(server)
    counted = last_counted(server)
    fresh.stage(b"x" * 777)
    fresh.post(headers={"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    for _ in range(2):
        let_it_be_counted(server)
        newest = last_counted(server)
        make_old(server)
        server.wait(lambda: last_counted(server) > newest)
        assert server.sql(
            "SELECT sum(stored), sum(stored_bytes), sum(failed) FROM figure "
            "WHERE counted > %s", counted) == [(1, 777, 1)]


def test_of_two_processes_one_counts_what_has_happened(server, fresh):
    """The other one takes the figures of the minute before, at the same time."""
    take_again(server)
    fresh.stage()
    server.wait(lambda: server.sql(
        "SELECT now() > max(at) + interval '6 seconds' FROM upload_event"
        )[0][0], 20)
    counted = last_counted(server)
    with psycopg2.connect(server.dsn) as other, other.cursor() as rows:
        rows.execute("SELECT pg_advisory_xact_lock(hashtext('figure'))")
        make_old(server)
        time.sleep(3)
        rows.execute(
            "INSERT INTO figure SELECT date_trunc('minute', now()) - interval "
            "'1 minute', now(), 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 10, 0")
    other.close()
    server.wait(lambda: server.sql(
        "SELECT count(*) > 1 FROM figure WHERE counted > %s", counted
        )[0][0], 20)
    assert server.sql("SELECT sum(stored) FROM figure WHERE counted > %s",
                      counted)[0][0] == 1


def test_a_history_is_told_by_the_minute_for_a_day_and_less_finely_for_more(
        server, operator):
    server.sql("DELETE FROM figure")
    server.sql(
        "INSERT INTO figure SELECT date_trunc('minute', now()) - n * interval "
        "'1 minute', now() - n * interval '1 minute', n, 0, 0, 0, 0, 0, 0, 0, "
        "1, 1, 10, 0 FROM generate_series(5, 14 * 1440 - 5) AS n "
        "ON CONFLICT DO NOTHING")
    day = ask(operator, "/history")
    assert day["minutes"] == 1
    assert 1430 < len(day["figures"]["at"]) <= 1441
    assert day["figures"]["at"] == sorted(day["figures"]["at"])
    all_of_it = ask(operator, "/history?hours=336")
    assert all_of_it["minutes"] == 14
    assert 1430 < len(all_of_it["figures"]["at"]) <= 1441
    assert {len(values) for values in all_of_it["figures"].values()} == \
        {len(all_of_it["figures"]["at"])}
    assert set(all_of_it["figures"]["stored"][2:-2]) == {14}
    server.sql("INSERT INTO figure SELECT now() - interval '15 days', now(), "
               "0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0")
    server.wait(lambda: server.sql(
        "SELECT count(*) FROM figure WHERE at < now() - interval '14 days'"
        )[0][0] == 0, 20)
    server.sql("DELETE FROM figure")


def test_the_newest_failures_are_told_with_their_reasons(operator, fresh):
    for name in ("first.csv", "second.csv"):
        fresh.post(filename=name, headers={
            "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    failures = ask(operator, "/failures?limit=2")
    assert [one["filename"] for one in failures] == ["second.csv", "first.csv"]
    entry = fresh.list()[0]
    assert (failures[0]["id"], failures[0]["message"]) == \
        (entry["id"], entry["message"])
    assert failures[0]["owner"].startswith("account:")
    assert failures[0]["account"].startswith("fresh")
    fresh.delete(entry["id"])
    assert ask(operator, "/failures?limit=1")[0]["filename"] == "first.csv"


def test_parked_jobs_are_told_and_tried_again(server, operator, parked):
    found = [job for job in ask(operator, "/jobs?state=parked")
             if job["id"] == parked]
    told = {name: found[0][name] for name in ("kind", "attempts",
                                              "last_error")}
    assert told == {"kind": "test", "attempts": 12, "last_error": "no use"}
    assert ask(operator)["parked"] >= 1
    retry = f"/jobs/{parked}/retry"
    assert operator.request("POST", retry).status_code == 204
    assert server.sql("SELECT state, attempts FROM job WHERE id = %s",
                      parked) == [("ready", 0)]
    assert operator.request("POST", retry).status_code == 409
    assert parked not in [j["id"] for j in ask(operator, "/jobs?state=parked")]


@pytest.mark.parametrize("state", ["ready", "running"])
def test_a_job_that_is_not_parked_stays_as_it_is(server, operator, state):
    number = server.sql(
        "INSERT INTO job (kind, subject, state, attempts, run_after, expires) "
        "VALUES ('test', gen_random_uuid(), %s, 3, now() + interval '1 day', "
        "now() + interval '1 day') RETURNING id", state)[0][0]
    retry = operator.request("POST", f"/jobs/{number}/retry")
    assert (retry.status_code, state in retry.json()["detail"]) == (409, True)
    assert server.sql("SELECT state, attempts FROM job WHERE id = %s",
                      number) == [(state, 3)]
    server.sql("DELETE FROM job WHERE id = %s", number)
    assert operator.request("POST", f"/jobs/{number}/retry"
                            ).status_code == 404


def test_a_job_names_its_upload(server, operator, alice):
    upload = alice.stage()["id"]
    number = server.sql(
        "INSERT INTO job (kind, subject, state) "
        "SELECT 'test', object, 'parked' FROM upload WHERE id = %s RETURNING id", upload)[0][0]
    job = [one for one in ask(operator, "/jobs") if one["id"] == number][0]
    assert job["upload"] == upload
    server.sql("DELETE FROM job WHERE id = %s", number)


@pytest.mark.parametrize("path", [
    "/history?hours=0", "/history?hours=337", "/history?hours=x",
    "/failures?limit=0", "/failures?limit=501", "/jobs?state=done",
    "/jobs?limit=1&limit=2"])
def test_a_wrong_parameter_of_an_operator_is_400(operator, path):
    assert operator.request("GET", path).status_code == 400


@pytest.mark.parametrize("number", ["", "x", "-1", "1e3", "9" * 19, "0x1",
                                    str(uuid.uuid4())])
def test_what_is_no_number_of_a_job_is_404(operator, number):
    assert operator.request("POST", f"/jobs/{number}/retry"
                            ).status_code == 404
