import { expect, test } from 'vitest';
import { startRooms } from '../kit/start-rooms.ts';

type Rooms = Awaited<ReturnType<typeof startRooms>>;
type User = Awaited<ReturnType<Rooms['user']>>;

function say(rooms: Rooms, roomId: string, user: User, body: string, txnId = body): Promise<string> {
  return rooms.sendEvent({
    roomId,
    sender: user.userId,
    senderNid: user.userNid,
    transaction: { deviceId: 'PHONE', txnPath: `send/m.room.message/${txnId}` },
    type: 'm.room.message',
    content: { msgtype: 'm.text', body },
  });
}

for (const version of ['10', '11', '12']) {
  test(`a room of version ${version} is made in one append, and its messages follow in order`, async () => {
    await using rooms = await startRooms();
    const romeo = await rooms.user('romeo');

    const before = rooms.log.position();
    const roomId = await rooms.createRoomForUser(romeo, { preset: 'public_chat', name: 'Verona', version });
    const [batches] = await rooms.database.sql<{ count: number }[]>`select count(*)::bigint as count from events`;
    expect(rooms.log.position() - before).toBe(batches?.count);

    for (const body of ['one', 'two', 'three']) await say(rooms, roomId, romeo, body);
    const { chunk } = await rooms.readRoom.messages({ ...romeo, deviceId: 'PHONE' }, { roomId, direction: 'b', limit: 3 });
    expect(chunk.map((event) => event.content['body'])).toEqual(['three', 'two', 'one']);
    expect(chunk[0]?.unsigned?.transaction_id).toBe('three');
  });
}

test('a message into a warm room costs one statement, a transaction of its own', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  await say(rooms, roomId, romeo, 'warm');

  rooms.queries.length = 0;
  await say(rooms, roomId, romeo, 'measured');
  expect(rooms.queries).toHaveLength(1);
  expect(rooms.queries[0]).toMatch(/^\s*with head as/);
});

/** How often the server's processes for clients have made PostgreSQL's log safe on the disk. */
async function countFsyncs({ database }: Rooms): Promise<number> {
  await database.logSql`select pg_stat_force_next_flush()`; // what a connection has counted is told by itself
  const [row] = await database.sql<{ fsyncs: number }[]>`
    select coalesce(sum(fsyncs), 0)::bigint as fsyncs from pg_stat_io where object = 'wal' and backend_type = 'client backend'`;
  return row?.fsyncs ?? 0;
}

test('a message costs one fsync; ten senders at once share theirs', async () => {
  await using rooms = await startRooms({ ownPostgres: true });
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  await say(rooms, roomId, romeo, 'warm');

  const before = await countFsyncs(rooms);
  await say(rooms, roomId, romeo, 'measured');
  const afterOne = await countFsyncs(rooms);
  expect(afterOne - before).toBe(1);

  const rounds = Array.from({ length: 10 }, (_, sender) => sender);
  await Promise.all(
    rounds.map(async (sender) => {
      for (let index = 0; index < 10; index += 1) await say(rooms, roomId, romeo, `sender ${sender} message ${index}`);
    }),
  );
  expect((await countFsyncs(rooms)) - afterOne).toBeLessThan(100);
});

test('what is sent at the same time shares transactions', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  rooms.queries.length = 0;

  const bodies = Array.from({ length: 100 }, (_, index) => `message ${index}`);
  await Promise.all(bodies.map((body) => say(rooms, roomId, romeo, body)));
  expect(rooms.queries.length).toBeLessThan(bodies.length);
});

test('the same transaction makes one event, also when both requests are under way, also after the room left memory', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});

  const [first, second] = await Promise.all([say(rooms, roomId, romeo, 'once', 'txn1'), say(rooms, roomId, romeo, 'once', 'txn1')]);
  expect(second).toBe(first);

  const room = await rooms.rooms.load(roomId);
  rooms.rooms.evict(room?.nid ?? 0);
  expect(await say(rooms, roomId, romeo, 'once', 'txn1')).toBe(first);

  const again = await rooms.rooms.load(roomId);
  again?.transactions.clear();
  expect(await say(rooms, roomId, romeo, 'once', 'txn1')).toBe(first);
});

