-- People whose account has ended and who are not out of everything yet: what is left to do survives a crash.
create table departures (
  user_nid bigint  primary key references accounts,
  erase    boolean not null,
  begun_at bigint  not null
);
