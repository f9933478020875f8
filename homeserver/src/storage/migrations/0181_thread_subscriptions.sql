-- Which threads a person follows, and which they follow no more. `position`: when that last changed.
create table thread_subscriptions (
  user_nid      bigint  not null references users,
  room_nid      bigint  not null references rooms,
  root_id       text    not null,
  is_subscribed boolean not null,
  -- A client subscribed by itself, because of something the person did or that named them.
  is_automatic  boolean not null,
  position      bigint  not null,
  primary key (user_nid, room_nid, root_id)
);
create index thread_subscriptions_position on thread_subscriptions (user_nid, position);
