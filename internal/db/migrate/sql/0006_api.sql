-- Answers to POST requests that carried an Idempotency-Key, kept for a day. Status 0: not answered yet;
-- 1: answered with a secret, which is not kept.
create table idempotency (
  key          {{key}} primary key,   -- digest of principal and key
  request      {{key}} not null,      -- digest of method, address and body
  status       integer not null,
  content_type text not null,
  body         {{blob}} not null,
  created_at   bigint not null
);
create index idempotency_created on idempotency (created_at);
