-- SPDX-License-Identifier: Apache-2.0
-- wrk: a form upload of 4 KiB, and the key of the environment.
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("BENCH_KEY")
wrk.headers["Content-Type"] = "multipart/form-data; boundary=bench-boundary"
wrk.body = table.concat({
    "--bench-boundary",
    'Content-Disposition: form-data; name="label"',
    "",
    "small",
    "--bench-boundary",
    'Content-Disposition: form-data; name="file"; filename="small.bin"',
    "Content-Type: application/octet-stream",
    "",
    string.rep("0123456789abcdef", 256),
    "--bench-boundary--",
    ""}, "\r\n")
