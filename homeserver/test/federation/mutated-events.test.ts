import type { JsonObject, Pdu, PduDraft } from 'federation-spec/events/event.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { hostRoom } from '../kit/hosted-room.ts';
import { type HostilePeer, type PeerRoom, startHostilePeer } from '../kit/hostile-peer.ts';
import { createDice, mutate } from '../kit/mutate.ts';
import { SLIDING_PATH } from '../kit/slide.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { storedKind } from '../kit/stored-kind.ts';
import type { TestUser } from '../kit/test-user.ts';

/** A seed shows its own run again; a factor makes the run longer. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 7);
const FACTOR = Number(process.env['FUZZ_FACTOR'] ?? 1);
const WAIT = { timeout: 60_000 };
const LONG = 60_000 * (1 + FACTOR);
const dice = createDice(SEED);
const enc = encodeURIComponent;

let servers: TestServers;
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let room: PeerRoom;
/** What the server logged as its own fault. */
const faults: string[] = [];

beforeAll(async () => {
  const logger = pino({ level: 'error' }, { write: (line: string) => void faults.push(line) });
  servers = await startServers(1, { logger });
  server = servers.at(0);
  peer = await startHostilePeer(servers.ca);
  romeo = await servers.user('romeo', 0);
});
beforeEach(async () => {
  peer.answer(() => undefined);
  room = await peer.join(server, await romeo.createRoom({ preset: 'public_chat' }), 'tybalt');
});
afterAll(async () => {
  await peer[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

/** The event with something changed: before it is signed, where that can be, or afterwards. */
async function mutated(event: Pdu): Promise<Pdu> {
  if (dice(3) === 0) return mutate(event, dice, 1 + dice(2));
  const { hashes: _, signatures: __, ...draft } = event;
  const changed = mutate(draft, dice, 1 + dice(2));
  try {
    return await signEvent(changed as PduDraft, room.rules, peer.signer);
  } catch {
    return { ...event, ...changed };
  }
}

async function sendable(body: unknown): Promise<unknown> {
  return JSON.parse(JSON.stringify(body).replaceAll('\\ud800', ''));
}

/** The room takes the next event, and its members can read and write. */
async function expectRoomGoesOn(): Promise<void> {
  const good = await room.event({ content: { msgtype: 'm.text', body: 'good' } });
  expect((await peer.sendPdus(server, [good.event])).status).toBe(200);
  await expect.poll(() => storedKind(server, good.id), WAIT).toBe('timeline');
  const said = await romeo.send(room.roomId, 'still here');
  for (const id of [good.id, said]) await romeo.call('GET', `/_matrix/client/v3/rooms/${enc(room.roomId)}/event/${enc(id)}`);
  await romeo.messages(room.roomId, { limit: 50 });
  await romeo.sync({ since: '' });
  const sliding = await romeo.attempt('POST', SLIDING_PATH, {
    lists: { all: { ranges: [[0, 10]], timeline_limit: 20, required_state: [['*', '*']] } },
  });
  expect(sliding.status).toBe(200);
  expect(faults.splice(0)).toEqual([]);
}

const samples = async (): Promise<Pdu[]> =>
  (
    await Promise.all([
      room.event({}),
      room.event({ type: 'm.room.member', state_key: room.userId, content: { membership: 'join', displayname: 'Tybalt' } }),
      room.event({ type: 'm.reaction', content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: room.joinId, key: 'x' } } }),
      room.event({
        content: { body: '* new', 'm.new_content': { body: 'new' }, 'm.relates_to': { rel_type: 'm.replace', event_id: room.joinId } },
      }),
      room.event({
        content: {
          body: 'in a thread',
          'm.relates_to': { rel_type: 'm.thread', event_id: room.joinId },
          'm.mentions': { user_ids: [romeo.id] },
        },
      }),
      room.event({ type: 'm.room.redaction', content: { redacts: room.joinId } }),
      room.event({ type: 'm.room.encrypted', content: { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x', sender_key: 'y' } }),
      room.event({ type: 'm.room.power_levels', state_key: '', content: { users: { [room.userId]: 100 } } }),
    ])
  ).map(({ event }) => event);

test('events with anything changed in them spoil neither their transaction nor their room', { timeout: LONG }, async () => {
  const kinds = await samples();
  for (let round = 0; round < 30 * FACTOR; round += 1) {
    const pdus = await Promise.all(Array.from({ length: 8 }, () => mutated(kinds[dice(kinds.length)] as Pdu)));
    const answer = await peer.sendPdus(server, (await sendable(pdus)) as unknown[]);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  }
  await expectRoomGoesOn();
});

test('messages beside events are taken with anything changed in them', { timeout: LONG }, async () => {
  const now = Date.now();
  const edus: JsonObject[] = [
    { edu_type: 'm.typing', content: { room_id: room.roomId, user_id: room.userId, typing: true } },
    {
      edu_type: 'm.receipt',
      content: { [room.roomId]: { 'm.read': { [room.userId]: { event_ids: [room.joinId], data: { ts: now, thread_id: 'main' } } } } },
    },
    {
      edu_type: 'm.presence',
      content: { push: [{ user_id: room.userId, presence: 'online', last_active_ago: 1, status_msg: 'x', currently_active: true }] },
    },
    {
      edu_type: 'm.direct_to_device',
      content: { message_id: 'm', sender: room.userId, type: 'm.x', messages: { [romeo.id]: { '*': { a: 1 } } } },
    },
    {
      edu_type: 'm.device_list_update',
      content: {
        user_id: room.userId,
        device_id: 'D',
        stream_id: 5,
        prev_id: [4],
        deleted: false,
        device_display_name: 'n',
        keys: { user_id: room.userId, device_id: 'D', algorithms: ['x'], keys: { 'ed25519:D': 'a' }, signatures: {} },
      },
    },
    {
      edu_type: 'm.signing_key_update',
      content: { user_id: room.userId, master_key: { user_id: room.userId, usage: ['master'], keys: { 'ed25519:a': 'a' } } },
    },
    { edu_type: 'chat.blinkchat.delivered', content: { [room.roomId]: { [room.userId]: { event_id: room.joinId } } } },
  ];
  for (let round = 0; round < 30 * FACTOR; round += 1) {
    const changed = Array.from({ length: 10 }, () => mutate(edus[dice(edus.length)] as JsonObject, dice, 1 + dice(2)));
    const answer = await peer.sendPdus(server, [], (await sendable(changed)) as unknown[]);
    expect([200, 400], JSON.stringify(answer.body)).toContain(answer.status);
  }
  await expectRoomGoesOn();
});

test('invites, joins, knocks and leaves with anything changed in them are taken or refused', { timeout: LONG }, async () => {
  const invite = await room.event({
    type: 'm.room.member',
    state_key: romeo.id,
    content: { membership: 'invite' },
    room_id: `!trap:${peer.name}`,
  });
  const body = { room_version: room.rules.version, event: invite.event, invite_room_state: room.state.slice(0, 4) };
  const member = (membership: string) => room.event({ type: 'm.room.member', state_key: room.userId, content: { membership } });
  const [join, leave, knock] = [await member('join'), await member('leave'), await member('knock')];
  const statuses: number[] = [];
  for (let round = 0; round < 40 * FACTOR; round += 1) {
    const path = (what: string, roomId: string, id: string) => `/_matrix/federation/${what}/${enc(roomId)}/${enc(id)}`;
    const changed = mutate(body, dice, 1 + dice(2)) as unknown as JsonObject;
    const signed = { ...body, event: await mutated(invite.event) };
    for (const [method, at, given] of [
      ['PUT', path('v2/invite', `!trap:${peer.name}`, invite.id), changed],
      ['PUT', path('v2/invite', `!trap:${peer.name}`, invite.id), signed],
      ['PUT', path('v1/invite', `!trap:${peer.name}`, invite.id), await mutated(invite.event)],
      ['PUT', path('v2/send_join', room.roomId, join.id), await mutated(join.event)],
      ['PUT', path('v2/send_leave', room.roomId, leave.id), await mutated(leave.event)],
      ['PUT', path('v1/send_knock', room.roomId, knock.id), await mutated(knock.event)],
    ] as const) {
      const answer = await peer.call(server, method, at, await sendable(given));
      statuses.push(answer.status);
      expect(answer.status, `${at} ${JSON.stringify(answer.body)}`).toBeLessThan(500);
    }
  }
  room = await peer.join(server, room.roomId, 'tybalt'); // some of the leaves were good
  await expectRoomGoesOn();
});

test('what is answered with anything changed in it neither breaks what asked for it nor blocks the room', { timeout: LONG }, async () => {
  const lost = await room.event({ content: { body: 'lost' } });
  peer.answer((_method, path) => {
    if (path.includes('/send/')) return { pdus: {} };
    const state = room.state as unknown as JsonObject[];
    const answers: [string, unknown][] = [
      ['/get_missing_events/', { events: [lost.event] }],
      ['/state_ids/', { pdu_ids: [room.joinId], auth_chain_ids: [] }],
      ['/state/', { pdus: state, auth_chain: state }],
      ['/event_auth/', { auth_chain: state }],
      ['/event/', { origin: peer.name, origin_server_ts: 1, pdus: [lost.event] }],
      ['/backfill/', { origin: peer.name, origin_server_ts: 1, pdus: [lost.event] }],
    ];
    const found = answers.find(([part]) => path.includes(part));
    return found === undefined ? undefined : mutate(found[1], dice, 1 + dice(3));
  });
  for (let round = 0; round < 12 * FACTOR; round += 1) {
    const orphan = await room.event({ content: { body: `orphan ${round}` }, prev_events: [lost.id], depth: 9 });
    const citing = await room.event({ content: { body: `citing ${round}` }, auth_events: [lost.id, room.joinId] });
    expect((await peer.sendPdus(server, [orphan.event, citing.event])).status).toBe(200);
    await romeo.messages(room.roomId, { limit: 100 });
  }
  await expectRoomGoesOn();
});

test('a room is joined or refused when anything is changed in what its resident says', { timeout: LONG }, async () => {
  const outcomes = new Set<number>();
  for (let round = 0; round < 25 * FACTOR; round += 1) {
    const hosted = await hostRoom(peer, { version: dice(2) === 0 ? '10' : '12' });
    const changesTemplate = dice(3) === 0;
    peer.answer((method, path, body) => {
      const answer = hosted.answer(method, path, body);
      const isChanged = path.includes('/make_') ? changesTemplate : path.includes('/send_join/') || path.includes('/state');
      return isChanged && answer !== undefined ? mutate(answer, dice, 1 + dice(3)) : answer;
    });
    const { status, body } = await romeo.attempt('POST', `/_matrix/client/v3/join/${enc(hosted.roomId)}?via=${peer.name}`, {});
    outcomes.add(status);
    expect([200, 400, 403, 404, 502], `${status} ${JSON.stringify(body)}`).toContain(status);
    if (status === 200) await romeo.send(hosted.roomId, 'in').catch((error: Error) => expect(error.message).toMatch(/: 40[03] /));
    await romeo.attempt('GET', `/_matrix/client/v3/rooms/${enc(hosted.roomId)}/messages?dir=b&limit=50`);
    await romeo.attempt('POST', `/_matrix/client/v3/rooms/${enc(hosted.roomId)}/leave`, {});
  }
  expect([...outcomes]).toEqual(expect.arrayContaining([200]));
  peer.answer(() => undefined);
  await expectRoomGoesOn();
});

test('users, devices, rooms and aliases of a server are asked about, whatever it answers', { timeout: LONG }, async () => {
  const userId = room.userId;
  const device = {
    user_id: userId,
    device_id: 'D',
    algorithms: ['x'],
    keys: { 'ed25519:D': 'a', 'curve25519:D': 'b' },
    signatures: { [userId]: { 'ed25519:D': 's' } },
  };
  const answers: [string, unknown][] = [
    [
      '/user/keys/query',
      {
        device_keys: { [userId]: { D: device } },
        master_keys: { [userId]: { user_id: userId, usage: ['master'], keys: { 'ed25519:a': 'a' } } },
        self_signing_keys: {},
      },
    ],
    ['/user/keys/claim', { one_time_keys: { [userId]: { D: { 'signed_curve25519:A': { key: 'k', signatures: {} } } } } }],
    [
      '/user/devices/',
      {
        user_id: userId,
        stream_id: 3,
        devices: [{ device_id: 'D', keys: device, device_display_name: 'n' }],
        master_key: { user_id: userId, usage: ['master'], keys: { 'ed25519:a': 'a' } },
      },
    ],
    ['/query/profile', { displayname: 'T', avatar_url: 'mxc://a/b' }],
    ['/query/directory', { room_id: room.roomId, servers: [peer.name] }],
    [
      '/publicRooms',
      {
        chunk: [{ room_id: '!a:b', num_joined_members: 1, world_readable: true, guest_can_join: false, name: 'n' }],
        next_batch: 'x',
        total_room_count_estimate: 1,
      },
    ],
    [
      '/hierarchy/',
      {
        room: {
          room_id: '!a:b',
          num_joined_members: 1,
          world_readable: true,
          guest_can_join: false,
          children_state: [{ type: 'm.space.child', state_key: '!c:d', content: { via: ['x'] }, sender: userId, origin_server_ts: 1 }],
        },
        children: [],
        inaccessible_children: [],
      },
    ],
    ['/timestamp_to_event/', { event_id: room.joinId, origin_server_ts: 1 }],
    ['/send/', { pdus: {} }],
  ];
  const space = await romeo.createRoom({ creation_content: { type: 'm.space' } });
  await romeo.setState(space, 'm.space.child', { via: [peer.name] }, `!far:${peer.name}`);
  peer.answer((_method, path) => {
    const found = answers.find(([part]) => path.includes(part));
    return found === undefined ? undefined : mutate(found[1], dice, 1 + dice(2));
  });
  for (let round = 0; round < 15 * FACTOR; round += 1) {
    const asked: [string, string, unknown?][] = [
      ['POST', '/_matrix/client/v3/keys/query', { device_keys: { [userId]: [], [`@r${round}:${peer.name}`]: [] } }],
      ['POST', '/_matrix/client/v3/keys/claim', { one_time_keys: { [userId]: { D: 'signed_curve25519' } } }],
      ['GET', `/_matrix/client/v3/profile/${enc(`@p${round}:${peer.name}`)}`],
      ['GET', `/_matrix/client/v3/directory/room/${enc(`#a${round}:${peer.name}`)}`],
      ['POST', `/_matrix/client/v3/publicRooms?server=${peer.name}`, {}],
      ['GET', `/_matrix/client/v1/rooms/${enc(space)}/hierarchy`],
      ['GET', `/_matrix/client/v1/rooms/${enc(room.roomId)}/timestamp_to_event?ts=1&dir=b`],
      ['GET', `/_matrix/client/v1/room_summary/${enc(`!s${round}:${peer.name}`)}?via=${peer.name}`],
    ];
    for (const [method, path, body] of asked) {
      const { status, body: told } = await romeo.attempt(method, path, body);
      expect(status === 502 || status < 500, `${path}: ${status} ${JSON.stringify(told)}`).toBe(true);
    }
    const update = { user_id: userId, device_id: 'D', stream_id: 100 + round * 3, prev_id: [99 + round * 3] };
    await peer.sendPdus(server, [], [{ edu_type: 'm.device_list_update', content: update }]);
  }
  peer.answer(() => undefined);
  await expectRoomGoesOn();
});
