-- Events that are brought to everybody in their room for a while, whatever else was said there.
create table sticky_events (
  event_nid  bigint primary key references events on delete cascade,
  room_nid   bigint not null,
  -- From where in the log on it is shown; null while the sender is not known to have been allowed to send it.
  position   bigint,
  expires_at bigint not null
);
create index sticky_events_room on sticky_events (room_nid, position);
create index sticky_events_expiry on sticky_events (expires_at);

alter table delayed_events add column sticky_ms bigint;
