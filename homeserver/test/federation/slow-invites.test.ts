import type { Pdu } from 'federation-spec/events/event.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

const rules = roomVersionRules('10') as RoomVersionRules;
let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

async function sign(event: Pdu): Promise<unknown> {
  const { signatures, hashes: _, unsigned: __, ...draft } = event;
  const signed = await signEvent(draft, rules, peer.signer);
  return { event: { ...event, signatures: { ...signatures, ...signed.signatures } } };
}

const invitePath = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/invite`;
const guest = () => `@guest:${peer.name}`;
const standing = async (roomId: string) => (await romeo.state(roomId)).find((event) => event.state_key === guest())?.content['membership'];
/** Has the peer sign what it is asked to once this has been done. */
function signAfter(act: (asked: number) => Promise<unknown>): { asked: () => number } {
  let asked = 0;
  peer.answer(async (_method, path, body) => {
    if (!path.includes('/v2/invite/')) return undefined;
    asked += 1;
    await act(asked);
    return await sign((body as { event: Pdu }).event);
  });
  return { asked: () => asked };
}

test('in a busy room somebody is invited all the same, by one request, and nobody waits for it', async () => {
  await using witness = await startHostilePeer(servers.ca);
  witness.answer((_method, path) => (path.includes('/send/') ? { pdus: {} } : undefined));
  const roomId = await romeo.createRoom({ room_version: '10', preset: 'public_chat' });
  await witness.join(servers.at(0), roomId, 'paris');
  const { asked } = signAfter(async (times) => {
    for (let index = 0; index < 3; index += 1) await romeo.send(roomId, `meanwhile ${times} ${index}`);
    await romeo.setState(roomId, 'm.room.topic', { topic: 'moving on' });
  });
  await romeo.invite(roomId, guest());
  expect([asked(), await standing(roomId)]).toEqual([1, 'invite']);
  await romeo.send(roomId, 'and on');
  const told = () => witness.seen.filter(({ path }) => path.includes('/send/')).flatMap(({ body }) => (body as { pdus: Pdu[] }).pdus);
  await expect.poll(() => told().some((pdu) => pdu.state_key === guest()), { timeout: 15_000 }).toBe(true);
  const topic = (await romeo.state(roomId)).find(({ type }) => type === 'm.room.topic');
  expect(topic?.content).toEqual({ topic: 'moving on' });
  await servers.at(0).restart();
  expect(await standing(roomId)).toBe('invite');
});

test('a server that never signs holds up nobody in the room', async () => {
  const roomId = await romeo.createRoom({ room_version: '10' });
  const silence = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  signAfter(async () => {
    reached.resolve();
    await silence.promise;
  });
  const inviting = romeo.attempt('POST', invitePath(roomId), { user_id: guest() });
  await reached.promise;
  for (let index = 0; index < 5; index += 1) await romeo.send(roomId, `still a room ${index}`);
  silence.resolve();
  expect((await inviting).status).toBe(200);
  expect(await standing(roomId)).toBe('invite');
});

test('who was banned while their server signed is not invited', async () => {
  const roomId = await romeo.createRoom({ room_version: '10' });
  const ban = () => romeo.call('POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: guest() });
  signAfter(ban);
  const refused = await romeo.attempt('POST', invitePath(roomId), { user_id: guest() });
  expect([refused.status, refused.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  expect(await standing(roomId)).toBe('ban');
});
