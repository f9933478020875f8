import type { PublicRoom } from 'federation-spec/api/schemas/room-directory.ts';
import type { HotRoom } from '../rooms/hot-room.ts';

/** A room as strangers see it in a directory. https://spec.matrix.org/latest/client-server-api/#published-room-directory */
export function describeRoom(room: HotRoom): PublicRoom {
  const text = (type: string, key: string): string | undefined => {
    const value = room.find(type, '')?.content[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const optional = {
    name: text('m.room.name', 'name'),
    topic: text('m.room.topic', 'topic'),
    canonical_alias: text('m.room.canonical_alias', 'alias'),
    avatar_url: text('m.room.avatar', 'url'),
    join_rule: text('m.room.join_rules', 'join_rule'),
    room_type: text('m.room.create', 'type'),
  };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return {
    ...given,
    room_id: room.roomId,
    num_joined_members: [...room.joinedServers.values()].reduce((sum, joined) => sum + joined, 0),
    world_readable: text('m.room.history_visibility', 'history_visibility') === 'world_readable',
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
  };
}
