-- The words of messages, names and topics: written by a follower of the log, which can write it all anew.
create table search_entries (
  event_nid bigint   primary key,
  room_nid  bigint   not null references rooms,
  sender_nid bigint  not null,
  position  bigint   not null,
  -- 0 content.body, 1 content.name, 2 content.topic
  key       smallint not null,
  has_url   boolean  not null,
  words     tsvector not null
);
create index search_entries_words on search_entries using gin (words);
create index search_entries_room on search_entries (room_nid, position);
