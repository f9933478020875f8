-- For servers that were away for so long that their events are no longer kept one by one: by room, the newest event that concerns them.
create table federation_catch_up (
  destination text   not null,
  room_nid    bigint not null references rooms,
  event_nid   bigint not null,
  primary key (destination, room_nid)
);
