-- End-to-end encryption: the public keys of devices and people, messages to devices, key backups.
-- Keys are stored as the JSON text that was uploaded; signatures added later stand beside them.

-- Devices of this server and, as far as they are tracked, of others.
create table device_keys (
  user_nid     bigint not null references users,
  device_id    text   not null,
  keys         text   not null,
  primary key (user_nid, device_id)
);

create table one_time_keys (
  user_nid  bigint not null,
  device_id text   not null,
  algorithm text   not null,
  key_id    text   not null,
  key       text   not null,
  ordinal   bigint generated always as identity,
  primary key (user_nid, device_id, algorithm, key_id)
);
create index one_time_keys_oldest on one_time_keys (user_nid, device_id, algorithm, ordinal);

create table fallback_keys (
  user_nid  bigint  not null,
  device_id text    not null,
  algorithm text    not null,
  key_id    text    not null,
  key       text    not null,
  used      boolean not null default false,
  primary key (user_nid, device_id, algorithm)
);

create table cross_signing_keys (
  user_nid   bigint not null references users,
  usage      text   not null check (usage in ('master', 'self_signing', 'user_signing')),
  public_key text   not null,
  key        text   not null,
  primary key (user_nid, usage)
);

-- Signatures uploaded after the key they sign. `target` is a device id or a public key.
create table key_signatures (
  user_nid   bigint not null references users,
  target     text   not null,
  signer_nid bigint not null references users,
  key_id     text   not null,
  signature  text   not null,
  primary key (user_nid, target, signer_nid, key_id)
);

-- When a person's devices last changed: one row each is enough, for whoever saw an earlier change is told of the later one.
-- seen_by: the one person who is told (of their own signature on another's key); 0: everybody who shares a room.
create table device_list_changes (
  user_nid bigint not null references users,
  seen_by  bigint not null,
  position bigint not null,
  primary key (user_nid, seen_by)
);
create index device_list_changes_position on device_list_changes (position);

-- The last update of a person's devices that was sent to a server: the next one names it.
create table device_lists_sent (
  destination text   not null,
  user_nid    bigint not null references users,
  stream_id   bigint not null,
  primary key (user_nid, destination)
);

-- People of other servers whose device list is kept here. A stale list is asked for again before it is used.
create table remote_device_lists (
  user_nid  bigint  primary key references users,
  stream_id bigint  not null,
  is_stale  boolean not null
);

create table to_device_messages (
  user_nid  bigint not null,
  device_id text   not null,
  position  bigint not null,
  sender    text   not null,
  type      text   not null,
  content   text   not null,
  primary key (user_nid, device_id, position)
);

create table to_device_transactions (
  user_nid  bigint not null,
  device_id text   not null,
  txn_id    text   not null,
  sent_at   bigint not null,
  primary key (user_nid, device_id, txn_id)
);

-- Messages to devices received from other servers, so that the same one is not delivered twice.
create table to_device_received (
  origin      text   not null,
  message_id  text   not null,
  received_at bigint not null,
  primary key (origin, message_id)
);
create index to_device_received_age on to_device_received (received_at);

create table key_backups (
  user_nid  bigint  not null references users,
  version   bigint  not null,
  algorithm text    not null,
  auth_data text    not null,
  etag      bigint  not null default 0,
  count     bigint  not null default 0,
  deleted   boolean not null default false,
  primary key (user_nid, version)
);

create table key_backup_sessions (
  user_nid            bigint  not null,
  version             bigint  not null,
  room_id             text    not null,
  session_id          text    not null,
  first_message_index bigint  not null,
  forwarded_count     bigint  not null,
  is_verified         boolean not null,
  session_data        text    not null,
  primary key (user_nid, version, room_id, session_id),
  foreign key (user_nid, version) references key_backups on delete cascade
);
