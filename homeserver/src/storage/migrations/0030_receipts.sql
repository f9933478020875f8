-- How far people have come in rooms: what they read, what their devices were handed, and their own last event.

-- kind: 1 m.read, 2 m.read.private, 3 delivered to a device, 4 own event (never told to anyone, it only ends what is unread).
-- thread: '' for all of the room, 'main', or the event id of a thread's root.
create table receipts (
  room_nid       bigint   not null references rooms,
  user_nid       bigint   not null references users,
  kind           smallint not null,
  thread         text     not null default '',
  event_nid      bigint   not null,
  -- The event's position in the log; 0 for an event from before our time in the room.
  event_position bigint   not null,
  -- The room's count of notifying events at that event.
  notify_seq     bigint   not null,
  ts             bigint   not null,
  -- Where in the log this receipt stands, for sync.
  position       bigint   not null,
  primary key (room_nid, user_nid, kind, thread)
) with (fillfactor = 70);
create index receipts_position on receipts (room_nid, position) where kind < 4;
create index receipts_own on receipts (user_nid, position) where kind < 3;
