create table playbook (
  version      bigint primary key,
  name         text not null,
  hash         {{key}} not null,
  source       text not null,
  note         text not null,
  published_by text not null,
  published_at bigint not null
);
