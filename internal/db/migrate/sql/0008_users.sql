-- People who use the product. The e-mail address is in normal form; attributes are what routing asks
-- for, as JSON; password is an argon2id string, empty for nobody can sign in.
create table access_user (
  id          {{id}},
  email       {{key}} not null,
  name        text not null,
  role        {{key}} not null,
  active      {{bool}} not null,
  attributes  text not null,
  password    text not null,
  created_at  bigint not null
);
create unique index access_user_email on access_user (email);

-- Sign-ins. The token is kept as its SHA-256; a row that is gone is a sign-in that ended.
create table access_session (
  hash        {{key}} primary key,
  user_id     bigint not null,
  created_at  bigint not null,
  expires_at  bigint not null
);
create index access_session_user on access_session (user_id);
create index access_session_end on access_session (expires_at);

-- Attempts to sign in since an instant, per user and per network address.
create table access_attempt (
  key         {{key}} primary key,
  attempts    bigint not null,
  since       bigint not null
);
create index access_attempt_since on access_attempt (since);

create table access_team (
  id          {{key}} primary key,
  name        text not null,
  created_at  bigint not null
);

create table access_member (
  team        {{key}} not null,
  user_id     bigint not null,
  weight      bigint not null,
  primary key (team, user_id)
);
create index access_member_user on access_member (user_id);

-- Leave, from one instant to another, so that parts of days are as good as days.
create table access_absence (
  id          {{id}},
  user_id     bigint not null,
  from_at     bigint not null,
  until_at    bigint not null,
  note        text not null
);
create index access_absence_user on access_absence (user_id);
create index access_absence_until on access_absence (until_at);

-- Who changed what. Each hash covers the row and the hash before it.
create table audit_entry (
  no          bigint primary key,
  at          bigint not null,
  who         text not null,
  what        text not null,
  subject     text not null,
  before_sum  text not null,
  after_sum   text not null,
  hash        text not null
);

-- The newest entry. Writers take turns at this row.
create table audit_head (
  id          bigint primary key,
  no          bigint not null,
  hash        text not null
);
insert into audit_head (id, no, hash) values (1, 0, '');
