import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type HostilePeer, type PeerAnswer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let stranger: HostilePeer;
let juliet: TestUser;
/** A room that lives on the peer. */
let roomId: string;
let rooms = 0;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  stranger = await startHostilePeer(servers.ca);
  juliet = await servers.user('juliet', 0);
});
beforeEach(() => {
  rooms += 1;
  roomId = `!room${rooms}x${Date.now()}:${peer.name}`;
});
afterAll(async () => {
  await stranger[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const rules = roomVersionRules('10') as RoomVersionRules;
const told = ({ status, body }: PeerAnswer) => [status, body['errcode']];
const host = () => `@host:${peer.name}`;

async function member(changes: Partial<PduDraft> = {}, by = peer): Promise<{ event: Pdu; id: string }> {
  const draft = {
    type: 'm.room.member',
    room_id: roomId,
    sender: `@host:${by.name}`,
    state_key: juliet.id,
    content: { membership: 'invite' },
    depth: 7,
    prev_events: ['$prev'],
    auth_events: ['$auth'],
    origin_server_ts: Date.now(),
    ...changes,
  } as PduDraft;
  const event = await signEvent(draft, rules, by.signer);
  return { event, id: eventIdOf(event, rules) };
}
async function sendInvite({ event, id }: { event: JsonObject | Pdu; id: string }, body: JsonObject = {}): Promise<PeerAnswer> {
  const path = `/_matrix/federation/v2/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(id)}`;
  return await peer.call(server, 'PUT', path, { room_version: '10', event, ...body });
}
type Sections = { rooms: { invite: Record<string, { invite_state: { events: JsonObject[] } }> } };
const shown = async () => ((await juliet.sync({ since: '' })) as Sections).rooms.invite[roomId]?.invite_state.events;
const isInvited = async () => (await shown()) !== undefined;

describe('what is shown of a room with an invite may be anything, and spoils nothing', () => {
  const name = () => ({ type: 'm.room.name', state_key: '', sender: host(), content: { name: 'Orchard' } });
  test.each<[string, () => unknown, string[]]>([
    ['nothing', () => undefined, []],
    ['null', () => null, []],
    ['false', () => false, []],
    ['an object', () => ({ type: 'm.room.name' }), []],
    ['values that are no events', () => [1, null, 'x', [], {}, { type: 'm.room.name' }, name()], ['m.room.name']],
    ['an event without content', () => [{ type: 'm.room.name', state_key: '', sender: host() }, name()], ['m.room.name']],
    ['an event of nobody', () => [{ ...name(), sender: 'nobody' }], []],
    ['too many events', () => Array.from({ length: 3_000 }, name), Array.from({ length: 50 }, () => 'm.room.name')],
    ['too long an event', () => [name(), { ...name(), content: { name: 'x'.repeat(300_000) } }], ['m.room.name']],
  ])('%s', async (_what, state, types) => {
    const answer = await sendInvite(await member(), { invite_room_state: state() } as JsonObject);
    expect(answer.status).toBe(200);
    expect(((answer.body['event'] as unknown as Pdu).signatures[server.name] ?? {}) as object).not.toEqual({});
    expect((await shown())?.map((event) => event['type'])).toEqual([...types, 'm.room.member']);
    await juliet.leave(roomId);
  });
});

test('an invite that is malformed by the rules of its room is no JSON of theirs', async () => {
  const { event, id } = await member();
  const floating = await member({ content: { membership: 'invite', weight: 1.5 } });
  for (const bad of [{ ...event, depth: 'deep' }, { ...event, content: null }, { ...event, auth_events: 'none' }, floating.event])
    expect(told(await sendInvite({ event: bad as unknown as JsonObject, id }))).toEqual([400, 'M_BAD_JSON']);
  expect(await isInvited()).toBe(false);
});

test('who invited takes it back; a stranger to the invite cannot', async () => {
  const invite = await member();
  await sendInvite(invite);
  expect(await isInvited()).toBe(true);
  const foreign = await member({ content: { membership: 'leave' } }, stranger);
  await stranger.sendPdus(server, [foreign.event]);
  const forged = await member({ content: { membership: 'leave' }, sender: host() }, stranger);
  await stranger.sendPdus(server, [forged.event]);
  expect(await isInvited()).toBe(true);
  const back = await member({ content: { membership: 'leave' }, auth_events: ['$auth', invite.id] });
  await peer.sendPdus(server, [back.event]);
  expect(await isInvited()).toBe(false);
  expect((await sendInvite(await member())).status).toBe(200);
  expect(await isInvited()).toBe(true);
});

test('what took an earlier invite back and comes late leaves the new one alone', async () => {
  const now = Date.now();
  const first = await member({ origin_server_ts: now - 3_000 });
  await sendInvite(first);
  const back = await member({ content: { membership: 'leave' }, auth_events: [first.id], origin_server_ts: now - 2_000 });
  const second = await member({ origin_server_ts: now - 1_000 });
  await sendInvite(second);
  await peer.sendPdus(server, [back.event]);
  expect(await isInvited()).toBe(true);
  // A clock that goes wrong does not keep an invite.
  const late = await member({ content: { membership: 'leave' }, auth_events: [second.id], origin_server_ts: now - 9_000 });
  await peer.sendPdus(server, [late.event]);
  expect(await isInvited()).toBe(false);
});

test('an invite that comes twice is one, and one that is rejected comes back when it is made anew', async () => {
  const invite = await member();
  expect((await sendInvite(invite)).status).toBe(200);
  expect((await sendInvite(invite)).status).toBe(200);
  expect(await shown()).toHaveLength(1);
  await juliet.leave(roomId);
  expect(await isInvited()).toBe(false);
  expect((await sendInvite(await member({ origin_server_ts: Date.now() + 1 }))).status).toBe(200);
  expect(await isInvited()).toBe(true);
});
