import type { JsonObject } from 'federation-spec/events/event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { createNames, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const WAIT = { timeout: 60_000 };

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;
let otherRoomId: string;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  otherRoomId = await romeo.createRoom({ preset: 'private_chat' });
  room = await peer.join(servers.at(0), roomId, 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

async function isStored(id: string): Promise<string | undefined> {
  const [row] = await servers.at(0).sql<{ kind: number }[]>`select kind from events where event_id = ${id}`;
  return row === undefined ? undefined : ['timeline', 'backfilled', 'outlier', 'soft_failed', 'rejected'][row.kind];
}

/** Sends a good event after the bad ones and waits until it is in the room: what came before it has then been dealt with. */
async function sendGood(): Promise<void> {
  const good = await room.event({});
  await peer.sendPdus(servers.at(0), [good.event]);
  await expect.poll(() => isStored(good.id), WAIT).toBe('timeline');
  room.head = { id: good.id, depth: good.event.depth };
}

test('good events are shown', sendGood);

test('S5: an event with a wrong signature, a foreign sender or a changed sender is dropped; its neighbours are not harmed', async () => {
  const good = await room.event({});
  const forged = await room.event({ sender: romeo.id });
  const altered = await room.event({ content: { msgtype: 'm.text', body: 'a' } });
  const resent = { ...altered.event, sender: `@mercutio:${peer.name}` };
  const unsigned = { ...(await room.event({ content: { body: 'b' } })).event, signatures: {} };
  const answer = await peer.sendPdus(servers.at(0), [forged.event, resent, unsigned, good.event]);
  expect(answer.status).toBe(200);
  await expect.poll(() => isStored(good.id)).toBe('timeline');
  room.head = { id: good.id, depth: good.event.depth };
  expect(await isStored(forged.id)).toBeUndefined();
  const [{ count } = { count: 0 }] = await servers.at(0).sql<{ count: number }[]>`
    select count(*)::bigint as count from events where json like '%mercutio%' or json like '%"body":"b"%'`;
  expect(count).toBe(0);
});

test('S5: an event whose content was changed on the way is kept without it', async () => {
  const { event, id } = await room.event({ content: { msgtype: 'm.text', body: 'true words' } });
  await peer.sendPdus(servers.at(0), [{ ...event, content: { msgtype: 'm.text', body: 'false words' } }]);
  await expect.poll(() => isStored(id), WAIT).toBe('timeline');
  const [row] = await servers.at(0).sql<{ json: string }[]>`select json from events where event_id = ${id}`;
  expect(row?.json).not.toMatch(/words/);
  room.head = { id, depth: event.depth };
});

test('S6: an event that its sender may not send is rejected and remembered', async () => {
  const { event, id } = await room.event({ type: 'm.room.name', state_key: '', content: { name: 'Verona' } });
  await peer.sendPdus(servers.at(0), [event]);
  await expect.poll(() => isStored(id), WAIT).toBe('rejected');
  expect((await romeo.state(room.roomId)).some((shown) => shown.type === 'm.room.name')).toBe(false);
  await sendGood();
});

test('S8: auth events of another room, or named twice, allow nothing', async () => {
  const [foreign] = await servers.at(0).sql<{ event_id: string }[]>`
    select event_id from events e join rooms r using (room_nid) where r.room_id = ${otherRoomId} and type = 'm.room.power_levels'`;
  const proper = await room.event({});
  const [first, ...others] = proper.event.auth_events;
  const twice = await room.event({ auth_events: [...proper.event.auth_events, first ?? ''], content: { body: 'twice' } });
  const abroad = await room.event({ auth_events: [foreign?.event_id ?? '', ...others], content: { body: 'abroad' } });
  await peer.sendPdus(servers.at(0), [twice.event, abroad.event]);
  await sendGood();
  for (const { id } of [twice, abroad]) expect(await isStored(id)).toBe('rejected');
});

const malformed: [string, JsonObject][] = [
  ['a depth beyond 2^53', { depth: 2 ** 63 }],
  ['a negative depth', { depth: -1 }],
  ['a fractional depth', { depth: 1.5 }],
  ['a number in the content that no canonical JSON has', { content: { n: 1e300 } }],
  ['NUL in its type', { type: 'm.room.message\u0000' }],
  ['NUL in its state key', { type: 'm.x', state_key: 'a\u0000b' }],
  ['half a surrogate pair', { content: { body: '\ud800' } }],
  ['a sender that is no user id', { sender: 'tybalt' }],
  ['more than 20 prev_events', { prev_events: Array.from({ length: 21 }, (_, i) => `$${String(i).padStart(43, 'x')}`) }],
  ['more than 10 auth_events', { auth_events: Array.from({ length: 11 }, (_, i) => `$${String(i).padStart(43, 'x')}`) }],
  ['more than 65,536 bytes', { content: { body: 'x'.repeat(65_536) } }],
  ['content that is no object', { content: [] }],
];

test.each(malformed)('S12, S13: an event with %s is refused, and the next one is taken', async (_what, changes) => {
  const { event } = await room.event({});
  const bad = { ...event, ...changes };
  const before = await servers.at(0).sql<{ count: number }[]>`select count(*)::bigint as count from events`;
  const answer = await peer.sendPdus(servers.at(0), [bad]);
  expect(answer.status).toBe(200);
  await sendGood();
  const after = await servers.at(0).sql<{ count: number }[]>`select count(*)::bigint as count from events`;
  expect((after[0]?.count ?? 0) - (before[0]?.count ?? 0)).toBe(1);
});

test('S12: what is no object harms neither the events nor the rest of a transaction', async () => {
  const good = await room.event({});
  const answer = await peer.sendPdus(servers.at(0), [7, null, 'event', [], good.event], ['typing', null, {}]);
  expect([answer.status, answer.body]).toEqual([200, { pdus: { [good.id]: {} } }]);
  await expect.poll(() => isStored(good.id), WAIT).toBe('timeline');
  room.head = { id: good.id, depth: good.event.depth };
});

test('S32: a transaction sent twice has one effect and the same answer', async () => {
  const { event, id } = await room.event({});
  const txnId = nameOf('twice');
  const first = await peer.sendPdus(servers.at(0), [event], [], txnId);
  const second = await peer.sendPdus(servers.at(0), [event], [], txnId);
  expect(second).toEqual(first);
  await expect.poll(() => isStored(id), WAIT).toBe('timeline');
  room.head = { id, depth: event.depth };
});

test('S32: more than 50 events or 100 EDUs are refused', async () => {
  const { event } = await room.event({});
  expect(
    (
      await peer.sendPdus(
        servers.at(0),
        Array.from({ length: 51 }, () => event),
      )
    ).status,
  ).toBe(400);
  expect(
    (
      await peer.sendPdus(
        servers.at(0),
        [],
        Array.from({ length: 101 }, () => ({ edu_type: 'x', content: {} })),
      )
    ).status,
  ).toBe(400);
});

test('S32: events of rooms that are not here, or not theirs, are not stored', async () => {
  const other = await room.event({ room_id: otherRoomId });
  const unknown = await room.event({ room_id: `!nowhere:${peer.name}` });
  await peer.sendPdus(servers.at(0), [other.event, unknown.event]);
  await sendGood();
  expect([await isStored(other.id), await isStored(unknown.id)].includes('timeline')).toBe(false);
});

test('S57: requests that are not signed as they must be are refused', async () => {
  const path = '/_matrix/federation/v1/send/unsigned';
  const body = { origin: peer.name, origin_server_ts: 0, pdus: [] };
  const header = (rest: string) => `X-Matrix origin="${peer.name}",key="ed25519:evil",sig="AAAA"${rest}`;
  for (const authorization of [
    header(''),
    header(',destination="elsewhere.test"'),
    'Bearer x',
    `X-Matrix origin="${servers.at(0).name}",key="a",sig="b"`,
  ]) {
    expect((await peer.call(servers.at(0), 'PUT', path, body, authorization)).status).toBe(401);
  }
});

test('S14: what is in other rooms is not told, and all refusals look alike', async () => {
  const [secret] = await servers.at(0).sql<{ event_id: string }[]>`
    select event_id from events e join rooms r using (room_nid) where r.room_id = ${otherRoomId} limit 1`;
  const id = encodeURIComponent(secret?.event_id ?? '');
  const mine = encodeURIComponent(room.roomId);
  const nowhere = encodeURIComponent('$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
  const ask = (path: string) => peer.call(servers.at(0), 'GET', `/_matrix/federation/v1/${path}`);
  expect(await ask(`event/${id}`)).toEqual(await ask(`event/${nowhere}`));
  for (const read of ['state', 'state_ids']) {
    expect(await ask(`${read}/${mine}?event_id=${id}`)).toEqual(await ask(`${read}/${mine}?event_id=${nowhere}`));
    expect((await ask(`${read}/${encodeURIComponent(otherRoomId)}?event_id=${id}`)).status).toBe(403);
  }
  expect(await ask(`event_auth/${mine}/${id}`)).toEqual(await ask(`event_auth/${mine}/${nowhere}`));
  expect((await ask(`backfill/${encodeURIComponent(otherRoomId)}?v=${id}&limit=10`)).status).toBe(403);
});

test('S3: send_join takes only a join, of the sender, in the room, under the id that the path names', async () => {
  const path = (id: string) => `/_matrix/federation/v2/send_join/${encodeURIComponent(room.roomId)}/${encodeURIComponent(id)}`;
  const userId = `@paris:${peer.name}`;
  const drafts = {
    'a leave': { type: 'm.room.member', state_key: userId, sender: userId, content: { membership: 'leave' } },
    'a message': { type: 'm.room.message', sender: userId, content: { body: 'x' } },
    'a join of somebody else': {
      type: 'm.room.member',
      state_key: `@rosaline:${peer.name}`,
      sender: userId,
      content: { membership: 'join' },
    },
    'a join of our own user': { type: 'm.room.member', state_key: romeo.id, sender: romeo.id, content: { membership: 'join' } },
    'another room': { type: 'm.room.member', state_key: userId, sender: userId, content: { membership: 'join' }, room_id: otherRoomId },
  };
  for (const draft of Object.values(drafts)) {
    const { event, id } = await room.event(draft);
    expect((await peer.call(servers.at(0), 'PUT', path(id), event)).status).toBeGreaterThanOrEqual(400);
    expect(await isStored(id)).toBeUndefined();
  }
  const { event } = await room.event({ type: 'm.room.member', state_key: userId, sender: userId, content: { membership: 'join' } });
  expect((await peer.call(servers.at(0), 'PUT', path('$other'), event)).status).toBe(400);
});

test('S1: a template that asks for anything but the join is not signed', async () => {
  const evilRoomId = `!trap:${peer.name}`;
  const template = (changes: JsonObject): JsonObject => ({
    type: 'm.room.member',
    room_id: evilRoomId,
    sender: romeo.id,
    state_key: romeo.id,
    content: { membership: 'join' },
    depth: 5,
    prev_events: ['$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    auth_events: [],
    origin_server_ts: 0,
    ...changes,
  });
  const traps: JsonObject[] = [
    { type: 'm.room.power_levels', state_key: '' },
    { room_id: otherRoomId },
    { sender: `@someone:${servers.at(0).name}` },
    { state_key: `@someone:${servers.at(0).name}` },
    { content: { membership: 'ban' } },
    { content: { membership: 'join', join_authorised_via_users_server: romeo.id } },
    { depth: -5 },
    { prev_events: 'no list' },
  ];
  peer.seen.length = 0;
  for (const trap of traps) {
    peer.answer((_method, path) => (path.includes('/make_join/') ? { room_version: '11', event: template(trap) } : undefined));
    const answer = await romeo.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(evilRoomId)}?via=${peer.name}`, {});
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
  expect(peer.seen.some((request) => request.path.includes('/send_join/'))).toBe(false);

  // What we add of our own is all that is in the event, whatever the template says beside it.
  peer.answer((_method, path) =>
    path.includes('/make_join/')
      ? { room_version: '11', event: template({ redacts: '$x', content: { membership: 'join', evil: true } }) }
      : undefined,
  );
  await romeo.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(evilRoomId)}?via=${peer.name}`, {});
  const sent = peer.seen.find((request) => request.path.includes('/send_join/'))?.body as JsonObject;
  expect(sent['redacts']).toBeUndefined();
  expect(JSON.stringify(sent)).not.toContain('evil"');
});

test("S2: an invite is signed only when it is one, for a user here, by the inviter's own server", async () => {
  const invite = async (changes: JsonObject, roomId = `!party:${peer.name}`) => {
    const draft = { room_id: roomId, type: 'm.room.member', state_key: romeo.id, content: { membership: 'invite' }, ...changes };
    const { event, id } = await room.event({ ...draft, auth_events: [], prev_events: [] });
    const path = `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`;
    return await peer.call(servers.at(0), 'PUT', path, { room_version: '11', event, invite_room_state: [] });
  };
  expect((await invite({ type: 'm.room.power_levels', state_key: '' })).status).toBe(400);
  expect((await invite({ content: { membership: 'join' } })).status).toBe(400);
  expect((await invite({ state_key: `@nobody:${servers.at(0).name}` })).status).toBe(403);
  expect((await invite({ sender: romeo.id })).status).toBeGreaterThanOrEqual(400);
  expect((await invite({ state_key: `@x:elsewhere.test` })).status).toBe(400);
  const good = await invite({});
  expect(good.status).toBe(200);
  expect(Object.keys((good.body['event'] as JsonObject)['signatures'] as JsonObject)).toContain(servers.at(0).name);
});

test('other rooms go on', async () => {
  const eventId = await romeo.send(otherRoomId, 'still here');
  expect(await isStored(eventId)).toBe('timeline');
});
