-- Signing in by another provider: log-ins under way, and whose identity there is whose account here.
create table sso_attempts (
  state_hash    bytea  primary key,
  -- Of the cookie of the browser that began it.
  browser_hash  bytea  not null,
  nonce         text   not null,
  code_verifier text   not null,
  -- What comes after: a client's address ('client'), a page of ours ('page'), or a session that asks for proof ('proof').
  purpose       text   not null check (purpose in ('client', 'page', 'proof')),
  target        text   not null,
  -- JSON: who came back and has no account yet.
  identity      text,
  expires_at    bigint not null
);
create index sso_attempts_expiry on sso_attempts (expires_at);

create table upstream_identities (
  issuer     text   not null,
  subject    text   not null,
  user_nid   bigint not null references accounts,
  created_at bigint not null,
  primary key (issuer, subject)
);
create index upstream_identities_user on upstream_identities (user_nid);
