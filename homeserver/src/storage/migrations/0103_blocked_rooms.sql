-- Rooms that nobody of this server may enter.
create table blocked_rooms (
  room_id    text   primary key,
  blocked_by bigint not null references users
);
