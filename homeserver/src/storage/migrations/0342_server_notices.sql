-- The room in which the server tells somebody something.
create table server_notice_rooms (
  user_nid bigint primary key references accounts,
  room_nid bigint not null references rooms
);
