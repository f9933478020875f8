import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type ClientEvent, callServer, createTestUser, type TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
const API = '/_matrix/client/v3';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;

let server: TestServer;
let romeo: TestUser;
let stranger: TestUser;
let guest: TestUser;
let serial = 0;
beforeAll(async () => {
  server = await startServer({ config: { guests: true } });
  romeo = await server.user('romeo');
  stranger = await server.user('stranger');
  guest = await signUpGuest();
});
afterAll(async () => await server[Symbol.asyncDispose]());

async function signUpGuest(): Promise<TestUser> {
  const { body } = await callServer(server.url, 'POST', `${API}/register?kind=guest`, {});
  return createTestUser(server.url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
}

const PHASES = ['before', 'invited', 'joined', 'left', 'reinvited', 'rejoined', 'banned'] as const;
type Phase = (typeof PHASES)[number];
type Scene = { roomId: string; juliet: TestUser; sent: Map<Phase, string> };

/** Juliet comes, goes, comes again and is thrown out; in each phase something is said. She looks at the room after the phases named. */
async function play(visibility: string, looks: Partial<Record<Phase, (scene: Scene) => Promise<void>>>): Promise<Scene> {
  serial += 1;
  const juliet = await server.user(`juliet${serial}`);
  const state = [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: visibility } }];
  const scene: Scene = { roomId: await romeo.createRoom({ initial_state: state }), juliet, sent: new Map() };
  const { roomId } = scene;
  const moves: Record<Phase, () => Promise<unknown>> = {
    before: () => Promise.resolve(),
    invited: () => romeo.invite(roomId, juliet.id),
    joined: () => juliet.join(roomId),
    left: () => juliet.leave(roomId),
    reinvited: () => romeo.invite(roomId, juliet.id),
    rejoined: () => juliet.join(roomId),
    banned: () => romeo.call('POST', roomPath(roomId, 'ban'), { user_id: juliet.id }),
  };
  for (const phase of PHASES) {
    await moves[phase]();
    scene.sent.set(phase, await romeo.send(roomId, `quill ${phase}`));
    await looks[phase]?.(scene);
  }
  return scene;
}

const saidIn = (events: readonly ClientEvent[]) =>
  events.filter((event) => event.type === 'm.room.message').map((event) => String(event.content['body']).slice('quill '.length));

/** What the reader sees of the room by every way there is to see it. */
async function waysToSee(reader: TestUser, { roomId, sent }: Scene): Promise<Record<string, string[]>> {
  const messages = saidIn((await reader.messages(roomId)).toReversed());
  const forwards = saidIn(await reader.messages(roomId, { dir: 'f' }));
  const events: string[] = [];
  const contexts: string[] = [];
  for (const [phase, eventId] of sent) {
    const [event, context] = [`event/${encodeURIComponent(eventId)}`, `context/${encodeURIComponent(eventId)}`];
    if ((await reader.attempt('GET', roomPath(roomId, event))).status === 200) events.push(phase);
    if ((await reader.attempt('GET', roomPath(roomId, context))).status === 200) contexts.push(phase);
  }
  return { messages, forwards, events, contexts };
}

async function searched(reader: TestUser, { roomId }: Scene): Promise<string[]> {
  const answer = await reader.call('POST', `${API}/search`, {
    search_categories: { room_events: { search_term: 'quill', order_by: 'recent', filter: { rooms: [roomId], limit: 50 } } },
  });
  const { results } = (answer['search_categories'] as { room_events: { results: { result: ClientEvent }[] } }).room_events;
  return saidIn(results.map(({ result }) => result)).toReversed();
}

async function synced(reader: TestUser, roomId: string): Promise<string[]> {
  const body = await reader.call(
    'GET',
    `${API}/sync?filter=${encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 50 }, include_leave: true } }))}`,
  );
  const rooms = body['rooms'] as Record<'join' | 'leave', Record<string, { timeline: { events: ClientEvent[] } }> | undefined>;
  return saidIn((rooms.join?.[roomId] ?? rooms.leave?.[roomId])?.timeline.events ?? []);
}

const EVERYTHING: Phase[] = [...PHASES];
const TABLE: { visibility: string; left: Phase[]; rejoined: Phase[]; banned: Phase[] }[] = [
  { visibility: 'world_readable', left: EVERYTHING.slice(0, 4), rejoined: EVERYTHING.slice(0, 6), banned: EVERYTHING },
  {
    visibility: 'shared',
    left: ['before', 'invited', 'joined'],
    rejoined: ['before', 'invited', 'joined', 'left', 'reinvited', 'rejoined'],
    banned: ['before', 'invited', 'joined', 'left', 'reinvited', 'rejoined'],
  },
  {
    visibility: 'invited',
    left: ['invited', 'joined'],
    rejoined: ['invited', 'joined', 'reinvited', 'rejoined'],
    banned: ['invited', 'joined', 'reinvited', 'rejoined'],
  },
  { visibility: 'joined', left: ['joined'], rejoined: ['joined', 'rejoined'], banned: ['joined', 'rejoined'] },
];

