-- Rooms that were joined without the memberships of most others, which are still being fetched (rooms.is_partial).
create table partial_rooms (
  room_nid       bigint primary key references rooms,
  -- Our join: the state before it is what is fetched.
  join_event_nid bigint not null,
  -- The server by which we joined, and those that it said are in the room.
  resident       text   not null,
  servers        text[] not null
);

-- The position at which the rest of the state came. Null for rooms that were whole from the beginning.
alter table rooms add column completed_pos bigint;
