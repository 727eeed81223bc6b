/* SPDX-License-Identifier: Apache-2.0 */
/* Every directive, one line each: policy of a location, or of the process.
 * From this list come the struct fields, defaults, merging, setters and
 * httpd's command table (config.c); conf/staging.conf.in is checked against
 * it. Included several times: no include guard. */
/* clang-format off */

/* In <Location>, <VirtualHost> or the main server; inner ones win.
 *     type      directive                   field               default  help */
#ifdef STG_POLICY
STG_POLICY(TEXT,     "StagingUseStore",          store,              "main",  "Name of the StagingStore that new objects go to")
STG_POLICY(TEXT,     "StagingService",           service,            "staging", "Name under which uploads are kept; locations of one service show the same uploads")
STG_POLICY(SIZE,     "StagingMaxUpload",         max_upload,         "100G",  "Largest object accepted, in bytes or with k, M, G, T")
STG_POLICY(SIZE,     "StagingQuota",             quota,              "0",     "Bytes that an owner may have in a service, unfinished uploads included, 0 for no limit")
STG_POLICY(DURATION, "StagingRetention",         retention,          "30d",   "How long uploads are kept, in seconds or with m, h, d")
STG_POLICY(DIGESTS,  "StagingDigests",           digests,            "md5 sha1 sha256", "Digests computed while the bytes arrive: md5, sha1, sha256, sha512")
STG_POLICY(FLAG,     "StagingQueryCredentials",  query_credentials,  "off",   "Accept ?key= and ?token= (they are kept out of all logs)")
STG_POLICY(FLAG,     "StagingCookie",            cookie,             "off",   "Accept the cookie edi-token (changes need a same-origin request)")
STG_POLICY(FLAG,     "StagingSessions",          sessions,           "off",   "Accept the cookie of who signed in with SetHandler staging-session (changes need a same-origin request)")
STG_POLICY(DURATION, "StagingSessionIdle",       session_idle,       "12h",   "How long a session waits for the next request of its browser")
STG_POLICY(DURATION, "StagingSessionLifetime",   session_lifetime,   "7d",    "How long a session lasts at all")
STG_POLICY(TEXT,     "StagingDashboardPath",     dashboard_path,     "/",     "Path of the dashboard, where signing in through the IAM ends")
STG_POLICY(WORDS,    "StagingRealms",            realms,             NULL,    "Whose principals are accepted: names of issuers, account, httpd; by default all")
STG_POLICY(FLAG,     "StagingAcceptUser",        accept_user,        "off",   "A user authenticated by another module is a principal here")
STG_POLICY(WORDS,    "StagingOperators",         operators,          NULL,    "Who are operators besides accounts with that grant: owners (realm:subject), or realms")
STG_POLICY(TEXT,     "StagingIAMResource",       iam_resource,       "staging_uploads", "Resource key in the IAM that uploading needs WRITE on")
STG_POLICY(TEXT,     "StagingBaseURL",           base_url,           NULL,    "Scheme and host put before links in answers, such as https://data.example.org")
STG_POLICY(TEXT,     "StagingDownloadPath",      download_path,      "/download", "Path of the location with SetHandler staging-download")
STG_POLICY(DURATION, "StagingDownloadLifetime",  download_lifetime,  "1h",    "How long a signed download URL works")
STG_POLICY(TEXT,     "StagingResumablePath",     resumable_path,     NULL,    "Path of the location with SetHandler staging-resumable, for links in lists of uploads")
STG_POLICY(DURATION, "StagingUploadIdle",        upload_idle,        "1d",    "How long an unfinished resumable upload waits for its next bytes")
STG_POLICY(DURATION, "StagingUploadLifetime",    upload_lifetime,    "7d",    "How long a resumable upload may stay unfinished at all")
STG_POLICY(SIZE,     "StagingMaxAppend",         max_append,         "0",     "Most bytes of a resumable upload in one request, 0 for no limit of its own")
STG_POLICY(VERSIONS, "StagingInterop",           interop,            "6 7 8 9", "Versions of the IETF draft whose clients get 104 answers, or none")
STG_POLICY(ORIGINS,  "StagingOrigins",           origins,            NULL,    "Origins whose pages may use this from a browser, or none")
STG_POLICY(FLAG,     "StagingCORSCredentials",   cors_credentials,   "off",   "Pages of StagingOrigins may send cookies and passwords")
STG_POLICY(FLAG,     "StagingStreamDownloads",   stream_downloads,   "off",   "Answer /data with the bytes instead of a redirect")
#endif

/* Outside <VirtualHost>: one value for the whole server. */
#ifdef STG_SERVER
STG_SERVER(LIST,     "StagingStore",             stores,             NULL,    "NAME URL [option=value ...]: where objects are kept; may be repeated")
STG_SERVER(LIST,     "StagingIssuer",            issuers,            NULL,    "NAME option=value ...: whose tokens are accepted; may be repeated")
STG_SERVER(LIST,     "StagingIAM",               iam,                NULL,    "URL [ca=FILE]: the EDI IAM")
STG_SERVER(TEXT,     "StagingTicketSecret",      ticket_secret,      NULL,    "file:PATH of at least 32 random bytes that sign download URLs; the same on all nodes")
STG_SERVER(TEXT,     "StagingTempDir",           temp_dir,           "/var/tmp", "Where parts wait that exceed StagingPartMemory")
STG_SERVER(SIZE,     "StagingPartMemory",        part_memory,        "256M",  "Memory for parts in flight to S3, per process")
STG_SERVER(COUNT,    "StagingMaxInFlight",       max_in_flight,      "0",     "Uploads received at once on this server, 0 for no limit; beyond it 503")
STG_SERVER(PERIOD,   "StagingDrain",             drain,              "off",   "How long uploads may go on in a child process that was told to end; then 503")
STG_SERVER(COUNT,    "StagingJobThreads",        job_threads,        "1",     "Background job threads of each child process")
STG_SERVER(DURATION, "StagingGCInterval",        gc_interval,        "60s",   "Pause between rounds of garbage collection, 0 to leave it to stagingctl worker")
#endif
