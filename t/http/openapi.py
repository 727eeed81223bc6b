# SPDX-License-Identifier: Apache-2.0
"""Answers of the server against the files of htdocs/openapi."""

import shutil
from pathlib import Path

import jsonschema
import requests
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "htdocs/openapi"
METHODS = {"get", "post", "put", "delete", "head", "options", "patch"}


class Cases(dict):
    """What makes an operation answer with a status."""

    def case(self, status, *operations):
        """The function does so for each of them."""
        def keep(function):
            for operation in operations:
                assert (operation, status) not in self
                self[operation, status] = function
            return function
        return keep


def as_requests(raw, method="POST"):
    """An answer of http.client or http2 as one of requests."""
    answer = requests.Response()
    answer.status_code = raw.status
    answer.headers.update(raw.getheaders())
    answer._content = raw.body  # pylint: disable=protected-access
    answer.request = requests.Request(method, "http://localhost").prepare()
    return answer


class moved:  # pylint: disable=invalid-name
    """A folder that is elsewhere for a while."""

    def __init__(self, path):
        self.path = path
        self.away = path.with_name(path.name + ".away")

    def __enter__(self):
        self.path.rename(self.away)

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)
        self.away.rename(self.path)


class Description:
    """A file, with its references resolved where they are used."""

    def __init__(self, name):
        with open(FOLDER / f"{name}.yaml", encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        self.resolver = jsonschema.RefResolver("", self.document)

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def operations(self):
        """("GET /upload", operation) of all."""
        for path, item in self.document["paths"].items():
            for method in METHODS & set(item):
                yield f"{method.upper()} {path}", item[method]

    def statuses(self):
        """All pairs of operation and status that are promised."""
        return sorted((name, int(status))
                      for name, operation in self.operations()
                      for status in operation["responses"])

    def references(self):
        """Every $ref there is."""
        nodes = [self.document]
        while nodes:
            node = nodes.pop()
            if isinstance(node, dict):
                if "$ref" in node:
                    yield node["$ref"]
                nodes += node.values()
            elif isinstance(node, list):
                nodes += node

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(
            schema, resolver=self.resolver).validate(value)

    def headers(self, name, status):
        """Those of an answer, by their names."""
        operation = dict(self.operations())[name]
        return self.resolve(operation["responses"][str(status)]).get(
            "headers", {})

    def check(self, name, response, dialect=None):
        """Is this what the operation promises to requests of this dialect?
        AssertionError or ValidationError if not."""
        operation = dict(self.operations())[name]
        status = str(response.status_code)
        assert status in operation["responses"], \
            f"{name}: {status} is not described: {response.text}"
        described = self.resolve(operation["responses"][status])
        self.check_headers(response, described.get("headers", {}), dialect)
        if described.get("x-optional-body") and not response.content:
            assert "Content-Type" not in response.headers
        else:
            self.check_body(response, described.get("content"))

    def check_headers(self, response, headers, dialect):
        for name, header in headers.items():
            header = self.resolve(header)
            value = response.headers.get(name)
            if header.get("x-dialect", dialect) != dialect:
                assert value is None, f"{name}: {value}"
                continue
            assert value is not None or not header.get("required"), \
                f"no header {name}"
            if value is None:
                continue
            schema = header["schema"]
            if schema.get("type") == "integer":
                value = int(value)
            self.validate(value, schema)

    def check_body(self, response, content):
        if response.request.method == "HEAD":
            assert not response.content
            return
        if content is None:
            assert not response.content, response.text
            return
        kind = response.headers["Content-Type"].partition(";")[0]
        kind = kind if kind in content else "*/*"
        assert kind in content, response.headers["Content-Type"]
        if kind.endswith("json"):
            self.validate(response.json(), content[kind]["schema"])
