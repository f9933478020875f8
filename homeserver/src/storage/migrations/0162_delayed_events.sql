-- Events that people asked to be sent later, and for a while what became of them.
create table delayed_events (
  delay_id         text   primary key,
  user_nid         bigint not null references users,
  -- The transaction of the request, so that its repetition makes no second event.
  device_id        text,
  txn_path         text,
  room_id          text   not null,
  type             text   not null,
  -- Null for messages.
  state_key        text,
  content          text   not null,
  -- For application services that say when something happened.
  origin_server_ts bigint,
  delay            bigint not null,
  running_since    bigint not null,
  -- Null while it waits.
  finalised_at     bigint,
  event_id         text,
  -- Why it could not be sent: a standard error response, as JSON.
  error            text
);
create unique index delayed_events_transaction on delayed_events (user_nid, device_id, txn_path) where txn_path is not null;
create index delayed_events_due on delayed_events ((running_since + delay)) where finalised_at is null;
create index delayed_events_user on delayed_events (user_nid, (running_since + delay), delay_id);
create index delayed_events_finalised on delayed_events (finalised_at) where finalised_at is not null;
