import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type HostilePeer, type PeerAnswer, type PeerRoom, peerError, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(() => peer.answer(() => undefined));
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const FEDERATION = '/_matrix/federation';
const nowhere = '$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const guest = () => `@tybalt:${peer.name}`;
const path = (...parts: string[]) => [FEDERATION, ...parts.map(encodeURIComponent)].join('/');
const get = (uri: string) => peer.call(server, 'GET', uri);
const make = (membership: string, roomId: string, query = '?ver=11&ver=12', userId = guest()) =>
  get(`${path('v1', `make_${membership}`, roomId, userId)}${query}`);
const told = ({ status, body }: PeerAnswer) => [status, body['errcode']];

test('a template is made for users of who asks, in rooms that are here, of a version they know', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: '10' });
  expect(await make('join', roomId, '?ver=10')).toMatchObject({
    status: 200,
    body: {
      room_version: '10',
      event: { type: 'm.room.member', sender: guest(), state_key: guest(), room_id: roomId, content: { membership: 'join' } },
    },
  });
  const other = await make('join', roomId, '?ver=11&ver=12');
  expect(told(other)).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  expect(other.body['room_version']).toBe('10');
  expect(told(await make('join', roomId, ''))).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  expect(told(await make('join', roomId, '?ver=10', romeo.id))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await make('join', roomId, '?ver=10', '@x:elsewhere.test'))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await make('join', `!nowhere:${server.name}`))).toEqual([404, 'M_NOT_FOUND']);
  expect(told(await make('leave', roomId, '', '@x:elsewhere.test'))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await make('knock', roomId, '?ver=12'))).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  expect(told(await make('knock', roomId, '?ver=10'))).toEqual([403, 'M_FORBIDDEN']);
});

