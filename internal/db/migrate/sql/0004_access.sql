-- Keys of machines: write keys (kind write) send events, API keys (kind api) read and change things.
-- Their secret is kept as its SHA-256. The two first rows are sources without a secret.
create table access_key (
  id {{id}},
  kind text not null,
  name text not null,
  prefix text not null,
  hash {{key}} not null,
  trusted {{bool}} not null,
  scopes text not null,
  created_at bigint not null,
  revoked_at bigint not null,
  disabled_at bigint not null,
  last_used_at bigint not null
);

create unique index access_key_hash on access_key (hash);

insert into access_key (kind, name, prefix, hash, trusted, scopes, created_at, revoked_at, disabled_at, last_used_at)
values ('internal', 'import', '', 'internal:import', true, '', 0, 0, 0, 0);

insert into access_key (kind, name, prefix, hash, trusted, scopes, created_at, revoked_at, disabled_at, last_used_at)
values ('internal', 'product', '', 'internal:product', true, '', 0, 0, 0, 0);
