-- Where people want to be told of events while they are not looking, and what waits to be told there.
create table pushers (
  pusher_id           bigint generated always as identity primary key,
  user_nid            bigint not null,
  -- The device whose log-out ends the pusher.
  device_id           text   not null,
  app_id              text   not null,
  pushkey             text   not null,
  kind                text   not null,
  app_display_name    text   not null,
  device_display_name text   not null,
  profile_tag         text,
  lang                text   not null,
  -- JSON.
  data                text   not null,
  created_at          bigint not null,
  unique (user_nid, app_id, pushkey),
  foreign key (user_nid, device_id) references devices on delete cascade
);
create index pushers_key on pushers (app_id, pushkey);

create table push_outbox (
  pusher_id bigint  not null references pushers on delete cascade,
  -- The event's.
  position  bigint  not null,
  event_nid bigint  not null,
  room_nid  bigint  not null,
  -- What the push rule asked for beside notifying: a JSON object.
  tweaks    text    not null,
  queued_at bigint  not null,
  primary key (pusher_id, position)
);