describe.each(TABLE)('where history is $visibility', ({ visibility, left, rejoined, banned }) => {
  test('who comes and goes sees what they may, in whatever way they look', async () => {
    const all = (phases: Phase[]) => ({ messages: phases, forwards: phases, events: phases, contexts: phases });
    const scene = await play(visibility, {
      left: async (now) => {
        expect(await waysToSee(now.juliet, now)).toEqual(all(left));
        expect(await searched(now.juliet, now)).toEqual(left);
      },
      rejoined: async (now) => {
        expect(await waysToSee(now.juliet, now)).toEqual(all(rejoined));
        expect(await searched(now.juliet, now)).toEqual(rejoined);
        const told = await synced(now.juliet, now.roomId);
        expect(rejoined.slice(-told.length)).toEqual(told);
        expect(told).toContain('rejoined');
      },
    });
    expect(await waysToSee(scene.juliet, scene)).toEqual(all(banned));
    expect(await searched(scene.juliet, scene)).toEqual(banned);
    expect(await synced(scene.juliet, scene.roomId)).not.toContain('banned');
    expect((await waysToSee(romeo, scene))['messages']).toEqual(EVERYTHING);
  });

  test('strangers and guests see all of it or nothing', async () => {
    const scene = await play(visibility, {});
    const isOpen = visibility === 'world_readable';
    for (const reader of [stranger, guest]) {
      if (isOpen) expect(await waysToSee(reader, scene)).toMatchObject({ messages: EVERYTHING, events: EVERYTHING, contexts: EVERYTHING });
      for (const rest of [
        'messages?dir=b',
        'state',
        'members',
        'state/m.room.create/',
        `event/${encodeURIComponent(scene.sent.get('before') ?? '')}`,
        'initialSync',
      ])
        expect((await reader.attempt('GET', roomPath(scene.roomId, rest))).status, rest).toBe(
          isOpen ? 200 : rest.startsWith('event/') ? 404 : 403,
        );
    }
    expect(await stranger.attempt('GET', roomPath(scene.roomId, 'joined_members'))).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
    const outsider = await stranger.attempt('PUT', roomPath(scene.roomId, 'send/m.room.message/1'), { msgtype: 'm.text', body: 'x' });
    expect(outsider).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });
});

test('each event is seen by the rule that held when it was sent', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  const setVisibility = (history_visibility: string) => romeo.setState(roomId, 'm.room.history_visibility', { history_visibility });
  await setVisibility('joined');
  await romeo.send(roomId, 'quill hidden');
  await setVisibility('shared');
  await romeo.send(roomId, 'quill shown');
  await setVisibility('joined');
  await romeo.send(roomId, 'quill hidden again');
  await stranger.join(roomId);
  expect(saidIn(await stranger.messages(roomId))).toEqual(['shown']);
  const kinds = (await stranger.messages(roomId)).filter((event) => event.type === 'm.room.history_visibility');
  expect(kinds.length).toBeGreaterThanOrEqual(2);
});

test('who left reads state and members as they were then', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Before' });
  await stranger.join(roomId);
  await stranger.leave(roomId);
  const late = await server.user('latecomer');
  await late.join(roomId);
  await romeo.setState(roomId, 'm.room.name', { name: 'After' });
  expect(await stranger.call('GET', roomPath(roomId, 'state/m.room.name/'))).toEqual({ name: 'Before' });
  const members = ((await stranger.call('GET', roomPath(roomId, 'members')))['chunk'] as ClientEvent[]).map((event) => event.state_key);
  expect(members.toSorted()).toEqual([romeo.id, stranger.id].toSorted());
  expect((await stranger.attempt('GET', roomPath(roomId, 'joined_members'))).status).toBe(403);
});

test('guests enter only where they are let in, and are led out when that ends', async () => {
  const closed = await romeo.createRoom({ preset: 'public_chat' });
  expect(await guest.attempt('POST', roomPath(closed, 'join'), {})).toMatchObject({
    status: 403,
    body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' },
  });
  const put: Json = { membership: 'join' };
  expect(await guest.attempt('PUT', roomPath(closed, `state/m.room.member/${guest.id}`), put)).toMatchObject({
    status: 403,
    body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' },
  });

  const open = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } }],
  });
  await guest.join(open);
  await guest.send(open, 'a guest speaks');
  await romeo.setState(open, 'm.room.guest_access', { guest_access: 'forbidden' });
  const moves = [await romeo.nextEvent(open, 'm.room.member')];
  while (moves.at(-1)?.content['membership'] !== 'leave') moves.push(await romeo.nextEvent(open, 'm.room.member'));
  expect(moves.at(-1)).toMatchObject({ state_key: guest.id, sender: guest.id, content: { membership: 'leave' } });
  expect((await guest.attempt('PUT', roomPath(open, 'send/m.room.message/2'), { msgtype: 'm.text', body: 'x' })).status).toBe(403);
  expect(await guest.attempt('POST', `${API}/createRoom`, {})).toMatchObject({
    status: 403,
    body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' },
  });
});
