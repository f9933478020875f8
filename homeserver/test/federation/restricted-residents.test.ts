import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, type PeerAnswer, startHostilePeer } from '../kit/hostile-peer.ts';
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
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const rules = roomVersionRules('10') as RoomVersionRules;
const ELSEWHERE = '!elsewhere:elsewhere.test';
const told = ({ status, body }: PeerAnswer) => [status, body['errcode']];
const path = (endpoint: string, ...parts: string[]) => [`/_matrix/federation/${endpoint}`, ...parts.map(encodeURIComponent)].join('/');
const tybalt = () => `@tybalt:${peer.name}`;

async function restrictedTo(rooms: readonly string[], joinRule = 'restricted'): Promise<string> {
  const allow = rooms.map((roomId) => ({ type: 'm.room_membership', room_id: roomId }));
  const content = { join_rule: joinRule, allow };
  return await romeo.createRoom({ room_version: '10', initial_state: [{ type: 'm.room.join_rules', state_key: '', content }] });
}
const make = async (roomId: string, userId = tybalt()) => await peer.call(server, 'GET', `${path('v1/make_join', roomId, userId)}?ver=10`);
const send = async (roomId: string, { event, id }: { event: Pdu; id: string }) =>
  await peer.call(server, 'PUT', path('v2/send_join', roomId, id), event);

/** A join for which the server gives no template. */
async function forgeJoin(roomId: string, content: JsonObject): Promise<{ event: Pdu; id: string }> {
  const state = await romeo.state(roomId);
  const idOf = (type: string) => state.find((event) => event.type === type && event.state_key === '')?.event_id ?? '';
  const romeoIs = state.find((event) => event.state_key === romeo.id)?.event_id ?? '';
  const newest = (await romeo.messages(roomId, { limit: 1 }))[0]?.event_id ?? '';
  const draft = {
    type: 'm.room.member',
    room_id: roomId,
    sender: tybalt(),
    state_key: tybalt(),
    content: { membership: 'join', ...content },
    depth: 50,
    prev_events: [newest],
    auth_events: [idOf('m.room.create'), idOf('m.room.power_levels'), idOf('m.room.join_rules'), romeoIs],
    origin_server_ts: Date.now(),
  } as PduDraft;
  const event = await signEvent(draft, rules, peer.signer);
  return { event, id: eventIdOf(event, rules) };
}

test('a server that names one of our people to vouch, for a user whom the room does not let in, gets no signature', async () => {
  const allowed = await romeo.createRoom({ preset: 'private_chat' });
  const roomId = await restrictedTo([allowed]);
  const forged = await forgeJoin(roomId, { join_authorised_via_users_server: romeo.id });
  expect(told(await send(roomId, forged))).toEqual([403, 'M_FORBIDDEN']);
  expect(await storedKind(server, forged.id)).not.toBe('timeline');
  expect((await romeo.state(roomId)).some((event) => event.state_key === tybalt())).toBe(false);

  const unknown = await restrictedTo([allowed, ELSEWHERE]);
  const other = await forgeJoin(unknown, { join_authorised_via_users_server: romeo.id });
  expect(told(await send(unknown, other))).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN']);
  expect((await romeo.state(unknown)).some((event) => event.state_key === tybalt())).toBe(false);
});

test('who is in one of several rooms comes in, vouched for by somebody who may invite; who leaves it meanwhile does not', async () => {
  const club = await romeo.createRoom({ preset: 'public_chat', room_version: '10' });
  const roomId = await restrictedTo([ELSEWHERE, club]);
  expect(told(await make(roomId))).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN']);
  const member = await peer.join(server, club, 'tybalt');
  const mercutio = await servers.user('mercutio', 0);
  await romeo.invite(roomId, mercutio.id);
  await mercutio.join(roomId);
  await romeo.setState(roomId, 'm.room.power_levels', { users: { [romeo.id]: 100, [mercutio.id]: 10 }, invite: 50 });

  const made = await make(roomId);
  expect(made.body['event']).toMatchObject({ content: { membership: 'join', join_authorised_via_users_server: romeo.id } });
  const powerless = await forgeJoin(roomId, { join_authorised_via_users_server: mercutio.id });
  expect(told(await send(roomId, powerless))).toEqual([403, 'M_FORBIDDEN']);

  const join = await peer.complete(made.body);
  const left = await member.event({ type: 'm.room.member', state_key: tybalt(), content: { membership: 'leave' } });
  await peer.sendPdus(server, [left.event]);
  await expect.poll(() => storedKind(server, left.id), { timeout: 15_000 }).toBe('timeline');
  expect(told(await send(roomId, join))).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN']);
  await peer.join(server, club, 'tybalt');
  const sent = await send(roomId, join);
  expect(sent.status).toBe(200);
  expect(Object.keys((sent.body['event'] as unknown as Pdu).signatures)).toEqual(expect.arrayContaining([server.name, peer.name]));
  // A template for who is in already needs nobody to vouch.
  expect((await make(roomId)).body['event']).toMatchObject({ content: { membership: 'join' } });
  expect(JSON.stringify((await make(roomId)).body)).not.toContain('join_authorised');
});

test('an invited user needs nobody to vouch; one who knocks may be let in by either way', async () => {
  peer.answer(async (_method, uri, body) => {
    if (!uri.includes('/v2/invite/')) return undefined;
    const { event } = body as { event: Pdu };
    const { signatures, hashes: _, unsigned: __, ...draft } = event;
    const signed = await signEvent(draft, rules, peer.signer);
    return { event: { ...event, signatures: { ...signatures, ...signed.signatures } } };
  });
  const open = await romeo.createRoom({ preset: 'public_chat', room_version: '10' });
  await peer.join(server, open, 'tybalt');
  const roomId = await restrictedTo([await romeo.createRoom({ preset: 'private_chat' })], 'knock_restricted');
  expect(told(await make(roomId))).toEqual([403, 'M_FORBIDDEN']);
  const knock = await peer.complete((await peer.call(server, 'GET', `${path('v1/make_knock', roomId, tybalt())}?ver=10`)).body);
  const knocked = await peer.call(server, 'PUT', path('v1/send_knock', roomId, knock.id), knock.event);
  expect(knocked.status).toBe(200);
  expect(told(await make(roomId))).toEqual([403, 'M_FORBIDDEN']);
  await romeo.invite(roomId, tybalt());
  const made = await make(roomId);
  expect(JSON.stringify(made.body)).not.toContain('join_authorised');
  expect((await send(roomId, await peer.complete(made.body))).status).toBe(200);

  const through = await restrictedTo([open], 'knock_restricted');
  expect((await make(through)).body['event']).toMatchObject({ content: { join_authorised_via_users_server: romeo.id } });
});
