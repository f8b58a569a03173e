-- Times are unix milliseconds (UTC). Pairs with migrations/postgres/0001_init.sql: same tables, same columns.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE organization (
    id INTEGER NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE project (
    id INTEGER NOT NULL PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT,
    -- The number of the newest issue: the N of a short id SLUG-N.
    issue_counter BIGINT NOT NULL DEFAULT 0,
    first_event_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (organization_id, slug)
);

CREATE TABLE project_key (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES project (id),
    public_key TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX project_key_by_project ON project_key (project_id);

CREATE TABLE user_account (
    id INTEGER NOT NULL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);

CREATE TABLE membership (
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    role TEXT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) WITHOUT ROWID;

CREATE TABLE session (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES user_account (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE api_token (
    id INTEGER NOT NULL PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    last_characters TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE issue (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL REFERENCES project (id),
    number BIGINT NOT NULL,
    status TEXT NOT NULL,
    substatus TEXT NOT NULL,
    level TEXT NOT NULL,
    platform TEXT NOT NULL,
    event_type TEXT NOT NULL,
    title TEXT NOT NULL,
    culprit TEXT NOT NULL,
    metadata TEXT NOT NULL,
    is_unhandled BOOLEAN NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    user_count BIGINT NOT NULL,
    first_release TEXT,
    last_release TEXT,
    status_changed_at BIGINT NOT NULL,
    UNIQUE (project_id, number)
);
CREATE INDEX issue_by_last_seen ON issue (project_id, status, last_seen, id);

-- An issue owns any number of hashes; a hash belongs to one issue.
CREATE TABLE issue_hash (
    project_id BIGINT NOT NULL,
    hash BLOB NOT NULL,
    issue_id BIGINT NOT NULL REFERENCES issue (id),
    grouping_version TEXT NOT NULL,
    -- The values the hash was made of, as a JSON list, so that a changed rule can be replayed.
    leaf_values TEXT NOT NULL,
    PRIMARY KEY (project_id, hash)
) WITHOUT ROWID;
CREATE INDEX issue_hash_by_issue ON issue_hash (issue_id);

-- The exact set of users an issue happened to, each as a 64-bit hash of its identity.
CREATE TABLE issue_user (
    project_id BIGINT NOT NULL,
    issue_id BIGINT NOT NULL,
    user_hash BIGINT NOT NULL,
    PRIMARY KEY (project_id, issue_id, user_hash)
) WITHOUT ROWID;

CREATE TABLE issue_hour (
    project_id BIGINT NOT NULL,
    issue_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    PRIMARY KEY (project_id, issue_id, hour)
) WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    event_id BLOB NOT NULL,
    issue_id BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    level TEXT NOT NULL,
    platform TEXT NOT NULL,
    environment TEXT,
    release TEXT,
    title TEXT NOT NULL,
    trace_id TEXT,
    user_label TEXT,
    -- A JSON list of [key, value] pairs.
    tags TEXT NOT NULL
);
CREATE UNIQUE INDEX event_by_event_id ON event (project_id, event_id);
CREATE INDEX event_by_issue ON event (project_id, issue_id, timestamp, id);

-- The compressed body of an event, apart from the row that lists and counts read.
CREATE TABLE event_payload (
    project_id BIGINT NOT NULL,
    event_row BIGINT NOT NULL,
    -- The day it was received, counted from 1970-01-01.
    day BIGINT NOT NULL,
    -- 1: zstd without dictionary.
    codec BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (project_id, event_row, day)
);

CREATE TABLE environment (
    project_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (project_id, name)
) WITHOUT ROWID;

CREATE TABLE release (
    project_id BIGINT NOT NULL,
    version TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    PRIMARY KEY (project_id, version)
) WITHOUT ROWID;

-- What became of the items of each hour.
CREATE TABLE outcome (
    project_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    category TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (project_id, key_id, hour, category, outcome, reason)
) WITHOUT ROWID;

-- Changes of issues that somebody may want to hear of, written with the change and removed when delivered.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    issue_id BIGINT NOT NULL,
    event_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- How far each queue is processed; moved in the transaction that stores what was processed.
CREATE TABLE queue_cursor (
    queue_id TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
) WITHOUT ROWID;
