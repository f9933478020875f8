import { ROOM_VERSIONS } from 'federation-spec/room-versions/room-versions.ts';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { ClientEvent, TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const roomPath = (roomId: string, rest: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${rest}`;

let servers: TestServers;
let peer: HostilePeer;
let romeo: TestUser;

beforeEach(async () => {
  servers ??= await startServers(1);
  peer ??= await startHostilePeer(servers.ca);
  romeo ??= await servers.user('romeo', 0);
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const find = async (room: PeerRoom, id: string): Promise<ClientEvent | undefined> =>
  (await romeo.messages(room.roomId)).find((event) => event.event_id === id);

/** How a redaction names its target in a room of this version. */
const redactionOf = (version: string, id: string) =>
  Number(version) >= 11 ? { type: 'm.room.redaction', content: { redacts: id } } : { type: 'm.room.redaction', redacts: id, content: {} };

describe.each(['3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])('in a room of version %s', (version) => {
  test('a redaction that comes before its target waits for it', async () => {
    const room = await peer.join(servers.at(0), await romeo.createRoom({ preset: 'public_chat', room_version: version }), 'tybalt');
    const start = room.head;
    const said = await room.event({ content: { msgtype: 'm.text', body: 'a villain' } });
    const redaction = await room.event(redactionOf(version, said.id));
    await peer.sendPdus(servers.at(0), [redaction.event]);
    await expect.poll(() => storedKind(servers.at(0), redaction.id), WAIT).toBe('timeline');
    expect(await find(room, redaction.id)).toBeUndefined();
    await peer.sendPdus(servers.at(0), [said.event]);
    await expect.poll(() => find(room, said.id), WAIT).toBeDefined();
    const event = await find(room, said.id);
    expect(event?.content).toEqual({});
    expect(event?.unsigned).toMatchObject({ redacted_because: { event_id: redaction.id } });
    expect(await find(room, redaction.id)).toBeDefined();
    expect(await servers.at(0).sql`select 1 from waiting_redactions`).toHaveLength(0);
    expect(start).toBeDefined();
  });

  test('a redaction from afar that has no right to its target changes nothing', async () => {
    const room = await peer.join(servers.at(0), await romeo.createRoom({ preset: 'public_chat', room_version: version }), 'tybalt');
    const id = await romeo.send(room.roomId, 'my own words');
    const redaction = await room.event(redactionOf(version, id));
    const since = String((await romeo.sync())['next_batch']);
    await peer.sendPdus(servers.at(0), [redaction.event]);
    await expect.poll(() => storedKind(servers.at(0), redaction.id), WAIT).toBeDefined();
    expect((await find(room, id))?.content['body']).toBe('my own words');

    // Clients hide what a redaction names without asking by what right: they are not told of it, by any way.
    const marker = await romeo.send(room.roomId, 'still here');
    const told = (await romeo.sync({ since })) as { rooms: { join: Record<string, { timeline: { events: ClientEvent[] } }> } };
    expect(told.rooms.join[room.roomId]?.timeline.events.map((event) => event.event_id)).toEqual([marker]);
    expect(await find(room, redaction.id)).toBeUndefined();
    expect((await romeo.attempt('GET', roomPath(room.roomId, `event/${encodeURIComponent(redaction.id)}`))).status).toBe(404);
    const context = await romeo.call('GET', roomPath(room.roomId, `context/${encodeURIComponent(marker)}`));
    expect(JSON.stringify(context)).not.toContain(redaction.id);
  });

  test('whom the room trusts redacts from afar, and so does the server of who wrote it', async () => {
    const room = await peer.join(servers.at(0), await romeo.createRoom({ preset: 'public_chat', room_version: version }), 'tybalt');
    const other = await peer.join(servers.at(0), room.roomId, 'sampson');
    room.head = other.head;
    const own = await room.event({ content: { msgtype: 'm.text', body: 'mine' } });
    other.head = { id: own.id, depth: own.event.depth };
    const byNeighbour = await other.event(redactionOf(version, own.id));
    await peer.sendPdus(servers.at(0), [own.event, byNeighbour.event]);
    await expect.poll(async () => (await find(room, own.id))?.content, WAIT).toEqual({});

    const foreign = await romeo.send(room.roomId, 'a foreign word');
    const powers = (await romeo.state(room.roomId)).find((event) => event.type === 'm.room.power_levels');
    const users = { ...(powers?.content['users'] as object), [room.userId]: 50 };
    await romeo.setState(room.roomId, 'm.room.power_levels', { ...powers?.content, users });
    const trusted = await peer.join(servers.at(0), room.roomId, 'tybalt');
    const byTrusted = await trusted.event(redactionOf(version, foreign));
    await peer.sendPdus(servers.at(0), [byTrusted.event]);
    await expect.poll(async () => (await find(room, foreign))?.content, WAIT).toEqual({});
    const told = (await romeo.messages(room.roomId)).find((event) => event.event_id === byTrusted.id);
    // Clients find the target where their version of the protocol looks for it, whatever the version of the room.
    expect(told).toMatchObject({ redacts: foreign, content: { redacts: foreign } });
  });
});

describe.each(ROOM_VERSIONS)('in a room of version %s', (version) => {
  test('state is redacted down to what its version keeps', async () => {
    const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: version, name: 'A foul name' });
    const aliases = Number(version) < 6 ? await romeo.setState(roomId, 'm.room.aliases', { aliases: [], more: 1 }, servers.at(0).name) : '';
    const state = await romeo.state(roomId);
    const idOf = (type: string) => encodeURIComponent(state.find((event) => event.type === type)?.event_id ?? '');
    await romeo.call('PUT', roomPath(roomId, `redact/${idOf('m.room.name')}/r1`), {});
    expect(await romeo.call('GET', roomPath(roomId, 'state/m.room.name/'))).toEqual({});
    await romeo.call('PUT', roomPath(roomId, `redact/${idOf('m.room.join_rules')}/r2`), {});
    expect(await romeo.call('GET', roomPath(roomId, 'state/m.room.join_rules/'))).toEqual({ join_rule: 'public' });
    if (aliases !== '') {
      await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(aliases)}/r4`), {});
      expect(await romeo.call('GET', roomPath(roomId, `state/m.room.aliases/${servers.at(0).name}`))).toEqual({ aliases: [] });
    }
    const allow = [{ type: 'm.room_membership', room_id: roomId }];
    const restricted = await romeo.setState(roomId, 'm.room.join_rules', { join_rule: 'public', allow });
    await romeo.call('PUT', roomPath(roomId, `redact/${encodeURIComponent(restricted)}/r5`), {});
    const keepsAllow = Number(version) >= 8;
    const rules = await romeo.call('GET', roomPath(roomId, 'state/m.room.join_rules/'));
    expect(rules).toEqual(keepsAllow ? { join_rule: 'public', allow } : { join_rule: 'public' });
    await romeo.send(roomId, 'the room goes on');
    for (const type of ['m.room.create'])
      expect((await romeo.attempt('PUT', roomPath(roomId, `redact/${idOf(type)}/r3`), {})).status).toBe(403);
  });
});

