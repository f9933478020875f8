import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { HOSTILE_VALUES } from './bad-input.ts';

const CLIENT = '/_matrix/client/v3';

/** State that the server itself reads, with the keys it looks at. */
const STATE: Readonly<Record<string, readonly string[]>> = {
  'm.room.name': ['name'],
  'm.room.topic': ['topic', 'm.topic'],
  'm.room.avatar': ['url', 'info'],
  'm.room.canonical_alias': ['alias', 'alt_aliases'],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.history_visibility': ['history_visibility'],
  'm.room.guest_access': ['guest_access'],
  'm.room.encryption': ['algorithm'],
  'm.room.tombstone': ['replacement_room', 'body'],
  'm.room.pinned_events': ['pinned'],
  'm.room.server_acl': ['allow', 'deny', 'allow_ip_literals'],
  'm.room.third_party_invite': ['public_key', 'public_keys', 'display_name', 'key_validity_url'],
  'm.room.retention': ['min_lifetime', 'max_lifetime'],
  'm.space.child': ['via', 'order', 'suggested'],
  'm.space.parent': ['via', 'canonical'],
  'm.room.power_levels': ['users', 'events', 'users_default', 'events_default', 'state_default', 'ban', 'notifications'],
};

/** Whatever the room's state is, these are answered. */
const READS = (room: string) => [
  `${CLIENT}/sync?filter=${encodeURIComponent('{"room":{"timeline":{"limit":1}}}')}`,
  `${CLIENT}/rooms/${room}/state`,
  `${CLIENT}/rooms/${room}/messages?dir=b&limit=5`,
  `${CLIENT}/rooms/${room}/members`,
  `${CLIENT}/rooms/${room}/joined_members`,
  `/_matrix/client/v1/rooms/${room}/hierarchy`,
  `/_matrix/client/v1/room_summary/${room}`,
  `${CLIENT}/publicRooms`,
  `${CLIENT}/notifications`,
];

test.each(Object.entries(STATE))('a room with hostile %s is read, written and upgraded like any other', async (type, keys) => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat', visibility: 'public' });
  await juliet.join(roomId);
  const room = encodeURIComponent(roomId);
  const check = async (what: string, method: string, path: string, body?: unknown) => {
    for (const user of [romeo, juliet]) {
      const answer = await user.attempt(method, path, body);
      expect(answer.status, `${method} ${path} after ${what}: ${JSON.stringify(answer.body).slice(0, 200)}`).toBeLessThan(500);
    }
  };

  for (const key of keys) {
    for (const value of HOSTILE_VALUES) {
      const what = `${key}: ${JSON.stringify(value).slice(0, 40)}`;
      const sent = await romeo.attempt('PUT', `${CLIENT}/rooms/${room}/state/${type}/`, { [key]: value });
      expect(sent.status, what).toBeLessThan(500);
      if (sent.status !== 200) continue;
      for (const path of READS(room)) await check(what, 'GET', path);
      await check(what, 'PUT', `${CLIENT}/rooms/${room}/send/m.room.message/${Math.random()}`, { msgtype: 'm.text', body: 'still here' });
    }
  }
  await check('everything', 'POST', `${CLIENT}/rooms/${room}/upgrade`, { new_version: '11' });
});
