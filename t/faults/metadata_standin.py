# SPDX-License-Identifier: Apache-2.0
"""A stand-in for what hands out temporary keys: the metadata service of an
EC2 instance, version 2, and that of a container."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROLES = "/latest/meta-data/iam/security-credentials/"
TOKEN = "token-of-the-instance"
CONTAINER_TOKEN = "token-of-the-container"


class StandInMetadata:
    def __init__(self):
        self.keys = ("", "")   # access key, secret key
        self.expires = 0.0     # in epoch seconds
        self.is_down = False   # answers 503 to everything
        self.requests = []     # (method, path, status)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.metadata = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *unused):
        self._server.shutdown()
        self._server.server_close()

    def document(self):
        return json.dumps({
            "Code": "Success", "Type": "AWS-HMAC",
            "AccessKeyId": self.keys[0], "SecretAccessKey": self.keys[1],
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                        time.gmtime(self.expires))})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        """(status, text), as the real services would."""
        metadata = self.server.metadata
        if metadata.is_down:
            return 503, ""
        asked = self.command, self.path
        if asked == ("PUT", "/latest/api/token"):
            seconds = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            return (200, TOKEN) if seconds else (400, "")
        if asked == ("GET", "/container"):
            if self.headers.get("Authorization") != CONTAINER_TOKEN:
                return 401, ""
            return 200, metadata.document()
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return 401, ""
        return {("GET", ROLES): (200, "staging-role"),
                ("GET", ROLES + "staging-role"): (200, metadata.document()),
                }.get(asked, (404, ""))

    def reply(self):
        status, text = self.answer()
        self.server.metadata.requests.append((self.command, self.path, status))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = reply

    def log_message(self, *_arguments):
        pass
