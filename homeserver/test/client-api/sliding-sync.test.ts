import type { SlidingSyncRequest, SlidingSyncResponse, SlidingSyncRoom } from 'federation-spec/api/schemas/sliding-sync.ts';
import { expect, test } from 'vitest';
import { SLIDING_PATH, slide } from '../kit/slide.ts';
import { startServer } from '../kit/start-server.ts';

const ALL: SlidingSyncRequest = { lists: { all: { ranges: [[0, 19]], timeline_limit: 5, required_state: [['m.room.create', '']] } } };

const bodies = (room: SlidingSyncRoom | undefined) =>
  (room?.timeline ?? []).filter((event) => event.type === 'm.room.message').map((event) => event.content['body']);
const stateTypes = (room: SlidingSyncRoom | undefined) => (room?.required_state ?? []).map((event) => event.type).sort();
const roomPath = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;

test('a window holds the rooms of the latest activity, and what is sent once is not sent again', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const first = await romeo.createRoom({ name: 'Verona' });
  const second = await romeo.createRoom({ name: 'Mantua' });
  await romeo.send(first, 'But soft!');
  const lists = {
    top: { ranges: [[0, 0]] as [number, number][], timeline_limit: 1, required_state: [['m.room.create', '']] as [string, string][] },
  };

  const cold = await slide(romeo, { lists, txn_id: 'one' });
  expect(cold).toMatchObject({ txn_id: 'one', lists: { top: { count: 2 } } });
  expect(Object.keys(cold.rooms ?? {})).toEqual([first]);
  const room = cold.rooms?.[first];
  expect(room).toMatchObject({ name: 'Verona', initial: true, limited: true, num_live: 0, joined_count: 1, is_dm: false });
  expect(bodies(room)).toEqual(['But soft!']);
  expect(stateTypes(room)).toEqual(['m.room.create']);

  const quiet = await slide(romeo, { lists }, cold.pos);
  expect(quiet.rooms).toEqual({});
  const wider = await slide(romeo, { lists: { top: { ...lists.top, ranges: [[0, 9]] } } }, quiet.pos);
  expect(Object.keys(wider.rooms ?? {})).toEqual([second]);

  await romeo.send(second, 'banished');
  const warm = await slide(romeo, { lists }, wider.pos);
  expect(warm.rooms?.[second]).toMatchObject({ limited: false, num_live: 1 });
  expect(warm.rooms?.[second]?.initial).toBeUndefined();
  expect(bodies(warm.rooms?.[second])).toEqual(['banished']);
});

test('a request waits for a message, and a pos may be asked for again', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom();
  const { pos } = await slide(romeo, ALL);
  const waiting = slide(romeo, ALL, pos, 20_000);
  await romeo.send(roomId, 'wherefore');
  const answer = await waiting;
  expect(bodies(answer.rooms?.[roomId])).toEqual(['wherefore']);
  expect(bodies((await slide(romeo, ALL, pos)).rooms?.[roomId])).toEqual(['wherefore']);
});

test('a pos is the own connection of its device, and begins a page of messages', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom();
  await romeo.send(roomId, 'before');
  const { pos } = await slide(romeo, { ...ALL, conn_id: 'rooms' });

  const foreign = { status: 400, body: { errcode: 'M_UNKNOWN_POS' } };
  await expect(juliet.attempt('POST', `${SLIDING_PATH}?pos=${pos}`, { conn_id: 'rooms' })).resolves.toMatchObject(foreign);
  await expect(romeo.attempt('POST', `${SLIDING_PATH}?pos=${pos}`, { conn_id: 'other' })).resolves.toMatchObject(foreign);
  await expect(romeo.attempt('POST', `${SLIDING_PATH}?pos=s1_x_0_9`, {})).resolves.toMatchObject(foreign);
  const page = await romeo.call('GET', `${roomPath(roomId)}/messages?dir=b&limit=1&from=${pos}`);
  expect(page['chunk']).toMatchObject([{ content: { body: 'before' } }]);
});

test('a subscription asks for more of a room: older messages and further state come at once', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({ name: 'Verona' });
  for (const body of ['one', 'two', 'three']) await romeo.send(roomId, body);
  const lists = { all: { ranges: [[0, 9]] as [number, number][], timeline_limit: 1, required_state: [] } };
  const { pos } = await slide(romeo, { lists });
  const opened = await slide(
    romeo,
    {
      lists,
      room_subscriptions: {
        [roomId]: {
          timeline_limit: 3,
          required_state: [
            ['m.room.name', ''],
            ['m.room.member', '$ME'],
          ],
        },
      },
    },
    pos,
  );
  const room = opened.rooms?.[roomId];
  expect(bodies(room)).toEqual(['one', 'two', 'three']);
  expect(room).toMatchObject({ unstable_expanded_timeline: true, num_live: 0 });
  expect(stateTypes(room)).toEqual(['m.room.member', 'm.room.name']);
});

test('members are told of when they speak, and once', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const nurse = await server.user('nurse');
  const roomId = await romeo.createRoom({ preset: 'public_chat', name: 'Balcony' });
  await juliet.join(roomId);
  await nurse.join(roomId);
  await juliet.send(roomId, 'Ay me!');
  const lists = {
    all: { ranges: [[0, 9]] as [number, number][], timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] as [string, string][] },
  };
  const members = (answer: SlidingSyncResponse) => (answer.rooms?.[roomId]?.required_state ?? []).map((event) => event.state_key);

  const cold = await slide(romeo, { lists });
  expect(members(cold)).toEqual([juliet.id]);
  await juliet.send(roomId, 'again');
  const warm = await slide(romeo, { lists }, cold.pos);
  expect(members(warm)).toEqual([]);
  await nurse.send(roomId, 'Madam!');
  expect(members(await slide(romeo, { lists }, warm.pos))).toEqual([nurse.id]);
});

