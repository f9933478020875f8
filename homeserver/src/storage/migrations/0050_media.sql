-- What was uploaded here (origin is this server) and what was fetched from others. The bytes are in the object store.
create table media (
  origin       text    not null,
  media_id     text    not null,
  uploader_nid bigint  references users,
  -- Null while an announced upload has not come.
  object_key   text,
  content_type text,
  file_name    text,
  bytes        bigint,
  sha256       text,
  created_at   bigint  not null,
  -- When an announced upload may no longer come.
  expires_at   bigint,
  last_read_at bigint  not null,
  primary key (origin, media_id)
);
create index media_uploader on media (uploader_nid);

create table media_thumbnails (
  origin       text    not null,
  media_id     text    not null,
  width        integer not null,
  height       integer not null,
  method       text    not null,
  is_animated  boolean not null,
  object_key   text    not null,
  content_type text    not null,
  bytes        bigint  not null,
  primary key (origin, media_id, width, height, method, is_animated),
  foreign key (origin, media_id) references media on delete cascade
);
