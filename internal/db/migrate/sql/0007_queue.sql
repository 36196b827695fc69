-- Work that is done outside the transaction that asked for it: messages that leave, and timers.
-- docs/states/job.md draws the states.
create table job (
  id          {{id}},
  kind        {{key}} not null,
  key         {{key}} not null,         -- idempotency: one job of a kind has it, for as long as the row is kept
  destination {{key}} not null,         -- who may be slow without making others slow
  state       {{key}} not null,
  run_at      bigint not null,          -- when it was asked to run
  due_at      bigint not null,          -- the next attempt, on the steady clock of its writer
  skew        bigint not null,          -- wall clock minus that steady clock; nearly always 0
  attempt     integer not null,         -- attempts begun; with the id it names one attempt
  failed      integer not null,         -- failures since it was enqueued or replayed
  first_at    bigint not null,          -- begin of the first of these attempts; 0 for none
  lease_until bigint not null,          -- while running: afterwards the worker counts as lost
  finished_at bigint not null,          -- 0 while waiting or running
  error       text not null,            -- of the last failure
  payload     {{blob}} not null         -- empty once done
) {{fillfactor 70}};
create unique index job_key on job (kind, key);
create index job_waiting on job (destination, due_at, id) where state = 'waiting';
create index job_running on job (lease_until, id) where state = 'running';
create index job_finished on job (finished_at, id) where state in ('done', 'dead', 'cancelled');
create index job_skewed on job (id) where skew <> 0;

-- The one row says that nothing may run until somebody confirms: after a restore, or by hand.
create table queue_pause (
  id     bigint primary key,
  at     bigint not null,
  reason text not null
);
