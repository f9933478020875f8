import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ephemeralOf, inRoom, waitForEphemeral } from '../client-api/ephemeral-events.ts';
import { createCleanup } from '../kit/cleanup.ts';
import { createFakeClock, type FakeClock } from '../kit/fake-clock.ts';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

const MINUTE_MS = 60_000;
const WAIT = { timeout: 20_000 };
const nameOf = createNames();
const cleanup = createCleanup();
let clock: FakeClock;
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;

beforeAll(async () => {
  clock = createFakeClock();
  servers = cleanup.use(await startServers(1, { clock, hosts: ['127.0.0.1'], config: { presence: true } }));
  server = servers.at(0);
});
afterAll(cleanup.run);
/** A room with somebody of a peer in it; others in each scene. */
beforeEach(async () => {
  peer = await startHostilePeer(servers.ca);
  peer.answer((_method, path) => (path.includes('/v1/send/') ? { pdus: {} } : undefined));
  romeo = await servers.user('romeo', 0);
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), nameOf('tybalt'));
  await romeo.sync();
  return async () => await peer[Symbol.asyncDispose]();
});

const tell = async (...edus: { edu_type: string; content: JsonObject }[]) =>
  expect((await peer.sendPdus(server, [], edus, nameOf('edus'))).status).toBe(200);
const typing = (changes: JsonObject = {}) => ({
  edu_type: 'm.typing',
  content: { room_id: room.roomId, user_id: room.userId, typing: true, ...changes },
});
const receipt = (userId: string, eventId: string, data: JsonObject = { ts: 5 }, kind = 'm.read') => ({
  edu_type: 'm.receipt',
  content: { [room.roomId]: { [kind]: { [userId]: { event_ids: [eventId], data } } } },
});
const presence = (...push: JsonObject[]) => ({ edu_type: 'm.presence', content: { push } });
const online = (userId: string, changes: JsonObject = {}) => ({ user_id: userId, presence: 'online', last_active_ago: 10, ...changes });
const presenceOf = async (userId: string) =>
  (await romeo.attempt('GET', `/_matrix/client/v3/presence/${encodeURIComponent(userId)}/status`)).body;

/** Who is told to be present, in each transaction that came to the peer: their last words. */
function presencesTold(): unknown[][] {
  return peer.seen
    .filter(({ path }) => path.includes('/v1/send/'))
    .map(({ body }) => {
      const { edus = [] } = body as { edus?: { edu_type: string; content: { push: JsonObject[] } }[] };
      return edus.flatMap(({ edu_type: type, content }) =>
        type === 'm.presence' ? content.push.map((person) => person['status_msg']) : [],
      );
    })
    .filter((told) => told.length > 0);
}

test('who types is told, and nobody else: not of another server, nor who is not in the room', async () => {
  const other = `@paris:elsewhere.test`;
  await tell(
    typing({ user_id: other }),
    typing({ user_id: romeo.id }),
    typing({ user_id: `@absent:${peer.name}` }),
    typing({ room_id: '!no:where' }),
  );
  await tell(typing());
  expect(await waitForEphemeral(romeo, room.roomId, 'm.typing', () => true)).toEqual({ user_ids: [room.userId] });
  await tell(typing({ typing: false }));
  expect(await waitForEphemeral(romeo, room.roomId, 'm.typing', () => true)).toEqual({ user_ids: [] });
});

test('a receipt is for a person of the server that tells it, in a room they are in, and never a private one', async () => {
  const eventId = await romeo.send(room.roomId, 'read me');
  await tell(
    receipt(romeo.id, eventId),
    receipt('@paris:elsewhere.test', eventId),
    receipt(`@absent:${peer.name}`, eventId),
    receipt(room.userId, eventId, { ts: 5 }, 'm.read.private'),
    receipt(room.userId, eventId, { ts: 5, thread_id: '$invented' }),
    receipt(room.userId, eventId, { ts: 5, thread_id: 7 }),
  );
  await tell(receipt(room.userId, eventId, { ts: 7, thread_id: 'main' }));
  const seen = await waitForEphemeral(romeo, room.roomId, 'm.receipt', () => true);
  expect(seen).toEqual({ [eventId]: { 'm.read': { [room.userId]: { ts: 7, thread_id: 'main' } } } });
});

