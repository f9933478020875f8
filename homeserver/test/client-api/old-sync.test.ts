import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import { callServer, createTestUser, type TestUser } from '../kit/test-user.ts';

type Json = Record<string, unknown>;
type OldEvent = { type: string; room_id?: string; event_id?: string; user_id?: string; state_key?: string; sender?: string; content: Json };
type Chunk = { start: string; end: string; chunk: OldEvent[] };
type Snapshot = {
  room_id: string;
  membership?: string;
  visibility?: string;
  invite?: OldEvent & { unsigned?: Json };
  inviter?: string;
  messages?: { start: string; end: string; chunk: OldEvent[] };
  state?: OldEvent[];
  account_data?: OldEvent[];
  receipts?: OldEvent[];
  presence?: OldEvent[];
};
type InitialSync = { end: string; rooms: Snapshot[]; presence: OldEvent[]; account_data: OldEvent[]; receipts: OldEvent[] };

const API = '/_matrix/client/v3';
const roomPath = (roomId: string, rest: string) => `${API}/rooms/${encodeURIComponent(roomId)}/${rest}`;

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { guests: true } });
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(async () => await server[Symbol.asyncDispose]());

async function events(user: TestUser, from: string, options: { roomId?: string; timeoutMs?: number } = {}): Promise<Chunk> {
  const query = new URLSearchParams({
    from,
    timeout: String(options.timeoutMs ?? 0),
    ...(options.roomId ? { room_id: options.roomId } : {}),
  });
  return (await user.call('GET', `${API}/events?${query}`)) as unknown as Chunk;
}

/** Reads on until an event fits. */
async function nextFitting(
  user: TestUser,
  from: string,
  fits: (event: OldEvent) => boolean,
  roomId?: string,
): Promise<{ event: OldEvent; end: string }> {
  let end = from;
  for (let round = 0; round < 20; round += 1) {
    const told = await events(user, end, { timeoutMs: 3_000, ...(roomId === undefined ? {} : { roomId }) });
    end = told.end;
    const event = told.chunk.find(fits);
    if (event !== undefined) return { event, end };
  }
  throw new Error('no such event came');
}

async function initialSync(user: TestUser, query = ''): Promise<InitialSync> {
  return (await user.call('GET', `${API}/initialSync${query}`)) as unknown as InitialSync;
}
const roomOf = ({ rooms }: InitialSync, roomId: string) => rooms.find((room) => room.room_id === roomId);
const bodies = (list: readonly OldEvent[] = []) =>
  list.filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);

