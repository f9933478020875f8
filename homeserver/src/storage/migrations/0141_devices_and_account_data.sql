-- With what a device was last heard of, for its owner and for admins.
alter table devices add column last_seen_user_agent text;

-- An entry that was removed: devices are told once, with empty content.
alter table account_data add column deleted boolean not null default false;