test('a refused event changes nothing, and the room goes on', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const juliet = await rooms.user('juliet');
  const roomId = await rooms.createRoomForUser(romeo, {});
  const before = rooms.log.position();

  await expect(say(rooms, roomId, juliet, 'let me in')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  expect(rooms.log.position()).toBe(before);
  await say(rooms, roomId, romeo, 'still here');
});

test('a row the database refuses harms only its own room', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const good = await rooms.createRoomForUser(romeo, {});
  const bad = await rooms.createRoomForUser(romeo, {});
  const room = await rooms.rooms.load(bad);
  if (room === undefined) throw new Error('the room is gone');

  const poisoned = await room.turns.take(async () => {
    const draft = { type: 'm.room.message', sender: romeo.userId, content: { body: 'poison' } };
    const prepared = await rooms.prepareEvent(room, draft, { senderNid: romeo.userNid });
    prepared.logged.row.json = 'a NUL \0 that PostgreSQL refuses';
    return { appended: rooms.log.append({ events: [room.stage(prepared)] }) };
  });
  const outcomes = await Promise.allSettled([poisoned.appended, say(rooms, good, romeo, 'fine')]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);

  await say(rooms, bad, romeo, 'and on it goes');
  const { chunk } = await rooms.readRoom.messages({ ...romeo, deviceId: 'PHONE' }, { roomId: bad, direction: 'b', limit: 1 });
  expect(chunk[0]?.content['body']).toBe('and on it goes');
});

test('state at a position is what held then', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const reader = { ...romeo, deviceId: 'PHONE' };
  const roomId = await rooms.createRoomForUser(romeo, { name: 'Verona' });
  const setName = (name: string) =>
    rooms.sendEvent({ roomId, sender: romeo.userId, senderNid: romeo.userNid, type: 'm.room.name', stateKey: '', content: { name } });

  const old = rooms.log.position();
  await Promise.all([setName('Mantua'), setName('Padua')]);
  const room = await rooms.rooms.load(roomId);
  const names = await rooms.database.sql<{ json: string; fromPos: number; toPos: number }[]>`
    select e.json, s.from_pos as "fromPos", s.to_pos as "toPos" from state_intervals s join events e using (event_nid)
    where  s.room_nid = ${room?.nid ?? 0} and e.type = 'm.room.name' order by s.from_pos`;
  expect(names.map((row) => JSON.parse(row.json).content.name)).toEqual(['Verona', 'Mantua', 'Padua']);
  expect(names[0]?.toPos).toBe(names[1]?.fromPos);
  expect(names[1]?.toPos).toBe(names[2]?.fromPos);
  expect(names[0]?.fromPos).toBeLessThanOrEqual(old);

  const event = await rooms.readRoom.stateEvent(reader, roomId, 'm.room.name', '');
  expect(event.content).toEqual({ name: 'Padua' });
  expect(event.unsigned?.prev_content).toEqual({ name: 'Mantua' });
});

test('a redaction prunes its target, in the database too', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  const eventId = await say(rooms, roomId, romeo, 'a secret');
  await rooms.sendEvent({
    roomId,
    sender: romeo.userId,
    senderNid: romeo.userNid,
    type: 'm.room.redaction',
    content: { reason: 'regret' },
    redacts: eventId,
  });

  const event = await rooms.readRoom.event({ ...romeo, deviceId: 'PHONE' }, roomId, eventId);
  expect(event.content).toEqual({});
  expect(event.unsigned?.redacted_because).toMatchObject({ type: 'm.room.redaction', sender: romeo.userId });
  const leaks = await rooms.database.sql`select 1 from events where json like '%a secret%'`;
  expect(leaks).toHaveLength(0);
});

test('what was built on a refused event is made anew, and nothing builds on what is not there', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  const first = await say(rooms, roomId, romeo, 'once', 'txn1');
  const room = await rooms.rooms.load(roomId);
  room?.transactions.clear();

  const sent = await Promise.all([
    say(rooms, roomId, romeo, 'warm'),
    say(rooms, roomId, romeo, 'once', 'txn1'),
    ...['two', 'three', 'four'].map((body) => say(rooms, roomId, romeo, body)),
  ]);
  expect(sent[1]).toBe(first);

  const events = await rooms.database.sql<{ eventId: string; json: string }[]>`select event_id as "eventId", json from events`;
  const stored = new Set(events.map((event) => event.eventId));
  const missing = events.flatMap((event) => (JSON.parse(event.json).prev_events as string[]).filter((id) => !stored.has(id)));
  expect(missing).toEqual([]);
  expect(sent.every((eventId) => stored.has(eventId))).toBe(true);
});

