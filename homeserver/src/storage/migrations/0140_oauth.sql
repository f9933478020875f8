-- The homeserver as an OAuth 2.0 authorization server. Codes and tokens are stored as SHA-256 only.

create table oauth_clients (
  client_id     text   primary key,
  -- JSON, as it was registered. Registrations that say the same are one.
  metadata      text   not null,
  metadata_hash bytea  not null unique,
  created_at    bigint not null,
  used_at       bigint not null
);

-- A person signed in to our own pages, by the cookie of a browser.
create table browser_sessions (
  token_hash bytea  primary key,
  user_nid   bigint not null references accounts,
  created_at bigint not null,
  expires_at bigint not null
);
create index browser_sessions_user on browser_sessions (user_nid);
create index browser_sessions_expiry on browser_sessions (expires_at);

create table oauth_codes (
  code_hash      bytea   primary key,
  client_id      text    not null references oauth_clients on delete cascade,
  user_nid       bigint  not null references accounts,
  device_id      text    not null,
  scope          text    not null,
  redirect_uri   text    not null,
  code_challenge text    not null,
  used           boolean not null default false,
  expires_at     bigint  not null
);
create index oauth_codes_expiry on oauth_codes (expires_at);

-- Which client a device belongs to that was logged in by OAuth.
create table oauth_sessions (
  user_nid   bigint not null,
  device_id  text   not null,
  client_id  text   not null references oauth_clients,
  scope      text   not null,
  created_at bigint not null,
  primary key (user_nid, device_id),
  foreign key (user_nid, device_id) references devices on delete cascade
);
create index oauth_sessions_client on oauth_sessions (client_id);

-- Log-ins of devices that show a code, to be typed elsewhere.
create table oauth_device_grants (
  device_code_hash bytea  primary key,
  user_code        text   not null unique,
  client_id        text   not null references oauth_clients on delete cascade,
  device_id        text   not null,
  scope            text   not null,
  state            text   not null default 'pending' check (state in ('pending', 'allowed', 'denied')),
  user_nid         bigint references accounts,
  polled_at        bigint,
  expires_at       bigint not null
);
create index oauth_device_grants_expiry on oauth_device_grants (expires_at);

-- People who have just confirmed, on our own page, that their cross-signing keys may be replaced.
create table cross_signing_approvals (
  user_nid   bigint primary key references accounts,
  expires_at bigint not null
);
