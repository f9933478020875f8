-- A pusher may be kept and push nothing.
alter table pushers add column is_enabled boolean not null default true;
