# SPDX-License-Identifier: Apache-2.0
"""The configuration of the instance: a location for every variation, so that
few tests need a restart."""

import os

FOLDER = os.environ.get("STAGING_HTTPD_MODULES", "/usr/lib/apache2/modules")
MODULES = """
mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic
reqtimeout unique_id alias mime status dbd deflate http2 log_forensic remoteip
""".split()


def stores(server):
    """What stagingctl reads too."""
    lines = [
        f'DBDParams "{server.dsn}"',
        f"StagingStore main file://{server.dir}/file",
        f'StagingTempDir "{server.dir}"',
    ]
    if server.s3:
        keys = (f"access_key={server.s3['STAGING_S3_ACCESS_KEY']} "
                f"secret_key={server.s3['STAGING_S3_SECRET_KEY']} "
                "part_size=5M")
        bucket = server.s3["STAGING_S3_BUCKET"]
        endpoint = server.s3["STAGING_S3_ENDPOINT"]
        lines += [
            f"StagingStore s3 s3://{bucket}/tests endpoint={endpoint} {keys}",
            f"StagingStore frail s3://{bucket}/frail "
            f"endpoint=http://127.0.0.1:{server.proxy.port} {keys} "
            "connect_timeout=1s timeout=5s stall_timeout=2s deadline=10s",
            f"StagingStore patient s3://{bucket}/patient "
            f"endpoint=http://127.0.0.1:{server.proxy.port} {keys}",
        ]
    return "\n".join(lines) + "\n"


def httpd(server, node):
    return "".join([HEAD.format(s=server, n=node, load=load(server)),
                    SHARED.format(s=server),
                    *(location(path, *lines)
                      for path, lines in locations(server)),
                    HOSTS.format(n=node)])


def lean_httpd(server, node, extra):
    """One location of each handler and store."""
    lean = ["/upload", "/s3", "/frail", "/resumable", "/resumable-s3",
            "/resumable-frail", "/download", "/health", "/ready", "/metrics"]
    return "".join([HEAD.format(s=server, n=node, load=load(server)),
                    SHARED.format(s=server),
                    *(location(path, *lines)
                      for path, lines in locations(server) if path in lean),
                    extra])


def load(server):
    lines = [f"LoadModule {name}_module {FOLDER}/mod_{name}.so"
             for name in MODULES]
    module = server.build / ".libs" / "mod_staging.so"
    lines.append(f'LoadModule staging_module "{module}"')
    return "\n".join(lines)


def location(path, *lines):
    inner = "\n".join("    " + line for line in lines)
    return f'<Location "{path}">\n{inner}\n</Location>\n'


def locations(server):
    uploads = "SetHandler staging-uploads"
    query = "StagingQueryCredentials on"
    yield "/upload", [uploads, query, "StagingResumablePath /resumable"]
    yield "/noquery", [uploads, "StagingService noquery"]
    yield "/small", [uploads, query, "StagingMaxUpload 1000"]
    yield "/short", [uploads, query, "StagingRetention 4s"]
    yield "/quick", [uploads, query, "StagingDownloadLifetime 4s"]
    yield "/cookie", [uploads, "StagingCookie on"]
    yield "/pages-of-others", [uploads, "StagingOrigins "
                               "https://pages.example.org "
                               "https://more.example.org:8443"]
    yield "/trusted-pages", [uploads, "StagingCookie on",
                             "StagingOrigins https://pages.example.org",
                             "StagingCORSCredentials on",
                             "AuthType Staging", 'AuthName "test"',
                             "Require staging-grant upload"]
    yield "/no-pages", [uploads, "StagingOrigins none"]
    yield "/stream", [uploads, query, "StagingStreamDownloads on"]
    yield "/deflated", [uploads, query, "StagingStreamDownloads on",
                        "SetOutputFilter DEFLATE"]
    yield "/md5", [uploads, query, "StagingDigests md5"]
    yield "/limited", [uploads, query, "LimitRequestBody 5000"]
    yield "/absolute", [uploads, query,
                        "StagingBaseURL https://data.example.org"]
    yield "/edi", [uploads, query, "StagingService edi"]
    yield "/otherservice", [uploads, query, "StagingService other"]
    yield "/lab-only", [uploads, query, "StagingRealms lab"]
    yield "/no-accounts", [uploads, query, "StagingRealms edi lab httpd"]
    basic = ["AuthType Basic", 'AuthName "test"',
             f'AuthUserFile "{server.dir}/passwords"',
             "AuthBasicProvider file", "StagingAcceptUser on",
             "Require valid-user"]
    yield "/basic", [uploads, *basic]
    yield "/staging-auth", [uploads, "AuthType Staging", 'AuthName "staging"',
                            "Require staging-grant upload"]
    yield "/pages", ["AuthType Staging", 'AuthName "staging"',
                     "Require staging-grant read"]
    yield "/readers", [uploads, "AuthType Staging", 'AuthName "staging"',
                       "Require staging-grant read"]
    if server.s3:
        yield "/s3", [uploads, query, "StagingUseStore s3"]
        yield "/s3stream", [uploads, query, "StagingUseStore s3",
                            "StagingStreamDownloads on"]
        yield "/frail", [uploads, query, "StagingUseStore frail"]
        yield "/patient", [uploads, query, "StagingUseStore patient"]
    resumable = ["SetHandler staging-resumable",
                 "StagingOrigins https://pages.example.org "
                 "https://more.example.org"]
    idle = "StagingUploadIdle 4s"
    yield "/resumable", resumable
    yield "/resumable-query", [*resumable, query]
    yield "/resumable-other", [*resumable, "StagingService other"]
    yield "/resumable-basic", [*resumable, *basic]
    yield "/resumable-idle", [*resumable, idle]
    yield "/resumable-small", [*resumable, "StagingMaxUpload 1000"]
    yield "/resumable-append", [*resumable, "StagingMaxAppend 1000"]
    quota = ["StagingService quota", "StagingQuota 1000"]
    yield from at_quota("", uploads, resumable, quota)
    if server.s3:
        s3 = [*resumable, "StagingUseStore s3"]
        yield "/resumable-s3", s3
        yield "/resumable-s3-idle", [*s3, idle]
        yield from at_quota("-s3", uploads, resumable,
                            [*quota, "StagingUseStore s3"])
        yield "/resumable-frail", [*resumable, "StagingUseStore frail"]
    session = "SetHandler staging-session"
    yield "/session", [session]
    yield "/session-brief", [session, "StagingSessionIdle 30s",
                             "StagingSessionLifetime 60s"]
    yield "/session-accounts", [session, "StagingRealms account"]
    yield "/session-lab-only", [session, "StagingRealms lab edi"]
    yield "/session-lab", [session, "StagingRealms lab"]
    yield "/session-basic", [session, *basic]
    yield "/mine", [uploads, "StagingSessions On"]
    yield "/mine-and-edi", [uploads, "StagingSessions On", "StagingCookie on"]
    yield "/resumable-mine", [*resumable, "StagingSessions On"]
    yield "/download", ["SetHandler staging-download"]
    yield "/health", ["SetHandler staging-health"]
    yield "/ready", ["SetHandler staging-ready"]
    yield "/metrics", ["SetHandler staging-metrics"]
    operation = "SetHandler staging-operation"
    yield "/operation", [operation, query, "StagingSessions On",
                         "StagingOperators lab:EDI-operator"]
    yield "/operation-basic", [operation, *basic, "StagingOperators httpd"]
    yield "/server-status", ["SetHandler server-status"]


