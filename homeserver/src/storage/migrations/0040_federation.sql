-- What we know of other servers: their keys, what waits for them, what they sent us.

-- A key counts up to valid_until for signatures made before; expired_ts is set when the server says it used to sign with it.
create table server_keys (
  server_name text   not null,
  key_id      text   not null,
  public_key  bytea  not null,
  valid_until bigint not null,
  expired_ts  bigint,
  primary key (server_name, key_id)
);

-- The servers' own signed lists of keys, as they gave them: what a notary hands on.
create table server_key_lists (
  server_name text   primary key,
  fetched_at  bigint not null,
  valid_until bigint not null,
  json        text   not null
);

-- Events that wait to be sent, in the order they are to be sent in; deleted when the destination has acknowledged them.
create table federation_queue (
  destination text   not null,
  event_nid   bigint not null,
  primary key (destination, event_nid)
);

-- How the last attempts to reach a server went. A server that answers has no row.
create table federation_destinations (
  destination   text    primary key,
  failures      integer not null,
  failing_since bigint  not null,
  retry_at      bigint  not null
);

-- Transactions received, with the answer they got.
create table federation_transactions (
  origin      text   not null,
  txn_id      text   not null,
  received_at bigint not null,
  answer      text   not null,
  primary key (origin, txn_id)
);
create index federation_transactions_age on federation_transactions (received_at);

-- Received events that are still to be processed, in the order they came.
create table federation_staged (
  staged_nid bigint   generated always as identity primary key,
  origin     text     not null,
  room_id    text     not null,
  event_id   text     not null,
  attempts   smallint not null default 0,
  -- What it needs could not be fetched: not to be tried again before this time, in ms.
  retry_at   bigint   not null default 0,
  json       text     not null,
  unique (origin, event_id)
);
create index federation_staged_room on federation_staged (room_id, staged_nid);
