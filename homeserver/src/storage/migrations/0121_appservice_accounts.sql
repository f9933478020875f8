-- Accounts that application services made: nobody's first account, and no person's.
alter table accounts add column by_appservice boolean not null default false;
