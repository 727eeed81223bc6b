#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the EDI IAM: the calls that mod_staging makes and those
that set up a test, with the real service's answers and, on demand, faults.

In a test:      with StandInIAM() as iam: ... iam.url ...
As a program:   iam_standin.py [--port N] [--public-key FILE]
Other processes change it by POST /_control and read what it has seen by
GET /_control.
"""

import argparse
import json
import threading
import time
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

import jwt

import tokens

LEVELS = ["none", "read", "write", "changePermission"]
PUBLIC = "EDI-078e6e3cee4f7f2812f150701da9351acb51e089"
AUTHENTICATED = "EDI-7be3510d08def0dfc667824ebd4f4f1bbd770234"
UNAUTHORIZED = "Unauthorized: Authentication token is missing or invalid"
TOKEN_KEY = "shared-token-key-of-the-tests"

# How a route can fail instead of answering.
FAULTS = {"hang", "hang_up", "html_500", "status_503", "redirect",
          "truncated", "not_json", "empty", "no_token"}


class StandInIAM:
    """Profiles, keys, resources and rules in memory, behind a real port."""

    def __init__(self, port=0):
        self.mint = tokens.Mint()
        self.keys = {}        # secret -> (sub, is_group, valid_to)
        self.names = {}       # sub -> common name
        self.deleted = set()  # subs of profiles that are gone
        self.resources = {}   # key -> dict of its fields
        self.rules = {}       # (resource, principal) -> level
        self.requests = []    # dicts, as they came
        self.person = None    # sub of who signs in, None: nobody does
        self.fault = None     # one of FAULTS or of tokens.bad_tokens()
        self.fault_route = None
        self.fault_count = None
        self.hang_seconds = 30
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.iam = self
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.05},
                                        daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    # --- life -------------------------------------------------------------
    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.stop()

    # --- what a test sets up ----------------------------------------------
    def add_key(self, secret, sub, cn="Ada Lovelace", is_group=False,
                valid_to=None):
        """A key of a profile or group; valid_to in epoch seconds."""
        self.keys[secret] = (sub, is_group, valid_to)
        self.names[sub] = cn
        return secret

    def add_resource(self, key="staging_uploads",
                     label="Staging service upload access", kind="staging"):
        self.resources[key] = {"label": label, "type": kind}

    def remove_resource(self, key="staging_uploads"):
        self.resources.pop(key, None)

    def grant(self, principal, permission="write",
              resource="staging_uploads"):
        self.rules[resource, principal] = LEVELS.index(permission)

    def revoke(self, principal, resource="staging_uploads"):
        self.rules.pop((resource, principal), None)

    def token(self, sub, /, **changes):
        """A good token of this IAM, as signing in would give it."""
        return self.mint.token(sub, **changes)

    def fail(self, fault, route=None, count=None):
        """From now on: a fault for a route ("key", "authorized") or all of
        them, so many times or until told otherwise; None for none. A name
        from tokens.bad_tokens() makes key exchanges give such a token."""
        if fault is not None and fault not in FAULTS:
            if fault not in tokens.bad_tokens(self.mint, "EDI-0"):
                raise ValueError(f"there is no fault {fault}")
        with self._lock:
            self.fault = fault
            self.fault_route = route
            self.fault_count = count

    def seen(self, route):
        """The requests for a route such as "key"."""
        path = "/auth/v1/" + route
        return [seen for seen in list(self.requests) if seen["path"] == path]

    def forget_requests(self):
        self.requests.clear()

    # --- what the handler asks --------------------------------------------
    def take_fault(self, route):
        with self._lock:
            if not self.fault or self.fault_route not in (None, route):
                return None
            if self.fault_count is not None:
                if self.fault_count <= 0:
                    return None
                self.fault_count -= 1
            return self.fault

    def key_owner(self, secret):
        """(sub, is_group) or None. A key is good for a day more than it
        says."""
        found = self.keys.get(secret)
        if not found:
            return None
        sub, is_group, valid_to = found
        if valid_to is not None and time.time() >= valid_to + 86400:
            return None
        return sub, is_group

    def token_of(self, sub, is_group):
        cn = self.names.get(sub, "Ada Lovelace")
        make = self.mint.group_token if is_group else self.mint.token
        return make(sub, cn=cn)

    def subject_of(self, token):
        """Who this cookie is, or None. No leeway, as the real one."""
        if not token:
            return None
        try:
            claims = jwt.decode(token, self.mint.public_pem,
                                algorithms=["ES256"], issuer=tokens.ISSUER,
                                options={"require": ["exp", "sub"],
                                         "verify_aud": False})
        except jwt.PyJWTError:
            return None
        if claims.get("hd") != tokens.DOMAIN or claims["sub"] in self.deleted:
            return None
        return claims["sub"]

    def is_granted(self, sub, resource, permission):
        level = LEVELS.index(permission)
        return any(self.rules.get((resource, principal), 0) >= level
                   for principal in (sub, PUBLIC, AUTHENTICATED))

    def control(self, order):
        """What POST /_control does: any of these, in this order."""
        for name, arguments in order.items():
            if name not in ("add_key", "add_resource", "remove_resource",
                            "grant", "revoke", "fail", "forget_requests"):
                raise ValueError(f"there is no order {name}")
            getattr(self, name)(**arguments)


class Handler(BaseHTTPRequestHandler):
    """One request. Routes by method name: GET authorized -> get_authorized."""

    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""

    def log_message(self, *unused):
        pass

    def do_GET(self):
        self.serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    # --- in ---------------------------------------------------------------
    def serve(self):
        self.iam = self.server.iam
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.query = parse_qs(parts.query, keep_blank_values=True)
        if parts.path == "/_control":
            return self.serve_control()
        self.record(parts)
        if not parts.path.startswith("/auth"):
            return self.redirect("/auth" + self.path)
        if "key" in self.query:
            return self.sign_in_by_key()
        if parts.path.startswith("/auth/login/"):
            return self.sign_in()
        return self.route(parts.path)

    def record(self, parts):
        self.iam.requests.append({
            "method": self.command,
            "path": parts.path,
            "query": parts.query,
            "cookie": self.headers.get("Cookie"),
            "headers": dict(self.headers.items()),
            "body": self.body.decode("utf-8", "replace"),
        })

    def route(self, path):
        prefix = "/auth/v1/"
        name = path[len(prefix):].split("/")[0]
        routes = {"ping": "GET", "authorized": "GET", "key": "POST",
                  "token": "POST", "resource": "POST", "rule": "POST"}
        if not path.startswith(prefix) or name not in routes:
            return self.send(404, '{"detail":"Not Found"}')
        if self.command != routes[name]:
            return self.send(405, '{"detail":"Method Not Allowed"}')
        fault = self.iam.take_fault(name)
        if fault in FAULTS and fault != "no_token":
            return self.fail(fault)
        return getattr(self, "on_" + name)(unquote(path), fault)

    def json_body(self, *names):
        """The named members of the body, or None after a 400."""
        try:
            body = json.loads(self.body)
            return [body[name] for name in names]
        except (ValueError, TypeError):
            self.wrong("Not JSON")
        except KeyError as missing:
            self.wrong(f"Missing field in JSON body: {missing.args[0]}")
        return None

    def subject(self):
        try:
            cookie = SimpleCookie(self.headers.get("Cookie") or "")
        except CookieError:
            return None
        morsel = cookie.get("edi-token")
        return self.iam.subject_of(morsel.value if morsel else None)

    # --- out --------------------------------------------------------------
    def send(self, status, text, headers=()):
        """An answer. There is no Content-Type, as with the real one."""
        data = text.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def redirect(self, target, headers=()):
        self.send(303, "", [("Location", target), *headers])

    def reply(self, status, msg, **fields):
        """msg first, method last; XML only for those who ask for it."""
        answer = {"msg": msg, **fields, "method": self.method_name}
        accept = self.headers.get("Accept", "")
        if accept.startswith(("application/xml", "text/xml")):
            inner = "".join(f"<{name}>{escape(str(value))}</{name}>"
                            for name, value in answer.items())
            return self.send(status, f"<result>{inner}</result>")
        return self.send(status, json.dumps(answer, indent=2))

    def wrong(self, why):
        self.reply(400, "Bad request: " + why)

    def fail(self, fault):
        """Do not answer as one should."""
        if fault == "hang":
            self.iam.stopping.wait(self.iam.hang_seconds)
            self.close_connection = True
        elif fault == "hang_up":
            self.close_connection = True
        elif fault == "html_500":
            self.send(500, "<html><h1>Internal Server Error</h1></html>",
                      [("Content-Type", "text/html")])
        elif fault == "status_503":
            self.send(503, "", [("Retry-After", "3600")])
        elif fault == "redirect":
            self.redirect("/auth/ui/signin")
        elif fault == "truncated":
            self.send_response(200)
            self.send_header("Content-Length", "4096")
            self.end_headers()
            self.wfile.write(b'{\n  "msg": "Tok')
            self.close_connection = True
        elif fault == "not_json":
            self.send(200, "<html>Welcome</html>")
        elif fault == "empty":
            self.send(200, "")

    # --- routes -----------------------------------------------------------
    def sign_in(self):
        """The browser comes and goes back at once, with a query of ours in
        place of its own: whoever self.iam.person is has signed in."""
        person = self.iam.person
        query = {"error": "denied"} if person is None else {
            "token": "dGVzdA==-dGVzdA==", "edi_token": self.iam.token(person),
            "edi_id": person, "full_name": "Ada Lovelace",
            "email": "ada@example.org", "idp_uid": "github.com/ada",
            "idp_name": "github", "common_name": "Ada", "sub": person,
            "info": "welcome"}
        target = self.query["target"][0].partition("?")[0]
        self.send(307, "", [("Location", f"{target}?{urlencode(query)}")])

    def sign_in_by_key(self):
        """A key in a query is somebody signing in, whatever the path."""
        owner = self.iam.key_owner(self.query["key"][0])
        if not owner:
            return self.redirect("/auth/ui/signin?error=" +
                                 quote("Invalid API key"))
        token = self.iam.token_of(*owner)
        return self.redirect("/auth/ui/profile", [
            ("Set-Cookie", f"edi-token={token}; Path=/; SameSite=lax")])

    def on_ping(self, _path, _fault):
        self.send(200, "pong")

    def on_key(self, _path, fault):
        self.method_name = "getTokenByKey"
        body = self.json_body("key")
        if body is None:
            return
        owner = self.iam.key_owner(body[0])
        if not owner:
            return self.reply(401, "Invalid API key")
        token = self.iam.token_of(*owner)
        fields = {"pasta-token": "dGVzdA==-dGVzdA==", "edi-token": token}
        if fault == "no_token":
            del fields["edi-token"]
        elif fault:
            bad = tokens.bad_tokens(self.iam.mint, owner[0])
            fields["edi-token"] = bad[fault]
        self.reply(200, "Token created successfully", **fields)

    def on_authorized(self, _path, _fault):
        self.method_name = "isAuthorized"
        sub = self.subject()
        key = self.query.get("resource_key", [""])[0]
        permission = self.query.get("permission", [""])[0]
        if not sub:
            return self.reply(401, UNAUTHORIZED)
        if not key or not permission:
            return self.wrong("Missing query parameter: resource_key and "
                              "permission are required")
        if permission not in LEVELS:
            return self.wrong(f"Invalid permission: {permission}")
        if key not in self.iam.resources:
            return self.reply(404, "Not found: Resource does not exist",
                              resource_key=key)
        if not self.iam.is_granted(sub, key, permission):
            return self.reply(403, "Access denied: Profile does not have the "
                              "requested permission for the resource",
                              resource_key=key, permission_level=permission)
        return self.reply(200, "Profile has the requested permission for the "
                          "resource",
                          resource_key=key, permission_level=permission)

    def on_token(self, path, _fault):
        self.method_name = "getToken"
        sub = path.rsplit("/", 1)[1]
        body = self.json_body("key")
        if body is None:
            return
        if body[0] != TOKEN_KEY:
            return self.reply(403, "Access denied: Invalid key")
        if sub not in self.iam.names:
            return self.reply(404, "Not found: Profile does not exist",
                              edi_id=sub)
        self.reply(200, "Token created successfully", edi_id=sub,
                   **{"edi-token": self.iam.token_of(sub, False)})

    def on_resource(self, _path, _fault):
        self.method_name = "createResource"
        sub = self.subject()
        if not sub:
            return self.reply(401, UNAUTHORIZED)
        body = self.json_body("resource_key", "resource_label",
                              "resource_type", "parent_resource_key")
        if body is None:
            return
        if body[0] in self.iam.resources:
            return self.wrong("Resource already exists")
        self.iam.add_resource(*body[:3])
        self.iam.grant(sub, "changePermission", body[0])
        self.reply(200, "Resource created successfully", resource_key=body[0])

    def on_rule(self, _path, _fault):
        self.method_name = "createRule"
        sub = self.subject()
        if not sub:
            return self.reply(401, UNAUTHORIZED)
        body = self.json_body("resource_key", "principal", "permission")
        if body is None:
            return
        key, principal, permission = body
        if key not in self.iam.resources:
            return self.reply(404, "Not found: Resource does not exist",
                              resource_key=key)
        if not self.iam.is_granted(sub, key, "changePermission"):
            return self.reply(403, "Access denied: changePermission is "
                              "required", resource_key=key)
        self.iam.grant(principal, permission, key)
        self.reply(200, "Rule created successfully")

    def serve_control(self):
        if self.command == "GET":
            return self.send(200, json.dumps({
                "requests": list(self.iam.requests),
                "public_key": self.iam.mint.public_pem}))
        try:
            self.iam.control(json.loads(self.body))
        except (ValueError, TypeError) as error:
            return self.send(400, str(error))
        return self.send(200, "")


def main():
    parser = argparse.ArgumentParser(description="A stand-in EDI IAM")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--public-key", metavar="FILE",
                        help="write the key that checks its tokens")
    arguments = parser.parse_args()
    with StandInIAM(arguments.port) as iam:
        if arguments.public_key:
            iam.mint.write_public_key(arguments.public_key)
        print(iam.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