test('an initial sync tells of every room what a client needs, and the stream goes on from it', async () => {
  const roomId = await romeo.createRoom({ name: 'Balcony', invite: [juliet.id] });
  for (const text of ['one', 'two', 'three']) await romeo.send(roomId, text);
  await romeo.call('PUT', `${API}/user/${romeo.id}/rooms/${roomId}/tags/m.favourite`, { order: 0.5 });

  const told = await initialSync(romeo, '?limit=2');
  const room = roomOf(told, roomId);
  expect(room).toMatchObject({ membership: 'join', visibility: 'private' });
  expect(bodies(room?.messages?.chunk)).toEqual(['two', 'three']);
  expect(room?.messages?.chunk[0]).toMatchObject({ user_id: romeo.id, sender: romeo.id, room_id: roomId });
  expect(room?.state?.map((event) => event.type)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.member']));
  expect(room?.account_data).toEqual([{ type: 'm.tag', content: { tags: { 'm.favourite': { order: 0.5 } } } }]);
  expect(told.account_data.map((event) => event.type)).toContain('m.push_rules');

  const back = await romeo.call('GET', roomPath(roomId, `messages?dir=b&from=${room?.messages?.start}&limit=1`));
  expect(bodies(back['chunk'] as OldEvent[])).toEqual(['one']);

  const invited = roomOf(await initialSync(juliet), roomId);
  expect(invited).toMatchObject({
    membership: 'invite',
    inviter: romeo.id,
    invite: { state_key: juliet.id, content: { membership: 'invite' } },
  });
  expect(JSON.stringify(invited?.invite?.unsigned)).toContain('Balcony');

  const waiting = nextFitting(romeo, told.end, (event) => event.content['body'] === 'four');
  await romeo.send(roomId, 'four');
  expect((await waiting).event).toMatchObject({ room_id: roomId, user_id: romeo.id });
});

test('the stream brings invites, joins, messages, typing, receipts, tags and the end of it', async () => {
  const { end: start } = await events(juliet, (await juliet.sync())['next_batch'] as string);
  const roomId = await romeo.createRoom({ invite: [juliet.id] });
  const invite = await nextFitting(juliet, start, (event) => event.state_key === juliet.id);
  expect(invite.event).toMatchObject({ type: 'm.room.member', room_id: roomId, sender: romeo.id, content: { membership: 'invite' } });

  await juliet.join(roomId);
  const join = await nextFitting(juliet, invite.end, (event) => event.state_key === juliet.id);
  expect(join.event).toMatchObject({ room_id: roomId, content: { membership: 'join' } });

  const eventId = await juliet.send(roomId, 'Ay me');
  await romeo.call('PUT', roomPath(roomId, `typing/${romeo.id}`), { typing: true, timeout: 20_000 });
  const typing = await nextFitting(juliet, join.end, (event) => event.type === 'm.typing');
  expect(typing.event).toMatchObject({ room_id: roomId, content: { user_ids: [romeo.id] } });

  await romeo.call('POST', roomPath(roomId, `receipt/m.read/${encodeURIComponent(eventId)}`), {});
  const receipt = await nextFitting(juliet, join.end, (event) => event.type === 'm.receipt' && event.room_id === roomId);
  expect(receipt.event.content[eventId]).toMatchObject({ 'm.read': { [romeo.id]: {} } });

  await juliet.call('PUT', `${API}/user/${juliet.id}/rooms/${roomId}/tags/u.love`, {});
  const tag = await nextFitting(juliet, join.end, (event) => event.type === 'm.tag');
  expect(tag.event).toMatchObject({ room_id: roomId, content: { tags: { 'u.love': {} } } });

  await romeo.call('POST', roomPath(roomId, 'kick'), { user_id: juliet.id });
  const kicked = await nextFitting(juliet, join.end, (event) => event.content['membership'] === 'leave');
  await romeo.send(roomId, 'she is gone');
  expect(bodies((await events(juliet, kicked.end)).chunk)).toEqual([]);
});

test('the stream tells who is there', async () => {
  await using talkative = await startServer({ config: { presence: true } });
  const benvolio = await talkative.user('benvolio');
  const rosaline = await talkative.user('rosaline');
  await rosaline.join(await benvolio.createRoom({ preset: 'public_chat' }));
  const { end } = await initialSync(rosaline);
  await benvolio.call('PUT', `${API}/presence/${benvolio.id}/status`, { presence: 'unavailable', status_msg: 'in the garden' });
  const { event } = await nextFitting(rosaline, end, ({ content }) => content['status_msg'] === 'in the garden');
  expect(event).toMatchObject({ type: 'm.presence', content: { user_id: benvolio.id, presence: 'unavailable' } });
  expect((await initialSync(rosaline)).presence).toContainEqual(expect.objectContaining({ sender: benvolio.id }));
});

test('a stream that has much to tell tells it piece by piece, in order and whole', async () => {
  const roomId = await romeo.createRoom();
  const { end } = await events(romeo, (await romeo.sync())['next_batch'] as string);
  const sent = Array.from({ length: 130 }, (_, index) => `message ${index}`);
  for (const text of sent) await romeo.send(roomId, text);
  const first = await events(romeo, end);
  const second = await events(romeo, first.end);
  expect([...bodies(first.chunk), ...bodies(second.chunk)]).toEqual(sent);
  expect(bodies(first.chunk).length).toBeLessThan(sent.length);
});

test('one room alone is told, and who is not in it may look into it where anybody may read', async () => {
  const tybalt = await server.user('tybalt');
  const open = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } }],
  });
  const closed = await romeo.createRoom({ preset: 'public_chat' });
  await romeo.send(open, 'before');

  const snapshot = (await tybalt.call('GET', roomPath(open, 'initialSync'))) as unknown as Snapshot;
  expect(bodies(snapshot.messages?.chunk)).toEqual(['before']);
  expect(snapshot.membership).toBeUndefined();
  expect(snapshot.state?.map((event) => event.type)).toContain('m.room.create');
  const waiting = nextFitting(tybalt, snapshot.messages?.end ?? '', (event) => event.content['body'] === 'after', open);
  await romeo.send(closed, 'elsewhere');
  await romeo.send(open, 'after');
  expect((await waiting).event.room_id).toBe(open);

  for (const path of [`${API}/events?room_id=${closed}&timeout=0`, roomPath(closed, 'initialSync')])
    expect(await tybalt.attempt('GET', path)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  const alone = await events(romeo, snapshot.messages?.end ?? '', { roomId: closed });
  expect(bodies(alone.chunk)).toEqual(['elsewhere']);
});

