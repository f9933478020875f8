-- One device per person that receives messages while no other is there: its private keys, encrypted by the client that stored it.
create table dehydrated_devices (
  user_nid    bigint primary key references accounts,
  device_id   text   not null,
  device_data text   not null,
  foreign key (user_nid, device_id) references devices on delete cascade
);
