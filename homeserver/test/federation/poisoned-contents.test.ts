import type { JsonObject } from 'federation-spec/events/event.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const enc = encodeURIComponent;
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;
/** What the server logged as its own fault. */
const faults: string[] = [];

beforeAll(async () => {
  servers = await startServers(1, { logger: pino({ level: 'error' }, { write: (line: string) => void faults.push(line) }) });
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type Unread = { rooms: { join: Record<string, { unread_notifications: { notification_count: number; highlight_count: number } }> } };
async function countUnread(): Promise<number> {
  const { rooms } = (await romeo.sync({ since: '' })) as Unread;
  return rooms.join[room.roomId]?.unread_notifications.notification_count ?? 0;
}

/** What no name is: with the one character that the database does not take, longer than an index holds, of another kind. */
const NO_NAMES: unknown[] = ['\u0000', `$\u0000${'x'.repeat(42)}`, 'x'.repeat(20_000), `$${'é'.repeat(5_000)}`, '', 7, null, {}, ['$x']];

function poisoned(name: unknown): JsonObject[] {
  const relation = (rel: unknown): unknown => ({ msgtype: 'm.text', body: 'x', 'm.relates_to': rel });
  return [
    relation({ rel_type: 'm.thread', event_id: name }),
    relation({ rel_type: 'm.thread', event_id: room.joinId, 'm.in_reply_to': { event_id: name } }),
    relation({ rel_type: 'm.reference', event_id: name }),
    relation({ rel_type: 'm.annotation', event_id: room.joinId, key: name }),
    relation({ rel_type: name, event_id: room.joinId }),
    relation({ rel_type: 'm.replace', event_id: name }),
    relation(name),
    { msgtype: 'm.text', body: name, formatted_body: name, 'm.mentions': { user_ids: [name, romeo.id], room: name } },
    { msgtype: name, body: 'x', 'm.mentions': name },
    { msgtype: 'm.file', body: 'x', url: name, info: { thumbnail_url: name } },
    { 'm.new_content': name, body: 'x', msgtype: 'm.text' },
  ] as unknown as JsonObject[];
}

test('names that are none, in what an event says, keep nobody from counting, searching, pushing or reading on', async () => {
  const all = NO_NAMES.flatMap(poisoned);
  let last = '';
  for (let start = 0; start < all.length; start += 40) {
    const made = await Promise.all(all.slice(start, start + 40).map((content) => room.event({ content })));
    expect(
      (
        await peer.sendPdus(
          server,
          made.map(({ event }) => event),
        )
      ).status,
    ).toBe(200);
    last = made.at(-1)?.id ?? '';
    await expect.poll(() => storedKind(server, last), WAIT).not.toBeUndefined();
  }
  await romeo.call('POST', `/_matrix/client/v3/rooms/${enc(room.roomId)}/receipt/m.read/${enc(last)}`, {});
  const said = await room.event({
    content: { msgtype: 'm.text', body: 'a pomegranate for romeo', 'm.mentions': { user_ids: [romeo.id] } },
  });
  await peer.sendPdus(server, [said.event]);
  await expect.poll(() => storedKind(server, said.id), WAIT).toBe('timeline');
  await expect.poll(countUnread, WAIT).toBeGreaterThan(0);
  const search = { search_categories: { room_events: { search_term: 'pomegranate' } } };
  const found = async () => JSON.stringify(await romeo.call('POST', '/_matrix/client/v3/search', search));
  await expect.poll(found, WAIT).toContain(said.id);
  const notified = async () => JSON.stringify(await romeo.call('GET', '/_matrix/client/v3/notifications'));
  await expect.poll(notified, WAIT).toContain(said.id);
  for (const path of [
    `v3/rooms/${enc(room.roomId)}/messages?dir=b&limit=100`,
    `v1/rooms/${enc(room.roomId)}/threads`,
    `v1/rooms/${enc(room.roomId)}/relations/${enc(room.joinId)}`,
  ])
    expect((await romeo.attempt('GET', `/_matrix/client/${path}`)).status, path).toBe(200);
  await romeo.send(room.roomId, 'still here');
  expect(faults).toEqual([]);
});

test('so do they in state and in memberships', async () => {
  const member = (content: JsonObject) =>
    room.event({ type: 'm.room.member', state_key: room.userId, content: { membership: 'join', ...content } });
  const made = await Promise.all(
    NO_NAMES.flatMap((name) => [
      member({ displayname: name, avatar_url: name, reason: name } as unknown as JsonObject),
      member({ join_authorised_via_users_server: name } as unknown as JsonObject),
      member({ third_party_invite: { display_name: name, signed: { mxid: name, token: name, signatures: {} } } } as unknown as JsonObject),
      room.event({
        type: 'm.room.member',
        state_key: romeo.id,
        content: { membership: 'invite', third_party_invite: { signed: { mxid: romeo.id, token: name } } } as unknown as JsonObject,
      }),
      room.event({ type: 'm.room.redaction', content: { redacts: name } as unknown as JsonObject }),
    ]),
  );
  for (let start = 0; start < made.length; start += 40)
    expect(
      (
        await peer.sendPdus(
          server,
          made.slice(start, start + 40).map(({ event }) => event),
        )
      ).status,
    ).toBe(200);
  const good = await room.event({ content: { msgtype: 'm.text', body: 'good' } });
  await peer.sendPdus(server, [good.event]);
  await expect.poll(() => storedKind(server, good.id), WAIT).toBe('timeline');
  await expect
    .poll(async () => (await server.sql`select 1 from federation_staged where attempts = 0 and room_id = ${room.roomId}`).length, WAIT)
    .toBe(0);
  for (const { event, id } of made) {
    const path = `/_matrix/federation/v2/send_join/${enc(room.roomId)}/${enc(id)}`;
    expect((await peer.call(server, 'PUT', path, event)).status, JSON.stringify(event.content).slice(0, 200)).toBeLessThan(500);
  }
  // The last name is one that the database does not read, and everybody who shares the room looks it up.
  const last = await member({ displayname: 'Ty\u0000balt' });
  await peer.sendPdus(server, [last.event]);
  await expect.poll(() => storedKind(server, last.id), WAIT).toBe('timeline');
  const { results } = await romeo.call('POST', '/_matrix/client/v3/user_directory/search', { search_term: 'tybalt' });
  expect(results).toEqual([expect.objectContaining({ user_id: room.userId })]);
  await romeo.send(room.roomId, 'still here');
  await romeo.sync({ since: '' });
  expect(faults).toEqual([]);
});