test('who may not come in is told so before anything is signed', async () => {
  const closed = await romeo.createRoom({ preset: 'private_chat' });
  expect(told(await make('join', closed))).toEqual([403, 'M_FORBIDDEN']);
  const open = await romeo.createRoom({ preset: 'public_chat' });
  await romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(open)}/ban`, { user_id: guest() });
  expect(told(await make('join', open))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await make('leave', open, ''))).toEqual([403, 'M_FORBIDDEN']);
  const old = await romeo.createRoom({ preset: 'public_chat', room_version: '6' });
  expect(told(await make('knock', old, '?ver=6'))).toEqual([403, 'M_FORBIDDEN']);
});

test('a restricted room says whether it refuses, cannot tell, or nobody here may let anybody in', async () => {
  const allowed = await romeo.createRoom({ preset: 'private_chat' });
  const restrictedTo = async (...roomIds: string[]) => {
    const allow = roomIds.map((roomId) => ({ type: 'm.room_membership', room_id: roomId }));
    const content = { join_rule: 'restricted', allow };
    return await romeo.createRoom({ room_version: '10', initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] });
  };
  const known = await restrictedTo(allowed);
  expect(told(await make('join', known, '?ver=10'))).toEqual([403, 'M_FORBIDDEN']);
  const unknown = await restrictedTo(allowed, '!elsewhere:elsewhere.test');
  expect(told(await make('join', unknown, '?ver=10'))).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN']);

  const open = await romeo.createRoom({ preset: 'public_chat' });
  await peer.join(server, open, 'tybalt');
  const through = await restrictedTo(open);
  expect((await make('join', through, '?ver=10')).body['event']).toMatchObject({
    content: { membership: 'join', join_authorised_via_users_server: romeo.id },
  });
  const levels = { users: { [romeo.id]: 100 }, invite: 100 };
  await romeo.setState(through, 'm.room.power_levels', levels);
  const juliet = await servers.user('juliet', 0);
  await romeo.invite(through, juliet.id);
  await juliet.join(through);
  await romeo.leave(through);
  expect(told(await make('join', through, '?ver=10'))).toEqual([400, 'M_UNABLE_TO_GRANT_JOIN']);
});

test('what is sent must be the membership that the path names, signed by its sender', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const made = await make('join', roomId);
  const { event, id, rules } = await peer.complete(made.body);
  const send = (changed: JsonObject, eventId: string, endpoint = 'send_join') =>
    peer.call(server, 'PUT', path('v2', endpoint, roomId, eventId), changed);
  const signed = async (changes: JsonObject): Promise<[JsonObject, string]> => {
    const { signatures: _, hashes: __, ...draft } = event;
    const made = await signEvent({ ...draft, ...changes } as typeof draft, rules, peer.signer);
    return [{ ...made }, eventIdOf(made, rules)];
  };
  expect((await send(...(await signed({ type: 'm.room.message' })))).status).toBe(400);
  expect((await send(...(await signed({ content: { membership: 'leave' } })))).status).toBe(400);
  expect((await send(...(await signed({ state_key: `@paris:${peer.name}` })))).status).toBe(400);
  expect(told(await send({ ...event }, nowhere))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await send({ ...event, signatures: {} }, id))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await send({ ...event, depth: 1.5 }, id))).toEqual([400, 'M_BAD_JSON']);
  expect(told(await send({ ...event }, id, 'send_leave'))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await send(...(await signed({ prev_events: [nowhere] }))))).toEqual([400, 'M_INVALID_PARAM']);
  expect(await storedKind(server, id)).toBeUndefined();
  const good = await send({ ...event }, id);
  expect(good).toMatchObject({ status: 200, body: { event: { state_key: guest() }, members_omitted: false } });
});

test('the first version of send_join and send_leave answers a pair', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const join = await peer.complete((await make('join', roomId)).body);
  const joined = await peer.call(server, 'PUT', path('v1', 'send_join', roomId, join.id), join.event);
  expect(joined.body).toEqual([200, expect.objectContaining({ state: expect.any(Array), auth_chain: expect.any(Array) })]);
  const leave = await peer.complete((await make('leave', roomId)).body);
  const left = await peer.call(server, 'PUT', path('v1', 'send_leave', roomId, leave.id), leave.event);
  expect(left.body).toEqual([200, {}]);
  expect((await romeo.state(roomId)).find((event) => event.state_key === guest())?.content['membership']).toBe('leave');
});

test('S22: a server that the room shuts out gets nothing of it by any request, and brings nothing in', async () => {
  await using outcast = await startHostilePeer(servers.ca);
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const room = await outcast.join(server, roomId, 'tybalt');
  const eventId = await romeo.send(roomId, 'before');
  // Nobody makes such a list here, where it would shut out this server too: it comes from elsewhere.
  const powers = await romeo.setState(roomId, 'm.room.power_levels', { users: { [room.userId]: 100 } });
  const list = { allow: ['*'], deny: ['LOCALHOST'], allow_ip_literals: true };
  const place = { prev_events: [powers], auth_events: [powers, room.joinId], depth: room.join.depth + 9 };
  const acl = await room.event({ type: 'm.room.server_acl', state_key: '', content: list, ...place });
  await outcast.sendPdus(server, [acl.event]);
  await expect.poll(() => storedKind(server, acl.id), { timeout: 15_000 }).toBe('timeline');
  const userId = `@tybalt:${outcast.name}`;
  const { event, id } = await room.event({});
  const leave = await room.event({ type: 'm.room.member', state_key: userId, content: { membership: 'leave' } });
  const requests: [string, string, JsonObject?][] = [
    ['GET', `${path('v1', 'make_join', roomId, userId)}?ver=12`],
    ['GET', path('v1', 'make_leave', roomId, userId)],
    ['GET', `${path('v1', 'make_knock', roomId, userId)}?ver=12`],
    ['PUT', path('v1', 'send_join', roomId, id), { ...event }],
    ['PUT', path('v2', 'send_join', roomId, id), { ...event }],
    ['PUT', path('v1', 'send_leave', roomId, leave.id), { ...leave.event }],
    ['PUT', path('v2', 'send_leave', roomId, leave.id), { ...leave.event }],
    ['PUT', path('v1', 'send_knock', roomId, id), { ...event }],
    ['GET', `${path('v1', 'state', roomId)}?event_id=${encodeURIComponent(eventId)}`],
    ['GET', `${path('v1', 'state_ids', roomId)}?event_id=${encodeURIComponent(eventId)}`],
    ['GET', `${path('v1', 'backfill', roomId)}?v=${encodeURIComponent(eventId)}&limit=5`],
    ['GET', path('v1', 'event_auth', roomId, eventId)],
    ['GET', `${path('v1', 'timestamp_to_event', roomId)}?ts=1&dir=f`],
    ['POST', path('v1', 'get_missing_events', roomId), { earliest_events: [], latest_events: [eventId] }],
  ];
  for (const [method, uri, body] of requests)
    expect([uri, ...told(await outcast.call(server, method, uri, body))]).toEqual([uri, 403, 'M_FORBIDDEN']);
  expect((await outcast.call(server, 'GET', path('v1', 'event', eventId))).status).toBe(404);

  const invite = await room.event({ type: 'm.room.member', state_key: romeo.id, content: { membership: 'invite' } });
  const body = { room_version: '12', event: invite.event, invite_room_state: room.state.filter((shown) => shown.type === 'm.room.create') };
  expect(told(await outcast.call(server, 'PUT', path('v2', 'invite', roomId, invite.id), body))).toEqual([403, 'M_FORBIDDEN']);

  const typing = { edu_type: 'm.typing', content: { room_id: roomId, user_id: userId, typing: true } };
  const receipt = { edu_type: 'm.receipt', content: { [roomId]: { 'm.read': { [userId]: { event_ids: [eventId], data: { ts: 1 } } } } } };
  const sent = await outcast.sendPdus(server, [event], [typing, receipt]);
  expect(sent.body['pdus']).toEqual({ [id]: { error: expect.any(String) } });
  expect(await storedKind(server, id)).toBeUndefined();
  const { rooms } = (await romeo.sync()) as {
    rooms: { join: Record<string, { ephemeral?: { events: { type: string; content: JsonObject }[] } }> };
  };
  expect(JSON.stringify(rooms.join[roomId]?.ephemeral ?? {})).not.toContain(userId);
});

test('a transaction that names another origin than who signed it is refused', async () => {
  const body = { origin: 'elsewhere.test', origin_server_ts: 1, pdus: [] };
  expect(told(await peer.call(server, 'PUT', path('v1', 'send', 'foreign'), body))).toEqual([400, 'M_INVALID_PARAM']);
});

async function inviteFrom(room: PeerRoom, target: string, changes: JsonObject = {}): Promise<{ event: Pdu; id: string }> {
  return await room.event({ type: 'm.room.member', state_key: target, content: { membership: 'invite' }, ...changes });
}

test('S2: an invite is refused for each reason that there is, and nothing of it is shown', async () => {
  const room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
  const mercutio = await servers.user('mercutio', 0);
  const invite = async (changes: JsonObject, body: JsonObject = {}) => {
    const { event, id } = await inviteFrom(room, mercutio.id, changes);
    const state = room.state.filter((shown) => shown.type === 'm.room.create');
    return await peer.call(server, 'PUT', path('v2', 'invite', room.roomId, id), {
      room_version: '12',
      event,
      invite_room_state: state,
      ...body,
    });
  };
  expect(told(await invite({ type: 'm.room.topic' }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await invite({ content: { membership: 'join' } }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await invite({ state_key: '@x:elsewhere.test' }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await invite({ depth: -1 }))).toEqual([400, 'M_BAD_JSON']);
  expect(told(await invite({ room_id: `!${'b'.repeat(43)}` }))).toEqual([400, 'M_INVALID_PARAM']);
  expect(told(await invite({ sender: romeo.id }))).toEqual([403, 'M_FORBIDDEN']);
  expect(told(await invite({}, { room_version: '99' }))).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  expect(told(await invite({}, { invite_room_state: [] }))).toEqual([400, 'M_MISSING_PARAM']);
  const [create] = room.state.filter((shown) => shown.type === 'm.room.create');
  expect(told(await invite({}, { invite_room_state: [{ ...create, content: { room_version: '12', lie: true } }] }))).toEqual([
    400,
    'M_INVALID_PARAM',
  ]);
  const stranger = { ...create, type: 'm.room.name', room_id: `!${'b'.repeat(43)}` };
  expect(told(await invite({}, { invite_room_state: [{ ...create }, stranger] }))).toEqual([400, 'M_INVALID_PARAM']);
  const { event } = await inviteFrom(room, mercutio.id);
  const unsigned = await peer.call(server, 'PUT', path('v2', 'invite', room.roomId, eventIdOf(event, room.rules)), {
    room_version: '12',
    event: { ...event, signatures: {} },
    invite_room_state: [create],
  });
  expect(told(unsigned)).toEqual([403, 'M_FORBIDDEN']);
  expect(((await mercutio.sync())['rooms'] as JsonObject)['invite'] ?? {}).toEqual({});
});

test('stripped state, as servers in use still send it with an invite to a room of version 12, is shown', async () => {
  const room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
  const benvolio = await servers.user('benvolio', 0);
  const { event, id } = await inviteFrom(room, benvolio.id);
  const strip = (type: string, content: JsonObject) => ({ type, state_key: '', sender: romeo.id, content });
  const state = [strip('m.room.create', { room_version: '12' }), strip('m.room.name', { name: 'Churchyard' })];
  const body = { room_version: '12', event, invite_room_state: state };
  expect((await peer.call(server, 'PUT', path('v2', 'invite', room.roomId, id), body)).status).toBe(200);
});

test('an older server is sent the invite in its own way', async () => {
  const rules = roomVersionRules('1');
  if (rules === undefined) throw new Error('version 1 is not known');
  peer.answer((_method, uri, body) => {
    if (uri.includes('/v2/invite/')) return peerError(404, 'M_UNRECOGNIZED');
    return uri.includes('/v1/invite/') ? signInvite(body as Pdu) : undefined;
  });
  const signInvite = async (event: Pdu) => {
    const { signatures, hashes: _, unsigned: __, ...draft } = event;
    const signed = await signEvent(draft, rules, peer.signer);
    return [200, { event: { ...event, signatures: { ...signatures, ...signed.signatures } } }];
  };
  const roomId = await romeo.createRoom({ preset: 'private_chat', room_version: '1' });
  await romeo.invite(roomId, guest());
  expect((await romeo.state(roomId)).find((event) => event.state_key === guest())?.content['membership']).toBe('invite');
  const sent = peer.seen.find((request) => request.path.includes('/v1/invite/'))?.body as Pdu;
  expect(sent.unsigned?.['invite_room_state']).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'm.room.create' })]));

  const newer = await romeo.createRoom({ preset: 'private_chat', room_version: '11' });
  const refused = await romeo.attempt('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(newer)}/invite`, { user_id: guest() });
  expect(refused.status).toBeGreaterThanOrEqual(400);
});
