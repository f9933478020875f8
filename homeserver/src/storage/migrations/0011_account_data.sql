-- What people keep on the server: account data, filters, profiles, and the tokens with which they prove who they are elsewhere.

-- room_nid 0: not about a room.
create table account_data (
  user_nid bigint not null references users,
  room_nid bigint not null default 0,
  type     text   not null,
  content  text   not null,
  position bigint not null,
  primary key (user_nid, room_nid, type)
);
create index account_data_position on account_data (user_nid, position);

create table filters (
  user_nid  bigint  not null references users,
  filter_id integer not null,
  content   text    not null,
  primary key (user_nid, filter_id)
);

create table profile_fields (
  user_nid bigint not null references users,
  name     text   not null,
  -- JSON.
  value    text   not null,
  primary key (user_nid, name)
);

create table openid_tokens (
  token_hash bytea  primary key,
  user_nid   bigint not null references users,
  expires_at bigint not null
);
create index openid_tokens_expiry on openid_tokens (expires_at);
