-- What the fold knows of each person. The state is derived from the events and may be dropped at any time.
create table lead_state (
  person_id  bigint primary key,
  account_id bigint,
  playbook   bigint not null,           -- version that the state was folded with
  stale      {{bool}} not null,         -- must be folded again from the events
  wake_at    bigint,                    -- not later than the next change by time alone; null for never
  decision   {{key}} not null,
  rule       {{key}} not null,
  track      {{key}} not null,
  quadrant   {{key}} not null,
  level      integer not null,
  stage      {{key}} not null,
  log_seq    bigint not null,           -- the newest log position that the state holds
  updated_at bigint not null,
  state      {{blob}} not null
) {{fillfactor 70}};
create index lead_state_wake on lead_state (wake_at) where wake_at is not null;
create index lead_state_account on lead_state (account_id) where account_id is not null;
create index lead_state_decision on lead_state (decision, person_id);

-- Every decision as it was made. Rows are never changed.
create table ledger (
  id               {{id}},
  person_id        bigint not null,
  at               bigint not null,     -- event time from which the decision holds
  recorded_at      bigint not null,     -- when it was made
  log_seq          bigint not null,     -- the newest log position that it knew
  playbook_version bigint not null,
  playbook_hash    {{key}} not null,
  cause            {{key}} not null,    -- event, time, refold
  decision_before  {{key}} not null,
  decision         {{key}} not null,
  rule             {{key}} not null,
  track            {{key}} not null,
  quadrant         {{key}} not null,
  stage_before     {{key}} not null,
  stage            {{key}} not null,
  level            integer not null,
  fit              double precision,    -- null while unknown
  coverage         double precision not null,
  intent           double precision not null
);
create index ledger_person on ledger (person_id, id);
