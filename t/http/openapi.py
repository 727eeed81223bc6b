# SPDX-License-Identifier: Apache-2.0
"""Answers of the server against htdocs/openapi/uploads.yaml."""

from pathlib import Path

import jsonschema
import yaml

FILE = Path(__file__).resolve().parents[2] / "htdocs/openapi/uploads.yaml"
METHODS = {"get", "post", "put", "delete", "head", "options", "patch"}


class Description:
    """The file, with its references resolved where they are used."""

    def __init__(self, path=FILE):
        with open(path, encoding="utf-8") as file:
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

    def check(self, name, response):
        """Is this what the operation promises? AssertionError or
        ValidationError if not."""
        operation = dict(self.operations())[name]
        status = str(response.status_code)
        assert status in operation["responses"], \
            f"{name}: {status} is not described: {response.text}"
        described = self.resolve(operation["responses"][status])
        self.check_headers(response, described.get("headers", {}))
        self.check_body(response, described.get("content"))

    def check_headers(self, response, headers):
        for name, header in headers.items():
            header = self.resolve(header)
            value = response.headers.get(name)
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
        if kind == "application/json":
            self.validate(response.json(), content[kind]["schema"])