test('nobody redacts across rooms, nor what is not there without the power to', async () => {
  const juliet = await servers.user('juliet', 0);
  const here = await romeo.createRoom({ preset: 'public_chat' });
  const there = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(here);
  const id = encodeURIComponent(await romeo.send(there, 'elsewhere'));
  expect((await romeo.attempt('PUT', roomPath(here, `redact/${id}/x1`), {})).status).toBe(400);
  expect((await juliet.attempt('PUT', roomPath(here, 'redact/$nothing/x2'), {})).status).toBe(404);
  const own = await juliet.send(here, 'my words');
  const redact = (user: TestUser, txn: string) => user.call('PUT', roomPath(here, `redact/${encodeURIComponent(own)}/${txn}`), {});
  const first = await redact(juliet, 'x3');
  expect(await redact(juliet, 'x3')).toEqual(first);
  await redact(romeo, 'x4');
  const event = (await romeo.messages(here)).find((candidate) => candidate.event_id === own);
  expect(event?.unsigned).toMatchObject({ redacted_because: { event_id: first['event_id'] } });
});

test("a suspended moderator takes back their own words, and nobody else's", async () => {
  const admin = romeo; // the first account
  const moderator = await servers.user('moderator', 0);
  const tybalt = await servers.user('talker', 0);
  const roomId = await moderator.createRoom({ preset: 'public_chat' });
  await tybalt.join(roomId);
  const [own, other] = [await moderator.send(roomId, 'mine'), await tybalt.send(roomId, 'his')];
  await admin.call('PUT', `/_matrix/client/v1/admin/suspend/${moderator.id}`, { suspended: true });
  const redact = (id: string) => moderator.attempt('PUT', roomPath(roomId, `redact/${encodeURIComponent(id)}/${id.slice(1, 6)}`), {});
  expect(await redact(other)).toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } });
  expect((await redact(own)).status).toBe(200);
});
