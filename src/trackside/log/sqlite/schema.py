"""What the two databases of the log look like."""

from trackside.sqlite.schema import Schema

LOG = Schema(
    what="event log",
    application_id=0x54724C67,  # "TrLg"
    version=1,
    page_size_bytes=4096,
    tables=(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
        # What is small comes first and the body last: a scan does not touch the pages a body spills to.
        """CREATE TABLE chunks (
            first INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            committed_at INTEGER NOT NULL,
            received_from INTEGER NOT NULL,
            received_until INTEGER NOT NULL,
            raw_bytes INTEGER NOT NULL,
            names TEXT,
            ids BLOB NOT NULL,
            body BLOB NOT NULL
        )""",
        "CREATE INDEX chunks_by_time ON chunks (received_from, raw_bytes)",
        # Deduplication outlives retention: the ids of chunks that were removed within the window.
        """CREATE TABLE removed_ids (
            first INTEGER PRIMARY KEY,
            count INTEGER NOT NULL,
            committed_at INTEGER NOT NULL,
            ids BLOB NOT NULL
        )""",
        """CREATE TABLE rejects (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            received_at INTEGER NOT NULL,
            source TEXT NOT NULL,
            reason TEXT NOT NULL,
            detail TEXT NOT NULL,
            body BLOB NOT NULL
        )""",
    ),
)

DELIVERY = Schema(
    what="delivery state",
    application_id=0x5472446C,  # "TrDl"
    version=3,
    page_size_bytes=4096,
    tables=(
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
        """CREATE TABLE subscriptions (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            start INTEGER NOT NULL,
            position INTEGER NOT NULL,
            delivered INTEGER NOT NULL DEFAULT 0,
            filtered INTEGER NOT NULL DEFAULT 0,
            redelivered INTEGER NOT NULL DEFAULT 0,
            retrying INTEGER NOT NULL DEFAULT 0,
            dead INTEGER NOT NULL DEFAULT 0,
            paused INTEGER NOT NULL DEFAULT 0,
            failing_since INTEGER,
            last_error TEXT,
            last_delivered_at INTEGER,
            checkpoint TEXT
        )""",
        """CREATE TABLE waiting (
            subscription INTEGER NOT NULL,
            position INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            reason TEXT NOT NULL,
            event BLOB NOT NULL,
            UNIQUE (subscription, position)
        )""",
        "CREATE INDEX waiting_by_due ON waiting (subscription, due_at, position)",
        """CREATE TABLE dead (
            subscription INTEGER NOT NULL,
            position INTEGER NOT NULL,
            died_at INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            reason TEXT NOT NULL,
            event BLOB NOT NULL,
            UNIQUE (subscription, position)
        )""",
        """CREATE TABLE replays (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            subscription INTEGER NOT NULL,
            next INTEGER NOT NULL,
            until INTEGER NOT NULL,
            redelivered INTEGER NOT NULL DEFAULT 0,
            first INTEGER NOT NULL DEFAULT 0,
            names TEXT NOT NULL DEFAULT '[]',
            rate_per_s REAL NOT NULL DEFAULT 0,
            given_up INTEGER NOT NULL DEFAULT 0,
            reason TEXT,
            gone INTEGER NOT NULL DEFAULT 0,
            requested_at INTEGER NOT NULL DEFAULT 0,
            finished_at INTEGER,
            cancelled INTEGER NOT NULL DEFAULT 0,
            seen INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX replays_unfinished ON replays (subscription, number) WHERE finished_at IS NULL",
        # Whose attempt is under way while its event is erased keeps what is left of it.
        "CREATE TABLE erased (position INTEGER PRIMARY KEY, erased_at INTEGER NOT NULL)",
    ),
    upgrades=(
        # 2: what a replay was asked for, what became of it, and the finished ones
        (
            "ALTER TABLE replays ADD COLUMN first INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN names TEXT NOT NULL DEFAULT '[]'",
            "ALTER TABLE replays ADD COLUMN rate_per_s REAL NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN reason TEXT",
            "ALTER TABLE replays ADD COLUMN gone INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN requested_at INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN finished_at INTEGER",
            "ALTER TABLE replays ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE replays ADD COLUMN seen INTEGER NOT NULL DEFAULT 0",
            "UPDATE replays SET first = next",
            "CREATE INDEX replays_unfinished ON replays (subscription, number) WHERE finished_at IS NULL",
        ),
        # 3: what was erased
        ("CREATE TABLE erased (position INTEGER PRIMARY KEY, erased_at INTEGER NOT NULL)",),
    ),
)