test('a server that the room keeps out tells neither who types there nor who has read', async () => {
  const eventId = await romeo.send(room.roomId, 'read me');
  await romeo.setState(room.roomId, 'm.room.server_acl', { allow: ['*'], deny: [peer.name.replace(/:.*/, '')] });
  await tell(typing(), receipt(room.userId, eventId));
  const after = await romeo.send(room.roomId, 'the end');
  let shown: { type: string }[] = [];
  for (let last = ''; last !== after; ) {
    const answer = await romeo.sync({ timeoutMs: 1_000 });
    shown = [...shown, ...ephemeralOf(answer, room.roomId)];
    const rooms = answer['rooms'] as { join?: Record<string, { timeline: { events: { event_id: string }[] } }> };
    last = rooms.join?.[room.roomId]?.timeline.events.at(-1)?.event_id ?? last;
  }
  expect(shown).toEqual([]);
  expect((await romeo.call('GET', inRoom(room.roomId, 'joined_members')))['joined']).toHaveProperty([room.userId]);
});

test('a server tells of its own people that they are there, and is believed for half an hour', async () => {
  const second = await peer.join(server, room.roomId, nameOf('second'));
  await tell(
    presence(online(room.userId), online(romeo.id, { status_msg: 'a lie' }), online('nonsense'), {
      user_id: second.userId,
      presence: 'odd',
    }),
  );
  expect(await presenceOf(room.userId)).toMatchObject({ presence: 'online' });
  expect(await presenceOf(romeo.id)).not.toHaveProperty('status_msg');
  expect(await presenceOf(second.userId)).toMatchObject({ presence: 'offline' });
  clock.advance(26 * MINUTE_MS);
  await tell(presence(online(second.userId, { status_msg: 'still here' })));
  clock.advance(5 * MINUTE_MS);
  await expect.poll(() => presenceOf(room.userId), WAIT).toMatchObject({ presence: 'offline' });
  expect(await presenceOf(second.userId)).toMatchObject({ presence: 'online', status_msg: 'still here' });
});

test('other servers are told again of who stays', async () => {
  const waiting = romeo.call(
    'GET',
    '/_matrix/client/v3/sync?timeout=60000&filter={"room":{"rooms":[]},"presence":{"types":[]},"account_data":{"types":["m.end"]}}',
  );
  await romeo.call('PUT', `/_matrix/client/v3/presence/${encodeURIComponent(romeo.id)}/status`, { presence: 'online', status_msg: 'here' });
  await expect.poll(() => presencesTold().flat(), WAIT).toContain('here');
  peer.seen.length = 0;
  clock.advance(26 * MINUTE_MS);
  await expect.poll(() => presencesTold().flat(), WAIT).toContain('here');
  await romeo.call('PUT', `/_matrix/client/v3/user/${encodeURIComponent(romeo.id)}/account_data/m.end`, { said: true });
  await waiting;
});

test('of what somebody says of themselves while a server is slow, it is told the last', async () => {
  const held = Promise.withResolvers<void>();
  const say = async (text: string) =>
    await romeo.call('PUT', `/_matrix/client/v3/presence/${encodeURIComponent(romeo.id)}/status`, { presence: 'online', status_msg: text });
  peer.answer(async (_method, path) => {
    if (!path.includes('/v1/send/')) return undefined;
    await held.promise;
    return { pdus: {} };
  });
  await say('first');
  await expect.poll(() => presencesTold().at(-1), WAIT).toContain('first');
  for (const text of ['second', 'third', 'last']) await say(text);
  held.resolve();
  await expect.poll(() => presencesTold().at(-1), WAIT).toEqual(['last']);
  expect(
    presencesTold()
      .flat()
      .filter((text) => text === 'second' || text === 'third'),
  ).toEqual([]);
});
