-- Where messages go. Address and secrets are sealed with the key file beside the database; shown is what
-- people may see of the address. docs/guide/alerts.md explains the columns that people set.
create table destination (
  id         {{key}} primary key,
  kind       {{key}} not null,       -- email, slack, webhook
  name       text not null,
  shown      text not null,
  sealed     text not null,
  types      text not null,          -- of messages that come here in any case, separated by spaces
  zone       text not null,          -- IANA; empty: the recipient's, else UTC
  quiet_from bigint not null,        -- minutes after midnight; equal: none of its own
  quiet_to   bigint not null,
  people     text not null,          -- JSON: Slack's user ids to e-mail addresses of users
  enabled    {{bool}} not null,
  reason     text not null,          -- why it is not
  created_at bigint not null,
  tested_at  bigint not null,        -- last test, 0: never
  last_at    bigint not null,        -- last attempt, 0: never
  last_error text not null,          -- of that attempt; empty: it succeeded
  sent       bigint not null,
  failed     bigint not null         -- attempts
);

-- What went where: one row for each message and destination.
create table delivery (
  id          {{id}},
  message     {{key}} not null,      -- id that the receiver sees, the same in every attempt
  destination {{key}} not null,      -- of the table above, or an e-mail address
  type        {{key}} not null,
  title       text not null,
  state       {{key}} not null,      -- waiting, sent, dead, cancelled
  status      bigint not null,       -- HTTP status of the last attempt; 0: none
  error       text not null,         -- of the last attempt
  attempts    bigint not null,
  created_at  bigint not null,
  not_before  bigint not null,       -- held back until then; 0: not
  finished_at bigint not null
);
create unique index delivery_message on delivery (message);
create index delivery_destination on delivery (destination, id);
create index delivery_created on delivery (created_at, id);

-- Requests that came in and must not take effect twice.
create table hook_seen (
  key {{key}} primary key,
  at  bigint not null
);
create index hook_seen_at on hook_seen (at);
