-- Lists of keys that a server gave once and that hold a key its newer lists do not mention: events signed with it are still to be checked.
create table former_key_lists (
  server_name text   not null,
  valid_until bigint not null,
  json        text   not null,
  primary key (server_name, valid_until)
);
