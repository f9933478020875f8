-- What was found at a link at a time.
create table url_previews (
  url        text   not null,
  fetched_at bigint not null,
  -- Until when it is given out to those who ask for how the link looks now.
  expires_at bigint not null,
  -- What clients are told, as JSON.
  preview    text   not null,
  primary key (url, fetched_at)
);
create index url_previews_fetched on url_previews (fetched_at);
