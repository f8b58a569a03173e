-- Limits, what they count, attachments, feedback, and the last rejections. Pairs with migrations/postgres/0002_ledger.sql.

ALTER TABLE project ADD COLUMN spike_protection BOOLEAN NOT NULL DEFAULT FALSE;

-- How much may be taken in: of one key, else of one project, else of the whole organisation.
CREATE TABLE quota (
    id INTEGER NOT NULL PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    project_id BIGINT REFERENCES project (id),
    key_id BIGINT REFERENCES project_key (id),
    -- Names of categories with commas between them; empty: all of them together.
    categories TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    window_seconds BIGINT NOT NULL,
    -- What clients are told, such as key_quota.
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
-- Setting a limit again changes it.
CREATE UNIQUE INDEX quota_by_target
    ON quota (organization_id, (COALESCE(project_id, 0)), (COALESCE(key_id, 0)), categories, window_seconds, reason);

-- What was taken in, by the minute; the last hours of it, for the quotas of short windows. Longer ones read `outcome`.
CREATE TABLE intake (
    project_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    minute BIGINT NOT NULL,
    category TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (project_id, key_id, minute, category)
) WITHOUT ROWID;
CREATE INDEX intake_by_minute ON intake (minute);

-- The newest requests and items of each project that were not taken, and why.
CREATE TABLE rejection (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- The HTTP status of the answer.
    status BIGINT NOT NULL,
    -- The type of the item, empty for a whole request.
    item_type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    client TEXT NOT NULL,
    -- Bytes as received.
    size BIGINT NOT NULL
);
CREATE INDEX rejection_by_project ON rejection (project_id, id);

-- A file that came with an event, or for one. Its bytes are a blob named by their SHA-256.
CREATE TABLE attachment (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    event_id BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT,
    attachment_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX attachment_by_event ON attachment (project_id, event_id, sha256, name);

-- What users wrote, by itself or about an event.
CREATE TABLE feedback (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    -- Its own event id, or one made of what it says.
    feedback_id BLOB NOT NULL,
    -- The event it is about.
    event_id BLOB,
    name TEXT,
    email TEXT,
    message TEXT NOT NULL,
    url TEXT,
    source TEXT,
    environment TEXT,
    release TEXT,
    created_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX feedback_by_id ON feedback (project_id, feedback_id);
CREATE INDEX feedback_by_event ON feedback (project_id, event_id, received_at, id);
CREATE INDEX feedback_by_time ON feedback (project_id, received_at, id);

-- A stretch of the ledger, whatever the key; the rows' counts change, these columns do not.
CREATE INDEX outcome_by_hour ON outcome (project_id, hour);
