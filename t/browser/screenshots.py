# SPDX-License-Identifier: Apache-2.0
"""make screenshots: something to see, and pictures of it."""

import os

# pylint: disable-next=unused-import
from test_100_walks import an_operator_with_a_parked_job, many_uploads


def test_screenshots(operator, stock):
    operator.walks("screenshots", timeout=900, operator=True,
                 folder=os.environ["STAGING_SCREENSHOTS"])
