-- Which version of which document a person accepted when the account was made.
create table accepted_policies (
  user_nid    bigint not null references accounts,
  policy      text   not null,
  version     text   not null,
  accepted_at bigint not null,
  primary key (user_nid, policy, version)
);
