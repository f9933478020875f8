-- Which account a sign-up made, for a while: a client that lost the answer asks again with the same session.
create table finished_registrations (
  session_id text   primary key,
  body_hash  bytea  not null,
  user_nid   bigint not null references accounts,
  -- Null: nobody was logged in.
  device_id  text,
  expires_at bigint not null
);
create index finished_registrations_expiry on finished_registrations (expires_at);
