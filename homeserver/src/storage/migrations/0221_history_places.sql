-- Where a room's history has gaps, or had them until they were filled: events behind one stand on multiples of 2^24 in the room's own order.
create index events_behind_gap on events (room_nid, topological) where position is not null and topological % 16777216 = 0;
-- The state events among those that came by backfill: they have no place in the log, only in the room's own order.
create index events_backfilled_state on events (room_nid, key_nid) where kind = 1 and key_nid is not null;
