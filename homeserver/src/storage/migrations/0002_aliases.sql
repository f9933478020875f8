-- The aliases of this server, and the rooms it publishes.
create table room_aliases (
  alias       text   primary key,
  room_nid    bigint not null references rooms,
  creator_nid bigint not null references users,
  created_at  bigint not null
);
create index room_aliases_room on room_aliases (room_nid);

create table published_rooms (
  room_nid bigint primary key references rooms
);