test('an invite is shown, accepted and left', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ name: 'Crypt' });
  await romeo.invite(roomId, juliet.id);
  const invited = await slide(juliet, {
    lists: { invites: { ranges: [[0, 9]], filters: { is_invite: true } }, all: ALL.lists?.['all'] ?? {} },
  });
  expect(invited.lists).toEqual({ invites: { count: 1 }, all: { count: 1 } });
  expect(invited.rooms?.[roomId]).toMatchObject({ membership: 'invite', initial: true });
  expect(invited.rooms?.[roomId]?.invite_state?.map((event) => event.type)).toContain('m.room.name');
  expect(invited.rooms?.[roomId]?.timeline).toBeUndefined();

  await juliet.join(roomId);
  const joined = await slide(juliet, ALL, invited.pos);
  expect(joined.rooms?.[roomId]).toMatchObject({ membership: 'join', initial: true, name: 'Crypt' });
  await juliet.leave(roomId);
  await romeo.send(roomId, 'not for her');
  const left = await slide(juliet, ALL, joined.pos);
  expect(left.rooms?.[roomId]).toMatchObject({ membership: 'leave' });
  expect(bodies(left.rooms?.[roomId])).toEqual([]);
  expect(left.rooms?.[roomId]?.timeline?.at(-1)).toMatchObject({ type: 'm.room.member', content: { membership: 'leave' } });
  expect((await slide(juliet, ALL, left.pos)).rooms).toEqual({});
});

test('lists are filtered by what rooms are', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
  const space = await romeo.createRoom({ creation_content: { type: 'm.space' } });
  const secret = await romeo.createRoom({ name: 'Secret', initial_state: [encryption] });
  const direct = await romeo.createRoom();
  const user = `/_matrix/client/v3/user/${encodeURIComponent(romeo.id)}`;
  await romeo.call('PUT', `${user}/account_data/m.direct`, { '@juliet:x': [direct] });
  await romeo.call('PUT', `${user}/rooms/${encodeURIComponent(secret)}/tags/m.favourite`, { order: 0.5 });
  await romeo.setState(space, 'm.space.child', { via: ['x'] }, direct);

  const cases = {
    spaces: [{ room_types: ['m.space'] }, [space]],
    rooms: [{ not_room_types: ['m.space'] }, [secret, direct]],
    encrypted: [{ is_encrypted: true }, [secret]],
    direct: [{ is_dm: true }, [direct]],
    others: [{ is_dm: false, is_encrypted: false }, [space]],
    favourites: [{ tags: ['m.favourite'] }, [secret]],
    named: [{ room_name_like: 'sec' }, [secret]],
    children: [{ spaces: [space] }, [direct]],
  } as const;
  for (const [name, [filters, wanted]] of Object.entries(cases)) {
    const answer = await slide(romeo, { lists: { [name]: { ranges: [[0, 9]], filters: JSON.parse(JSON.stringify(filters)) } } });
    expect(Object.keys(answer.rooms ?? {}).sort(), name).toEqual([...wanted].sort());
  }
});

test('the extensions bring messages between devices, account data, receipts and typing', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  const eventId = await juliet.send(roomId, 'read me');
  const on = { enabled: true };
  const extensions = { to_device: on, e2ee: on, account_data: on, receipts: on, typing: on };
  const cold = await slide(romeo, { ...ALL, extensions });
  expect(cold.extensions?.account_data?.global?.map((event) => event.type)).toContain('m.push_rules');
  expect(cold.extensions?.e2ee).toMatchObject({ device_one_time_keys_count: {} });
  expect(cold.rooms?.[roomId]).toMatchObject({ notification_count: 1 });

  await juliet.call('PUT', '/_matrix/client/v3/sendToDevice/m.test/1', { messages: { [romeo.id]: { [romeo.deviceId]: { hello: true } } } });
  await juliet.call('PUT', `${roomPath(roomId)}/typing/${encodeURIComponent(juliet.id)}`, { typing: true, timeout: 30_000 });
  await juliet.call('POST', `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
  await romeo.call('POST', `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
  const warm = await slide(romeo, { ...ALL, extensions }, cold.pos);
  expect(warm.extensions?.to_device?.events).toMatchObject([{ type: 'm.test', content: { hello: true } }]);
  expect(warm.extensions?.typing?.rooms?.[roomId]).toMatchObject({ content: { user_ids: [juliet.id] } });
  expect(Object.keys(warm.extensions?.receipts?.rooms?.[roomId]?.content ?? {})).toEqual([eventId]);
  expect(warm.rooms?.[roomId]).toMatchObject({ notification_count: 0 });

  const since = warm.extensions?.to_device?.next_batch ?? '';
  const again = await slide(romeo, { ...ALL, extensions: { to_device: on } }, warm.pos);
  expect(again.extensions?.to_device?.events).toHaveLength(1);
  const after = await slide(romeo, { ...ALL, extensions: { to_device: { ...on, since } } }, again.pos);
  expect(after.extensions?.to_device?.events).toEqual([]);
});
