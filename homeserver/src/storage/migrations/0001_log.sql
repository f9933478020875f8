-- The log, its head, and what the log's events add up to: rooms, state, memberships.
-- Identifiers are interned: numbers (nids) inside, Matrix identifiers at the edge.

-- One row: the last position given out, and the epoch of the one process that may give the next.
create table log_head (
  only_row boolean primary key default true check (only_row),
  position bigint not null,
  epoch    bigint not null
);
-- Position 0 is before everything: no token of a client that has synced says it.
insert into log_head (position, epoch) values (1, 0);

create table users (
  user_nid bigint  generated always as identity primary key,
  user_id  text    not null unique,
  is_local boolean not null
);

create table rooms (
  room_nid   bigint generated always as identity primary key,
  room_id    text   not null unique,
  version    text   not null,
  -- The heads of the event graph, at most a few; null until the room's first event is committed.
  heads      bigint[],
  -- How many events that notify by the default push rules the room has seen.
  notify_seq bigint not null default 0,
  -- True while a join's state is still streaming in.
  is_partial boolean not null default false
) with (fillfactor = 70);

create table state_keys (
  key_nid   bigint generated always as identity primary key,
  type      text   not null,
  state_key text   not null,
  unique (type, state_key)
);

-- kind: 0 timeline, 1 backfilled, 2 outlier, 3 soft-failed, 4 rejected. Only timeline events have a position.
create table events (
  event_nid        bigint   primary key,
  event_id         text     not null unique,
  room_nid         bigint   not null references rooms,
  kind             smallint not null,
  position         bigint,
  topological      bigint   not null,
  sender_nid       bigint   not null,
  type             text     not null,
  key_nid          bigint,
  origin_server_ts bigint   not null,
  auth             bigint[] not null,
  -- State before the event: the room's state at base_pos or a snapshot, changed by state_deltas. Both null: unknown (outliers).
  base_pos         bigint,
  base_snapshot    bigint,
  -- The room's count of notifying events up to and including this one.
  notify_seq       bigint   not null,
  -- The transaction of a local sender: `send/<type>/<txnId>`, scoped to the device.
  device_id        text,
  txn_path         text,
  -- Why a rejected or soft-failed event is so.
  reason           text,
  redacted_by      bigint,
  json             text     not null
);
alter table events alter column json set storage extended;
create unique index events_room_position on events (room_nid, position) where position is not null;
create index events_room_topological on events (room_nid, topological, event_nid) where kind < 2;
create unique index events_transaction on events (sender_nid, device_id, room_nid, txn_path) where txn_path is not null;
create unique index events_position on events (position) where position is not null;

-- The room's current state over time: the event that held a key in from_pos <= P < to_pos.
create table state_intervals (
  room_nid  bigint not null references rooms,
  key_nid   bigint not null references state_keys,
  from_pos  bigint not null,
  to_pos    bigint not null default 9223372036854775807,
  event_nid bigint not null,
  primary key (room_nid, key_nid, from_pos)
);
create unique index state_intervals_current on state_intervals (room_nid, key_nid) include (event_nid) where to_pos = 9223372036854775807;
create index state_intervals_opened on state_intervals (room_nid, from_pos);

create table state_deltas (
  event_nid       bigint not null references events on delete cascade,
  key_nid         bigint not null,
  -- Null: the base has the key, the event's state does not.
  state_event_nid bigint,
  primary key (event_nid, key_nid)
);

create sequence state_snapshot_ids;
create table state_snapshots (
  snapshot_id     bigint not null,
  key_nid         bigint not null,
  state_event_nid bigint not null,
  primary key (snapshot_id, key_nid)
);

-- Events that stored events point at and that we do not have; topological is that of the newest event that points there.
create table backward_extremities (
  room_nid    bigint not null references rooms,
  event_id    text   not null,
  topological bigint not null,
  primary key (room_nid, event_id)
);

-- membership: 1 invite, 2 join, 3 leave, 4 ban, 5 knock.
create table memberships (
  room_nid   bigint   not null references rooms,
  user_nid   bigint   not null references users,
  membership smallint not null,
  -- The position since which it holds; for invites and knocks of rooms we are not in, the position they came at.
  position   bigint   not null,
  -- The membership event; null when only its stripped form is known.
  event_nid  bigint,
  -- For invites and knocks of rooms this server is not in: the stripped state events, a JSON array.
  stripped_state text,
  -- True once the person has forgotten the room.
  forgotten  boolean  not null default false,
  primary key (room_nid, user_nid)
);
create index memberships_user on memberships (user_nid, membership);

-- What waits to be sent to other servers beside events; deleted when the destination has acknowledged it.
create table federation_outbox (
  position    bigint not null,
  ordinal     integer not null,
  destination text   not null,
  edu_type    text   not null,
  content     text   not null,
  primary key (destination, position, ordinal)
);

-- How far each follower of the log has come.
create table follower_cursors (
  name     text   primary key,
  position bigint not null
);
