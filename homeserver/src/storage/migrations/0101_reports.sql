-- What people report to those who run this server: an event, a room or a person.
create table reports (
  report_id    bigint generated always as identity primary key,
  received_at  bigint not null,
  reporter_nid bigint not null references users,
  room_id      text,
  event_id     text,
  reported_id  text,
  reason       text,
  score        integer
);
create index reports_reporter on reports (reporter_nid, received_at);
