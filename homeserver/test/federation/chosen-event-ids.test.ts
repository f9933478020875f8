import type { EventReference, JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceTo } from '../../src/domain/rooms/reference-event.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const enc = encodeURIComponent;
let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let other: HostilePeer;
let romeo: TestUser;

beforeAll(async () => {
  servers = await startServers(1);
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  other = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

type OldRoom = { roomId: string; userId: string; join: Pdu; event: (eventId: string, changes?: Partial<PduDraft>) => Promise<Pdu> };

/** A room of a version in which a server chooses the ids of its events, joined by a user of the peer. */
async function joinOldRoom(version: string): Promise<OldRoom> {
  const rules = roomVersionRules(version) as RoomVersionRules;
  const roomId = await romeo.createRoom({ preset: 'public_chat', room_version: version });
  const userId = `@tybalt:${peer.name}`;
  const made = await peer.call(server, 'GET', `/_matrix/federation/v1/make_join/${enc(roomId)}/${enc(userId)}?ver=${version}`);
  const joinId = `$join-${roomId.slice(1, 9)}:${peer.name}`;
  const template = made.body['event'] as unknown as PduDraft;
  const join = await signEvent({ ...template, event_id: joinId, origin_server_ts: Date.now() }, rules, peer.signer);
  const sent = await peer.call(server, 'PUT', `/_matrix/federation/v2/send_join/${enc(roomId)}/${enc(joinId)}`, join);
  expect(sent.status).toBe(200);
  const state = sent.body['state'] as unknown as Pdu[];
  const reference = (event: Pdu): EventReference => referenceTo(event, event.event_id ?? '', rules);
  const auth = ['m.room.create', 'm.room.power_levels'].map((type) => state.find((event) => event.type === type) as Pdu);
  return {
    roomId,
    userId,
    join,
    event: (eventId, changes = {}) =>
      signEvent(
        {
          event_id: eventId,
          type: 'm.room.message',
          room_id: roomId,
          sender: userId,
          content: { msgtype: 'm.text', body: eventId },
          depth: join.depth + 1,
          prev_events: [reference(join)],
          auth_events: [...auth, join].map(reference),
          origin_server_ts: Date.now(),
          ...changes,
        } as PduDraft,
        rules,
        peer.signer,
      ),
  };
}

const countOf = async (eventId: string) =>
  (await server.sql<{ count: number }[]>`select count(*)::bigint as count from events where event_id = ${eventId}`)[0]?.count;

test.each(['1', '2'])(
  'S5: in version %s an id that names another server than the sender’s needs that server’s signature',
  async (version) => {
    const room = await joinOldRoom(version);
    const named = (what: string, host: string) => `$${what}${version}:${host}`;
    const mine = await room.event(named('mine', peer.name));
    const bad = [
      await room.event(named('foreign', other.name)),
      await room.event(named('yours', server.name)),
      await room.event(named('as-romeo', peer.name), { sender: romeo.id }),
      await room.event(named('as-romeo-there', server.name), { sender: romeo.id }),
      await room.event(named('as-paris', other.name), { sender: `@paris:${other.name}` }),
      await room.event(`$nowhere${version}`),
      await room.event(`$${'x'.repeat(250)}${version}:${peer.name}`),
      await room.event(`no-dollar${version}:${peer.name}`),
      { ...(await room.event(named('unnamed', peer.name))), event_id: 7 },
    ];
    const answer = await peer.sendPdus(server, [...bad, mine]);
    expect(answer.status).toBe(200);
    await expect.poll(() => storedKind(server, named('mine', peer.name)), WAIT).toBe('timeline');
    for (const event of bad.slice(0, 8)) expect(await countOf(String(event.event_id)), String(event.event_id)).toBe(0);
  },
);

test.each(['1', '2'])('S5: in version %s an id that is taken keeps its event, here and in other rooms', async (version) => {
  const [room, elsewhere] = [await joinOldRoom(version), await joinOldRoom(version)];
  const taken = `$taken${version}-${room.roomId.slice(1, 9)}:${peer.name}`;
  const first = await room.event(taken, { content: { body: 'first' } });
  await peer.sendPdus(server, [first]);
  await expect.poll(() => storedKind(server, taken), WAIT).toBe('timeline');
  const again = await room.event(taken, { content: { body: 'second' } });
  const there = await elsewhere.event(taken, { content: { body: 'third' } });
  const after = `$after${version}-${room.roomId.slice(1, 9)}:${peer.name}`;
  const good = await elsewhere.event(after);
  await peer.sendPdus(server, [again, there, good]);
  await expect.poll(() => storedKind(server, after), WAIT).toBe('timeline');
  await room.event(taken);
  const rows = await server.sql<{ json: string }[]>`select json from events where event_id = ${taken}`;
  expect(rows.map(({ json }) => (JSON.parse(json) as { content: JsonObject }).content)).toEqual([{ body: 'first' }]);
  expect((await romeo.messages(elsewhere.roomId)).map((event) => event.event_id)).not.toContain(taken);
  const reply = await romeo.send(elsewhere.roomId, 'and on it goes');
  expect((await romeo.messages(elsewhere.roomId))[0]?.event_id).toBe(reply);
});

test('S35: events that rest upon each other in a circle are left out, and hold up nobody', async () => {
  const room = await joinOldRoom('1');
  const id = (what: string) => `$${what}-${room.roomId.slice(1, 9)}:${peer.name}`;
  const [round, about, cites, before, after, upon, good] = ['round', 'about', 'cites', 'before', 'after', 'upon', 'good'].map(id) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const to = (eventId: string): EventReference => [eventId, { sha256: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }];
  const state = { type: 'm.room.topic', state_key: '' };
  const circle = [
    await room.event(round, { ...state, auth_events: [to(about)] }),
    await room.event(about, { ...state, auth_events: [to(round)] }),
    await room.event(before, { prev_events: [to(after)] }),
    await room.event(after, { prev_events: [to(before)] }),
  ];
  peer.answer((_method, path) => {
    const given = { origin: peer.name, origin_server_ts: 1, pdus: circle };
    if (path.includes('/get_missing_events/')) return { events: circle };
    if (path.includes('/event_auth/')) return { auth_chain: circle };
    if (path.includes('/state_ids/')) return { pdu_ids: circle.map((event) => event.event_id), auth_chain_ids: [round, about] };
    if (path.includes('/state/')) return { pdus: circle, auth_chain: circle };
    if (path.includes('/backfill/')) return given;
    const asked = circle.find((event) => path.includes(enc(event.event_id ?? '')));
    return path.includes('/event/') && asked !== undefined ? { ...given, pdus: [asked] } : undefined;
  });
  const rests = await room.event(cites, { auth_events: [to(round)] });
  const builds = await room.event(upon, { prev_events: [to(after)] });
  const next = await room.event(good);
  expect((await peer.sendPdus(server, [rests, builds, next])).status).toBe(200);
  await expect.poll(() => storedKind(server, good), WAIT).toBe('timeline');
  await expect.poll(() => storedKind(server, cites), WAIT).toBe('rejected');
  expect([await storedKind(server, round), await storedKind(server, about)]).toEqual([undefined, undefined]);
  await romeo.messages(room.roomId);
  const said = await romeo.send(room.roomId, 'still here');
  expect((await romeo.messages(room.roomId)).map((event) => event.event_id)).toContain(said);
});
