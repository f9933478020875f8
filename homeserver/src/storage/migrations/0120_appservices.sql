-- Application services: what waits for each of them, and the transaction that is under way.

create table appservices (
  appservice_nid integer generated always as identity primary key,
  -- The id of the registration.
  appservice_id  text    not null unique,
  -- The number of the last transaction that was made.
  last_txn       bigint  not null default 0,
  -- The body of the transaction under way, as it is sent again and again until it is acknowledged; null when there is none.
  pending        text,
  -- The last event that was queued for it: when the log is read again, what is up to here was queued before.
  queued_position bigint not null default 0,
  -- Up to where in the log it has been told of receipts and device lists.
  told_position  bigint  not null
);

-- Events that interest an application service and are in no transaction yet.
create table appservice_events (
  appservice_nid integer not null references appservices on delete cascade,
  position       bigint  not null,
  -- Null for an invite to a room that this server is not in: that is in `invite`, as it is told.
  event_nid      bigint,
  invite         text,
  primary key (appservice_nid, position)
);

-- Rooms that application services list in directories of their own.
create table appservice_published_rooms (
  appservice_nid integer not null references appservices on delete cascade,
  network_id     text    not null,
  room_nid       bigint  not null references rooms,
  primary key (appservice_nid, network_id, room_nid)
);

-- Where an invite came from that this server has no event of: its id and time, as JSON.
alter table memberships add column invite_source text;
create index memberships_invited_from_afar on memberships (position) where event_nid is null and membership = 1;

create index receipts_told on receipts (position) where kind < 3;
