-- Several providers to sign in by, and identities there that are linked to accounts that are here already.
alter table sso_attempts add column provider text not null default 'oidc';
alter table sso_attempts drop constraint sso_attempts_purpose_check;
alter table sso_attempts add constraint sso_attempts_purpose_check check (purpose in ('client', 'page', 'proof', 'link'));
