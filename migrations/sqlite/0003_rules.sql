-- Versions of rules, their hits, transactions, and jobs. Pairs with migrations/postgres/0003_rules.sql.

-- Every document of rules that was ever saved; the newest of an owner and topic applies. Undoing saves an old one again.
CREATE TABLE rule_version (
    id INTEGER NOT NULL PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    -- Empty for what an organisation decides for all its projects.
    project_id BIGINT REFERENCES project (id),
    -- scrubbing, filters, sampling, tags.
    topic TEXT NOT NULL,
    -- JSON, see the crate `rules`.
    document TEXT NOT NULL,
    -- What was done, such as "undid version 12".
    comment TEXT NOT NULL,
    -- Who; empty for the command line.
    user_id BIGINT REFERENCES user_account (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX rule_version_by_owner ON rule_version (organization_id, (COALESCE(project_id, 0)), topic, id);

-- How often each rule did something.
CREATE TABLE rule_hit (
    project_id BIGINT NOT NULL,
    topic TEXT NOT NULL,
    -- The name it is counted by, which stays the same while the rule does.
    rule TEXT NOT NULL,
    day BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (project_id, topic, rule, day)
) WITHOUT ROWID;

CREATE TABLE transaction_event (
    id INTEGER NOT NULL PRIMARY KEY,
    project_id BIGINT NOT NULL,
    event_id BLOB NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    name TEXT NOT NULL,
    op TEXT NOT NULL,
    -- ok, internal_error …
    status TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    -- When it ended.
    timestamp BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    platform TEXT NOT NULL,
    environment TEXT,
    release TEXT,
    user_label TEXT,
    -- A JSON list of [key, value] pairs.
    tags TEXT NOT NULL,
    -- The share of transactions that the client sent, if it said so, and that we kept: each row stands for
    -- 1 / (client_rate * server_rate) transactions.
    client_rate DOUBLE PRECISION,
    server_rate DOUBLE PRECISION NOT NULL
);
CREATE UNIQUE INDEX transaction_by_event_id ON transaction_event (project_id, event_id);
CREATE INDEX transaction_by_time ON transaction_event (project_id, timestamp, id);
CREATE INDEX transaction_by_trace ON transaction_event (trace_id);

-- As event_payload.
CREATE TABLE transaction_payload (
    project_id BIGINT NOT NULL,
    transaction_row BIGINT NOT NULL,
    day BIGINT NOT NULL,
    codec BIGINT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (project_id, transaction_row, day)
);

-- What runs in the background, one at a time: erasing a person, applying scrubbing rules to what is stored.
CREATE TABLE job (
    id INTEGER NOT NULL PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organization (id),
    -- Empty for all projects of the organisation.
    project_id BIGINT REFERENCES project (id),
    kind TEXT NOT NULL,
    -- JSON; emptied of what identifies a person when the job has ended.
    parameters TEXT NOT NULL,
    -- waiting, running, done, failed, cancelled.
    state TEXT NOT NULL,
    -- Where to go on after a restart; what it means the kind says.
    position TEXT NOT NULL,
    -- Which process works on it, and until when the others believe that it lives.
    runner TEXT,
    lease_until BIGINT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    -- JSON: what was found and changed, in numbers.
    report TEXT NOT NULL,
    -- Why it failed.
    error TEXT,
    user_id BIGINT REFERENCES user_account (id),
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_organization ON job (organization_id, id);

-- For reading a project's newest events, whatever their issue.
CREATE INDEX event_by_time ON event (project_id, received_at, id);

-- Whether a file is still needed when a row that names it goes.
CREATE INDEX attachment_by_blob ON attachment (sha256);
