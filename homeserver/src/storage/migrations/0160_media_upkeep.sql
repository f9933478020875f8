alter table media
  -- Withheld from everybody; a remote file's row stays, so that it is not fetched again.
  add column quarantined_at bigint,
  -- Whether the paths that ask for no token serve it: it came while the operator still let them.
  add column is_frozen boolean not null default true,
  -- An image of a link's preview: kept as long as it is looked at.
  add column is_preview boolean not null default false;
create index media_quarantined on media (sha256) where quarantined_at is not null;
-- What may be forgotten, the longest unread first.
create index media_passing on media (last_read_at) where (uploader_nid is null or is_preview) and object_key is not null;
create index media_announced on media (expires_at) where expires_at is not null;

-- How much each person keeps here, counted with every file that comes and goes.
create table media_usage (
  user_nid bigint primary key references users,
  bytes    bigint not null
);
insert into media_usage (user_nid, bytes)
select uploader_nid, sum(bytes) from media where uploader_nid is not null and bytes is not null group by uploader_nid;

-- Objects whose rows are gone, until their bytes are gone too.
create table media_garbage (
  object_key text primary key
);
