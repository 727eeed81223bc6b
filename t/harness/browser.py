# SPDX-License-Identifier: Apache-2.0
"""A browser, as far as the service can tell: it keeps cookies and says what
page a request comes from."""

import itertools

import requests

COOKIE = "staging"
ADDRESSES = itertools.count(1)
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def new_address():
    """Of a client of its own, as a proxy tells us."""
    number = next(ADDRESSES)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Browser:
    """At the location of a staging-session handler, with an address that
    nobody has failed from."""

    def __init__(self, server, path="/session"):
        self.server = server
        self.path = path
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Forwarded-For"] = new_address()

    def request(self, method, path="", headers=None, **more):
        """Of a page of ours, if headers do not say otherwise; path is that of
        the whole request if it has another location, or an URL."""
        if not path.startswith(self.server.url):
            path = self.server.url + (path if path.startswith(
                ("/mine", "/resumable", "/upload")) else self.path + path)
        return self.session.request(
            method, path, timeout=30, allow_redirects=False,
            headers=OWN_PAGE if headers is None else headers, **more)

    def sign_in(self, **proof):
        response = self.request("POST", json=proof)
        if COOKIE in response.cookies:
            self.server.secret(response.cookies[COOKIE])
        return response

    def state(self):
        response = self.request("GET")
        assert response.status_code == 200
        return response.json()

    @property
    def cookie(self):
        return self.session.cookies.get(COOKIE)


def set_password(server, account, password="a long password"):
    """An account with a password, made when it is not there."""
    if account not in server.accounts:
        server.accounts[account] = server.ctl("account", "add",
                                              account).stdout.strip()
    server.ctl("account", "password", account,
               stdin=server.secret(password) + "\n")
    return password
