-- At which identity servers people have published their addresses, so that they can be taken back.
create table threepid_bindings (
  user_nid  bigint not null references accounts,
  medium    text   not null,
  address   text   not null,
  id_server text   not null,
  primary key (user_nid, medium, address, id_server)
);
