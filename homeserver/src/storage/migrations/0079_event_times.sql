-- Finding the event nearest to a time.
create index events_room_time on events (room_nid, origin_server_ts) where kind < 2;
