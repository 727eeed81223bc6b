# SPDX-License-Identifier: Apache-2.0
"""Upload a file with tuspy, and print its URL:

    client.py ENDPOINT FILE STORAGE STOP_AT

STORAGE keeps URLs for the next process; this one ends at the byte STOP_AT, 0
for none. The environment has the credential."""

import os
import sys

from tusclient.client import TusClient
from tusclient.storage import filestorage

endpoint, path, storage, stop_at = sys.argv[1:]
uploader = TusClient(endpoint, headers={
    "Authorization": "Bearer " + os.environ["BEARER"]}).uploader(
        path, chunk_size=1 << 20, upload_checksum=True, store_url=True,
        url_storage=filestorage.FileStorage(storage), retries=20,
        retry_delay=1, metadata={"filename": os.path.basename(path)})
began_at = uploader.offset
uploader.upload(stop_at=int(stop_at) or None)
print(uploader.url, began_at)
