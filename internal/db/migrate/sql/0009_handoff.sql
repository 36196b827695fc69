-- One handoff is one try of sales at one lead. docs/states/handoff.md draws its states.
create table handoff (
  id           {{id}},
  person_id    bigint not null,
  account_id   bigint not null,          -- 0 for none
  round        integer not null,         -- counts the handoffs of the person from 1
  state        {{key}} not null,
  track        {{key}} not null,
  decision     {{key}} not null,
  team         {{key}} not null,         -- whose pool or queue it came from; empty for none
  owner        {{key}} not null,         -- e-mail of a user; empty while a team or marketing has it
  turn         integer not null,         -- counts assignments and restarts of the clock; older timers are void
  step         {{key}} not null,         -- what the running clock will do; empty for none
  step_at      bigint not null,          -- and when
  event_at     bigint not null,          -- the event from which the decision holds
  opened_at    bigint not null,
  assigned_at  bigint not null,          -- to the present owner; 0 while a team has it
  begin_at     bigint not null,          -- when the owner can begin
  due_at       bigint not null,          -- the promised first contact
  accepted_at  bigint not null,
  contacted_at bigint not null,          -- the first real contact
  touched_at   bigint not null,          -- the last answer of any kind
  closed_at    bigint not null,
  peak_at      bigint not null,          -- when intent was at its highest
  recycle_at   bigint not null,
  reason       {{key}} not null,
  barrier      {{key}} not null,
  stage        {{key}} not null,         -- of the lead when it was answered
  attempts     integer not null,
  version      integer not null,         -- of the playbook
  late         {{bool}} not null,        -- some step of the clock came later than it should have
  breach       {{key}} not null,         -- why the promise was broken; empty while it is not
  business     bigint not null,          -- business time from assignment to first contact, microseconds; -1 while unknown
  detail       text not null             -- hops, facts, pack, notes as JSON
) {{fillfactor 70}};
create unique index handoff_round on handoff (person_id, round);
create unique index handoff_one on handoff (person_id) where state in ('open', 'accepted', 'contacted', 'qualified');
create index handoff_owner on handoff (owner, id) where state in ('open', 'accepted', 'contacted', 'qualified');
create index handoff_team on handoff (team, id) where state in ('open', 'accepted', 'contacted', 'qualified');
create index handoff_account on handoff (account_id, id);

-- Every step of a clock that fired. Rows are never changed.
create table handoff_clock (
  handoff_id bigint not null,
  turn       integer not null,
  step       {{key}} not null,
  due_at     bigint not null,
  fired_at   bigint not null,
  late       {{bool}} not null,
  cause      {{key}} not null,           -- of a breach; empty for other steps
  owner      {{key}} not null,
  primary key (handoff_id, turn, step)
);

-- The state of each team's round robin.
create table route_pool (
  team {{key}} primary key,
  data {{blob}} not null
);

-- Who owns a lead. A lead without a row is marketing's and has never been anybody else's.
create table ownership (
  person_id   bigint primary key,
  owner_kind  {{key}} not null,          -- marketing, team, person
  owner       {{key}} not null,          -- team id or e-mail; empty for marketing
  state       {{key}} not null,
  next_action {{key}} not null,
  next_at     bigint not null,           -- 0 only for never, which needs a reason
  clock       {{key}} not null,          -- key of the timer that sees to it; empty when a person or the fold does
  handoff_id  bigint not null,           -- 0 for none
  reason      {{key}} not null,
  since       bigint not null
) {{fillfactor 70}};
create index ownership_owner on ownership (owner_kind, owner, person_id);

-- Every change of owner or state. Rows are never changed.
create table ownership_change (
  id                {{id}},
  person_id         bigint not null,
  at                bigint not null,
  owner_kind_before {{key}} not null,
  owner_before      {{key}} not null,
  state_before      {{key}} not null,
  owner_kind        {{key}} not null,
  owner             {{key}} not null,
  state             {{key}} not null,
  next_action       {{key}} not null,
  next_at           bigint not null,
  handoff_id        bigint not null,
  cause             {{key}} not null,
  made_by           {{key}} not null
);
create index ownership_change_person on ownership_change (person_id, id);
