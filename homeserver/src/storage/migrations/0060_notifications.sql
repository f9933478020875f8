-- What is unread. A room counts the events that notify by the default push rules (events.notify_seq); what is unread to a person is the
-- difference to where they have read. The tables below hold only what differs from that.

-- Counted events that do not belong to the main timeline: those of threads, and (thread '') those that were redacted.
create table counted_apart (
  room_nid bigint not null references rooms,
  position bigint not null,
  thread   text   not null,
  primary key (room_nid, position)
);

-- From this position on, whether what the room counts also counts for this person. Without a row it does.
create table notify_modes (
  user_nid   bigint  not null references users,
  room_nid   bigint  not null references rooms,
  position   bigint  not null,
  -- The room's count at that position.
  notify_seq bigint  not null,
  counts     boolean not null,
  primary key (user_nid, room_nid, position)
);

-- Events that meant something else to a person than the room's count and their mode say, and highlights.
create table notifications (
  user_nid  bigint   not null references users,
  room_nid  bigint   not null references rooms,
  -- The event's.
  position  bigint   not null,
  event_nid bigint   not null,
  thread    text     not null,
  -- What to add to the count: -1, 0 or 1.
  delta     smallint not null,
  highlight boolean  not null,
  -- Where in the log this was noted, for sync.
  noted_at  bigint   not null,
  primary key (user_nid, room_nid, position)
);
create index notifications_noted on notifications (user_nid, noted_at);
create index notifications_event on notifications (room_nid, position);