test('what waits for the log to be written does not wait for what comes after', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  let isDrained = false;
  let more: Promise<unknown> = say(rooms, roomId, romeo, 'first');
  const keepBusy = async (round: number): Promise<void> => {
    const next = say(rooms, roomId, romeo, `round ${round}`);
    await more;
    more = next;
    if (round === 0) void rooms.log.drained().then(() => (isDrained = true));
    if (!isDrained && round < 200) await keepBusy(round + 1);
    else expect(round).toBeLessThan(50);
  };
  await keepBusy(0);
  await more;
});

test('paging from a place in the log is neither short of, nor repeats, what came late and belongs far back', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const reader = { ...romeo, deviceId: 'PHONE' };
  const roomId = await rooms.createRoomForUser(romeo, {});
  for (const body of ['one', 'two', 'three']) await say(rooms, roomId, romeo, body);
  const since = `s${rooms.log.position()}`;

  const room = await rooms.rooms.load(roomId);
  if (room === undefined) throw new Error('the room is gone');
  await room.turns.take(async () => {
    const draft = { type: 'm.room.message', sender: romeo.userId, content: { msgtype: 'm.text', body: 'late' } };
    const prepared = await rooms.prepareEvent(room, draft, { senderNid: romeo.userNid });
    prepared.logged.row.topological -= 3;
    await rooms.log.append({ events: [room.stage(prepared)] });
  });
  await say(rooms, roomId, romeo, 'four');

  const walk = async (direction: 'b' | 'f'): Promise<unknown[]> => {
    const bodies: unknown[] = [];
    let from: string | undefined = since;
    for (let page = 0; page < 50 && from !== undefined; page += 1) {
      const { chunk, end } = await rooms.readRoom.messages(reader, { roomId, direction, from, limit: 1 });
      bodies.push(...chunk.flatMap((event) => event.content['body'] ?? []));
      from = end;
    }
    return bodies;
  };
  expect(await walk('b')).toEqual(['three', 'two', 'one']);
  expect((await walk('f')).toSorted()).toEqual(['four', 'late']);
});

test('a redaction prunes its target also while that is on its way into the log', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  const room = await rooms.rooms.load(roomId);
  if (room === undefined) throw new Error('the room is gone');

  const target = await room.turns.take(async () => {
    const draft = { type: 'm.room.message', sender: romeo.userId, content: { msgtype: 'm.text', body: 'a secret' } };
    const prepared = await rooms.prepareEvent(room, draft, { senderNid: romeo.userNid });
    return { eventId: prepared.head.eventId, committed: rooms.log.append({ events: [room.stage(prepared)] }) };
  });
  const redaction = { type: 'm.room.redaction', content: {}, redacts: target.eventId };
  await rooms.sendEvent({ roomId, sender: romeo.userId, senderNid: romeo.userNid, ...redaction });
  await target.committed;

  const event = await rooms.readRoom.event({ ...romeo, deviceId: 'PHONE' }, roomId, target.eventId);
  expect(event.content).toEqual({});
  expect(await rooms.database.sql`select 1 from events where json like '%a secret%'`).toHaveLength(0);
});

test('S28: questions that keep all connections to the database busy do not keep a message from being said', async () => {
  await using rooms = await startRooms();
  const romeo = await rooms.user('romeo');
  const roomId = await rooms.createRoomForUser(romeo, {});
  await say(rooms, roomId, romeo, 'warm');

  const questions = Array.from({ length: 12 }, async () => await rooms.database.sql`select pg_sleep(20)`.catch(() => undefined));
  const questionsEnded = Promise.all(questions).then(() => 'questions');
  const said = say(rooms, roomId, romeo, 'all the same').then(() => 'said');
  expect(await Promise.race([questionsEnded, said])).toBe('said');
  await rooms.database.logSql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%'`;
});