def at_quota(store, uploads, resumable, quota):
    """Where an owner may have little, and where it expires soon."""
    yield f"/quota{store}", [uploads, *quota]
    yield f"/quota{store}-short", [uploads, *quota, "StagingRetention 4s"]
    yield f"/resumable{store}-quota", [*resumable, *quota]
    yield f"/resumable{store}-quota-idle", [*resumable, *quota,
                                            "StagingUploadIdle 4s"]


# One child, so that what is per process can be tested; room for the old
# generations of a graceful restart.
HEAD = """ServerRoot "{n.dir}"
ServerName 127.0.0.1
DefaultRuntimeDir "{n.dir}"
PidFile "{n.dir}/httpd.pid"
Listen 127.0.0.1:{n.port}
Listen 127.0.0.1:{n.slow_port}
{load}
StartServers 1
ServerLimit 4
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
GracefulShutdownTimeout 30

ErrorLog "{n.error_log}"
ErrorLogFormat "[%{{cu}}t] [%-m:%l] [pid %P:tid %T] [request %L] %7F: %E: %M"
LogLevel info staging:trace8
LogFormat "%h %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" [%U] [%q] %{{UNIQUE_ID}}e" full
CustomLog "{s.logs}/access.log" full
ForensicLog "{s.logs}/forensic.log"
ExtendedStatus On
Protocols h2c http/1.1
KeepAliveTimeout 20
Timeout 20
LimitRequestBody 0
RequestReadTimeout header=10 body=20,MinRate=500
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
ErrorDocument 404 "/pages/page.txt"

"""

SHARED = """
DBDriver pgsql
DBDMin 1
DBDKeep 8
DBDMax 32
Include "{s.stores_conf}"
StagingTicketSecret "file:{s.dir}/ticket.secret"
StagingIssuer edi profile=edi "key={s.dir}/iam.pem"
StagingIssuer lab iss=https://lab.example.org alg=ES256 aud=staging "key={s.dir}/issuer.pem"
StagingIAM {s.iam.url}
StagingGCInterval 2s
StagingMaxInFlight 24
StagingPartMemory 32M

TypesConfig /dev/null
AddType text/plain .txt
Alias /pages "{s.static}"
DocumentRoot "{s.static}"
<Directory "/">
    AllowOverride None
</Directory>
<Directory "{s.static}">
    Require all granted
</Directory>
"""

HOSTS = """
<VirtualHost 127.0.0.1:{n.port}>
    ServerName 127.0.0.1
</VirtualHost>
<VirtualHost 127.0.0.1:{n.port}>
    ServerName other.test
    StagingMaxUpload 2000
    <Location "/data/staging">
        SetHandler staging-uploads
        StagingService elsewhere
        StagingQueryCredentials on
        StagingRetention 7d
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:{n.port}>
    ServerName https://secure.test
</VirtualHost>
<VirtualHost 127.0.0.1:{n.slow_port}>
    ServerName slow.test
    RequestReadTimeout header=5 body=1,MinRate=100000
</VirtualHost>
"""
