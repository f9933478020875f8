-- People of this server: accounts, addresses, devices, tokens, and what a sign-up or a password reset needs meanwhile.
-- Secrets are never stored: passwords as bcrypt, tokens as SHA-256, codes as HMAC.

create table accounts (
  user_nid      bigint  primary key references users,
  -- Null: nobody can log in with a password (guests, deactivated people, application services' users).
  password_hash text,
  is_admin      boolean not null default false,
  is_guest      boolean not null default false,
  status        text    not null default 'active' check (status in ('active', 'locked', 'suspended', 'deactivated')),
  erased        boolean not null default false,
  created_at    bigint  not null
);

create table threepids (
  medium       text   not null,
  address      text   not null,
  user_nid     bigint not null references accounts,
  validated_at bigint not null,
  added_at     bigint not null,
  primary key (medium, address)
);
create index threepids_user on threepids (user_nid);

create table devices (
  user_nid     bigint not null references accounts,
  device_id    text   not null,
  display_name text,
  created_at   bigint not null,
  last_seen_at bigint,
  last_seen_ip text,
  primary key (user_nid, device_id)
);

-- One access token, and the refresh token that came with it. A pair bought with a refresh token is 'unused' until its first use;
-- that use makes the pair it was bought with 'spent', and whoever shows a spent refresh token has stolen it or was robbed.
create table token_pairs (
  pair_id      bigint generated always as identity primary key,
  user_nid     bigint not null,
  device_id    text   not null,
  access_hash  bytea  not null unique,
  refresh_hash bytea  unique,
  -- Null: never.
  expires_at   bigint,
  state        text   not null check (state in ('unused', 'used', 'spent')),
  bought_with  bigint,
  created_at   bigint not null,
  foreign key (user_nid, device_id) references devices on delete cascade
);
create index token_pairs_device on token_pairs (user_nid, device_id);
create index token_pairs_bought_with on token_pairs (bought_with) where bought_with is not null;

-- User-interactive authentication under way. The request's body is kept as a hash only, bound by the first proof.
create table uia_sessions (
  session_id text   primary key,
  operation  text   not null,
  user_nid   bigint,
  body_hash  bytea,
  completed  text[] not null default '{}',
  email_sid  text,
  registration_token text,
  expires_at bigint not null
);
create index uia_sessions_expiry on uia_sessions (expires_at);

-- Proofs that somebody reads an e-mail address: a code of six digits, or the link in the same mail.
create table email_validations (
  sid                text    primary key,
  purpose            text    not null check (purpose in ('register', 'reset-password', 'add-address')),
  address            text    not null,
  client_secret_hash bytea   not null,
  send_attempt       bigint  not null,
  code_hmac          bytea   not null,
  link_hash          bytea   not null,
  tries              integer not null default 0,
  next_link          text,
  validated_at       bigint,
  -- The one session or account that the proof was spent on.
  spent_on           text,
  created_at         bigint  not null,
  expires_at         bigint  not null,
  unique (purpose, address, client_secret_hash)
);
create index email_validations_expiry on email_validations (expires_at);

create table mails_sent (
  address text   not null,
  sent_at bigint not null
);
create index mails_sent_address on mails_sent (address, sent_at);
create index mails_sent_age on mails_sent (sent_at);

create table registration_tokens (
  token        text   primary key,
  -- Null: any number of times.
  uses_allowed bigint,
  uses         bigint not null default 0,
  -- Null: never.
  expires_at   bigint
);

-- Short-lived tokens with which a logged-in client lets another one in.
create table login_tokens (
  token_hash bytea  primary key,
  user_nid   bigint not null references accounts,
  expires_at bigint not null
);
