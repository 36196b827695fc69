-- The event log. Events lie in packed segments by profile; nothing but package ingest reads them.
-- The open segment of a profile has the last number, so that it is found without searching; when it is
-- full, its content moves to the next free number and stays as it is.
create table segment (
  id     {{bigkey}},                    -- profile id << 24 | number
  sealed bigint not null,               -- of the open segment: how many full ones there are
  data   {{blob}} not null
) {{fillfactor 50}};

-- One row for each transaction that stored events. Its number and a counter make an event's place in the
-- order of arrival. A row, because a shared counter would let one writer wait for the other's disk.
create table log_commit (
  no     {{id}},
  at     bigint not null,
  events bigint not null
);

-- What one process has stored and not yet laid down in segments and keys: each commit's events in one
-- piece, by the commit's number. Only an embedded database has rows here.
create table journal (
  no     {{bigkey}},
  data   {{blob}} not null
);

-- Which messages are stored already.
create table event_key (
  key    {{bigkey}},                    -- hash of source and message id
  digest bigint not null                -- hash of what the message says
);

-- What was received, by source. Several rows for each, so that two servers need not wait for one another.
create table source_count (
  source_id bigint not null,
  shard     bigint not null,
  received  bigint not null,
  accepted  bigint not null,
  duplicate bigint not null,
  rejected  bigint not null,
  conflict  bigint not null,            -- duplicates that said something else; counted in duplicate too
  last_at   bigint not null,
  primary key (source_id, shard),
  check (received = accepted + duplicate + rejected)
) {{fillfactor 50}};

-- Events that were not accepted, as they came.
create table rejected_event (
  id          {{id}},
  source_id   bigint not null,
  received_at bigint not null,
  trusted     {{bool}} not null,
  code        {{key}} not null,
  reason      text not null,
  size        bigint not null,          -- bytes as sent; more than raw holds when it was cut
  raw         {{blob}} not null,
  replayed_at bigint                    -- null: not yet
);
create index rejected_event_source on rejected_event (source_id, id);

-- How much room the rejected events of a source take, so that they can be held to a bound.
create table rejected_room (
  source_id {{bigkey}},
  bytes     bigint not null,
  dropped   bigint not null             -- rejected events that were removed to make room
);
