-- One identifier of a person or an account. Events and facts are stored by profile.
create table profile (
  id           {{id}},
  kind         smallint not null,         -- 1 user, 2 email, 3 anonymous, 4 group, 5 domain
  value        {{key}} not null,
  cluster_id   bigint not null,           -- smallest profile of its person or account; 0 when that is itself
  seen_at      bigint not null,           -- time of the earliest event that carries it
  vouched      smallint not null,         -- 1 when a trusted event carries it
  claimed_at   bigint not null,           -- time of the newest claim about it; 0 none, the largest bigint after an un-merge
  partners     integer not null,          -- how many profiles it is linked with, in force or not
  link_id      bigint not null,           -- a profile that it is claimed to belong to; 0 none
  link_at      bigint not null,           -- when that was claimed first
  link_trusted smallint not null          -- 1 when the claim was trusted
);
create unique index profile_value on profile (value, kind);
create index profile_cluster on profile (cluster_id) where cluster_id <> 0;
create index profile_account on profile (id) where kind >= 4 and cluster_id = 0;

-- What events and people say about two profiles.
create table claim (
  a_id       bigint not null,
  b_id       bigint not null,
  kind       smallint not null,           -- 1 public link, 2 trusted link, 3 alias, 4 merge, 5 un-merge, 6 late public link
  tag        {{key}} not null,            -- empty for links and aliases; message id and source for merges
  at         bigint not null,
  message_id {{key}} not null,
  source     bigint not null,
  primary key (a_id, b_id, kind, tag)
);
create index claim_b on claim (b_id);

-- What group calls and imports say about accounts, each at its own time.
create table account_fact (
  profile_id bigint not null,
  at         bigint not null,
  message_id {{key}} not null,
  source     bigint not null,
  trusted    smallint not null,
  traits     text not null,               -- a JSON object
  primary key (profile_id, at, message_id, source)
);
