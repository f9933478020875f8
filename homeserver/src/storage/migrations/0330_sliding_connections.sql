-- What clients know by their connections of sliding sync, written down now and then, so that a restart need not begin them anew.
create table sliding_connections (
  user_nid  bigint not null,
  device_id text   not null,
  conn_id   text   not null,
  -- Tells the connection from an earlier one of the same name.
  birth     bigint not null,
  -- The number of its last answer.
  answer    bigint not null,
  -- JSON.
  positions text   not null,
  saved_at  bigint not null,
  primary key (user_nid, device_id, conn_id),
  foreign key (user_nid, device_id) references devices on delete cascade
);
create index sliding_connections_saved on sliding_connections (saved_at);