test('a guest may look into an open room, and must say which', async () => {
  const open = await romeo.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } }],
  });
  const { body } = await callServer(server.url, 'POST', `${API}/register?kind=guest`, {});
  const guest = createTestUser(server.url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
  const snapshot = (await guest.call('GET', roomPath(open, 'initialSync'))) as unknown as Snapshot;
  expect((await guest.attempt('GET', `${API}/events?timeout=0`)).status).toBe(400);
  await romeo.send(open, 'a guest hears');
  expect(bodies((await events(guest, snapshot.messages?.end ?? '', { roomId: open })).chunk)).toEqual(['a guest hears']);
});

test('who left a room gets it as it was when they left', async () => {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Before' });
  await juliet.join(roomId);
  await romeo.send(roomId, 'while she was there');
  await juliet.leave(roomId);
  await romeo.setState(roomId, 'm.room.name', { name: 'After' });
  await romeo.send(roomId, 'after she left');

  const left = (await juliet.call('GET', roomPath(roomId, 'initialSync'))) as unknown as Snapshot;
  expect(left.membership).toBe('leave');
  expect(bodies(left.messages?.chunk)).toEqual(['while she was there']);
  expect(left.state?.find((event) => event.type === 'm.room.name')?.content).toEqual({ name: 'Before' });
  expect(roomOf(await initialSync(juliet), roomId)).toBeUndefined();
  const archived = roomOf(await initialSync(juliet, '?archived=true'), roomId);
  expect(archived?.membership).toBe('leave');
  expect(bodies(archived?.messages?.chunk)).toEqual(['while she was there']);
  expect(archived?.state?.find((event) => event.type === 'm.room.name')?.content).toEqual({ name: 'Before' });
});

test('one event is found by its id by those who may see it, and by nobody else', async () => {
  const tybalt = await server.user('mercutio');
  const roomId = await romeo.createRoom();
  const eventId = encodeURIComponent(await romeo.send(roomId, 'a secret'));
  expect(await romeo.call('GET', `${API}/events/${eventId}`)).toMatchObject({ room_id: roomId, content: { body: 'a secret' } });
  expect(await romeo.call('GET', `/_matrix/client/r0/events/${eventId}`)).toMatchObject({ room_id: roomId });
  const [hidden, unknown] = [
    await tybalt.attempt('GET', `${API}/events/${eventId}`),
    await tybalt.attempt('GET', `${API}/events/$nothing`),
  ];
  expect([hidden.status, unknown.status]).toEqual([404, 404]);
  expect(hidden.body['errcode']).toBe('M_NOT_FOUND');
});

test('a token that is none is refused, and a stream without one begins now', async () => {
  expect(await romeo.attempt('GET', `${API}/events?from=nonsense&timeout=0`)).toMatchObject({
    status: 400,
    body: { errcode: 'M_INVALID_PARAM' },
  });
  expect(await romeo.attempt('GET', `${API}/events?timeout=soon`)).toMatchObject({ status: 400 });
  const now = (await romeo.call('GET', `${API}/events?timeout=0`)) as unknown as Chunk;
  expect(now.chunk).toEqual([]);
});

test('an invite from afar comes through the stream and the initial sync', async () => {
  await using servers = await startServers(2);
  const inviter = await servers.user('romeo', 0);
  const invited = await servers.user('juliet', 1);
  const { end } = await initialSync(invited);
  const roomId = await inviter.createRoom({ name: 'Verona' });
  await inviter.invite(roomId, invited.id);
  const { event } = await nextFitting(invited, end, ({ state_key }) => state_key === invited.id);
  expect(event).toMatchObject({ type: 'm.room.member', room_id: roomId, sender: inviter.id, content: { membership: 'invite' } });
  expect(roomOf(await initialSync(invited), roomId)).toMatchObject({ membership: 'invite', inviter: inviter.id });
});
