# SPDX-License-Identifier: Apache-2.0
"""The server answers what htdocs/openapi/operation.yaml says: every status of
every operation is tried, and each answer has the promised shape."""

import time

import pytest
import requests

from clients import Client
from openapi import Cases, Description

DESCRIPTION = Description("operation")
CASES = Cases()
case = CASES.case
OPERATIONS = [name for name, _ in DESCRIPTION.operations()]
READ = [name for name in OPERATIONS if name.startswith("GET")]
RETRY = "POST /operation/jobs/{id}/retry"


class World:
    """What cases work with."""

    def __init__(self, server, iam):
        self.server = server
        self.iam = iam
        self.key = server.key("operator")
        server.ctl("account", "operator", "operator", "on")

    def job(self, state):
        return self.server.sql(
            "INSERT INTO job (kind, subject, state, run_after) VALUES "
            "('test', gen_random_uuid(), %s, now() + interval '1 day') "
            "RETURNING id",
            state)[0][0]

    def call(self, operation, number=0, bearer=None, suffix=""):
        method, path = operation.split(" ")
        path = path.replace("{id}", str(number)) + suffix
        return Client(self.server, path, bearer).request(method)


@pytest.fixture(name="world")
def world_of(server, iam):
    yield World(server, iam)
    server.sql("DELETE FROM job WHERE kind = 'test'")


@case(200, *READ)
@case(404, RETRY)
def asked_well(world, operation):
    if operation.endswith("/jobs"):
        world.job("parked")
    return world.call(operation, 999999999, world.key)


@case(204, RETRY)
def parked(world, operation):
    return world.call(operation, world.job("parked"), world.key)


@case(409, RETRY)
def not_parked(world, operation):
    return world.call(operation, world.job("ready"), world.key)


@case(400, *OPERATIONS)
def two_keys(world, operation):
    return world.call(operation, suffix="?key=a&key=b")


@case(401, *OPERATIONS)
def nobody(world, operation):
    return world.call(operation)


@case(403, *OPERATIONS)
def no_operator(world, operation):
    return world.call(operation, bearer=world.server.key("alice"))


@case(503, *OPERATIONS)
def iam_away(world, operation):
    world.server.log.expect("IAM_DOWN")
    world.iam.fail("status_503", "key")
    secret = world.server.secret(f"unknown-{time.monotonic_ns()}")
    return world.call(operation, bearer=secret)


@pytest.mark.parametrize("operation, status", DESCRIPTION.statuses())
def test_operators_are_answered_as_described(world, operation, status):
    assert (operation, status) in CASES, "nobody tries this"
    answer = CASES[operation, status](world, operation)
    assert answer.status_code == status, answer.text
    DESCRIPTION.check(operation, answer)


def test_nothing_is_tried_of_operators_that_is_not_described():
    assert set(CASES) == set(DESCRIPTION.statuses())


@pytest.mark.parametrize("operation", READ)
def test_head_answers_operators_as_get_does(world, operation):
    path = operation.split(" ")[1]
    answer = Client(world.server, path, world.key).request("HEAD")
    assert answer.status_code == 200
    DESCRIPTION.check(operation, answer)


@pytest.mark.parametrize("path", list(DESCRIPTION.document["paths"]))
def test_other_methods_of_operators_are_405_with_allow(world, path):
    answer = requests.patch(world.server.url + path.replace("{id}", "1"),
                            timeout=20, headers={
                                "Authorization": "Bearer " + world.key})
    assert answer.status_code == 405
    described = {name.split(" ")[0] for name in OPERATIONS
                 if name.split(" ")[1] == path}
    allowed = set(answer.headers["Allow"].replace(" ", "").split(","))
    assert allowed - {"HEAD", "TRACE"} == described
