# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads from a page of another origin, in Chromium."""

import pytest

from conftest import CHROMIUM
from files import MIB

pytestmark = pytest.mark.needs("chromium")


@pytest.mark.parametrize("kind, options", [
    ("tus", {}), ("tus", {"parallelUploads": 3}), ("uppy", {}),
    ("uppy", {"chunkSize": 5 * MIB})], ids=str)
def test_a_new_page_goes_on_where_a_closed_one_was(file, page, kind, options):
    with file.slow_link():
        told = file.browser(kind, CHROMIUM, page, closeAfter=12 * MIB,
                            **options)
    assert not told["errors"]
    method, status, offset = told["requests"][0]
    assert (method, status) == ("HEAD", 200)
    assert 0 < offset < file.size
    assert file.has_arrived(told["url"])
