-- Which intervals of a room's state ended in a stretch of the log: how a state that was differs from one that is known.
create index state_intervals_closed on state_intervals (room_nid, to_pos) where to_pos < 9223372036854775807;
