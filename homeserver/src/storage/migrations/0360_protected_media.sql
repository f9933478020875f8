-- Files that an admin found harmless: nothing withholds them.
alter table media add column is_protected boolean not null default false;
