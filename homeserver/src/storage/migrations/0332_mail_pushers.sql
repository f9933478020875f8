-- Who is written to about what they missed. A mail pusher belongs to a person and not to the device on which they set it.
alter table pushers alter column device_id drop not null;

create table mail_pushers (
  pusher_id         bigint primary key references pushers on delete cascade,
  -- What the link in a mail ends it by.
  unsubscribe_token text   not null unique,
  -- When the last mail was sent, and how long the next one waits from then.
  sent_at           bigint,
  pause_ms          bigint not null default 0
);
