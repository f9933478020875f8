-- Which events relate to which: written in the statement that writes the event, whatever its kind. The target may not be here (yet).
create table relations (
  event_nid      bigint  primary key,
  room_nid       bigint  not null references rooms,
  target_id      text    not null,
  rel_type       text    not null,
  -- What a reaction says; null for other relations.
  annotation_key text,
  -- An edit that can stand for its target: it says what is new, and is no state event.
  can_replace    boolean not null
);
create index relations_target on relations (target_id, rel_type);
create index relations_threads on relations (room_nid, target_id) where rel_type = 'm.thread';
