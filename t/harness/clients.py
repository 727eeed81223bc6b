# SPDX-License-Identifier: Apache-2.0
"""Someone with a credential at one location."""

import hashlib
from urllib.parse import parse_qsl, urlsplit

import requests

import wire



def digests(data):
    return {name: hashlib.new(name, data).hexdigest()
            for name in ("md5", "sha1", "sha256")}


class Client:
    """Requests below a location, each with the same credential."""

    def __init__(self, server, path="/upload", bearer=None, auth=None,
                 host=None, node=None):
        self.server = server
        self.base = (node or server).url
        self.path = path
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.hooks["response"].append(self._keep_signatures)
        self.session.auth = auth
        self.bearer = bearer
        if bearer:
            self.session.headers["Authorization"] = "Bearer " + bearer
        if host:
            self.session.headers["Host"] = host

    def at(self, path):
        """The same caller at another location."""
        return Client(self.server, path, self.bearer, self.session.auth)

    def _keep_signatures(self, response, *_args, **_more):
        location = response.headers.get("Location", "")
        for name, value in parse_qsl(urlsplit(location).query):
            if name == "signature":
                self.server.secrets.add(value)
            if name == "X-Amz-Signature":
                self.server.signatures.add(value)

    def url(self, suffix=""):
        return self.base + self.path + suffix

    def request(self, method, suffix="", **more):
        more.setdefault("timeout", 60)
        more.setdefault("allow_redirects", False)
        return self.session.request(method, self.url(suffix), **more)

    # --- the API ----------------------------------------------------------
    def post(self, data=b"some bytes\n", filename="data.csv", label=None,
             suffix="", headers=None, content_type=None):
        """A form with a file and, behind it, a label."""
        parts = [("file", data, filename, content_type)]
        if label is not None:
            parts.append(("label", label.encode()))
        body, kind = wire.form(*parts)
        return self.request("POST", suffix, data=body,
                            headers={"Content-Type": kind, **(headers or {})})

    def stage(self, *args, **more):
        """A post that has to succeed; the entry."""
        response = self.post(*args, **more)
        assert response.status_code == 202, response.text
        return response.json()

    def raw(self, data, filename="data.bin", headers=None, query=""):
        """A body that names itself."""
        return self.request("POST", query, data=data, headers={
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Content-Type": "application/octet-stream", **(headers or {})})

    def get(self, upload):
        return self.request("GET", "/" + upload)

    def list(self, query=""):
        response = self.request("GET", query)
        assert response.status_code == 200, response.text
        return response.json()

    def delete(self, upload):
        return self.request("DELETE", "/" + upload)

    def data(self, upload, method="GET", **more):
        """The answer of /data itself."""
        return self.request(method, f"/{upload}/data", **more)

    def location(self, upload, method="GET"):
        """The signed URL behind /data, absolute."""
        response = self.data(upload, method)
        assert response.status_code == 302, response.text
        location = response.headers["Location"]
        if location.startswith("/"):
            location = self.base + location
        return location

    def download(self, upload, method="GET", **more):
        """Follow /data without showing the credential to the store."""
        return requests.request(method, self.location(upload, method),
                                timeout=60, allow_redirects=False, **more)

    # --- states -----------------------------------------------------------
    def settled(self, upload):
        """The entry once it is not pending any more."""
        def entry():
            found = self.get(upload).json()
            return found if found["status"] != "pending" else None
        return self.server.wait(entry)
