-- Redactions whose target is not here yet.
create table waiting_redactions (
  target_id text   not null,
  event_nid bigint not null,
  primary key (target_id, event_nid)
);
