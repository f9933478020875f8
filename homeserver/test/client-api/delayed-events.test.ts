import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';

const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc4140';
const DAY_MS = 24 * 60 * 60 * 1000;
/** Due long after a test has ended. */
const LATER = 600_000;
const SOON = 300;

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let roomId: string;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
beforeEach(async () => {
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
});
afterAll(() => server[Symbol.asyncDispose]());

let transactions = 0;
const room = (): string => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
async function later(user: TestUser, delay: number, body: string): Promise<string> {
  transactions += 1;
  const { delay_id: delayId } = await user.call('PUT', `${room()}/send/m.room.message/t${transactions}?org.matrix.msc4140.delay=${delay}`, {
    msgtype: 'm.text',
    body,
  });
  return String(delayId);
}
async function waiting(user: TestUser, query = ''): Promise<Record<string, unknown>[]> {
  const { delayed_events: events } = await user.call('GET', `${UNSTABLE}/delayed_events${query}`);
  return events as Record<string, unknown>[];
}
const act = (delayId: string, action: string) => fetch(`${server.url}${UNSTABLE}/delayed_events/${delayId}/${action}`, { method: 'POST' });
async function bodies(): Promise<unknown[]> {
  return (await romeo.messages(roomId)).map((event) => event.content['body']);
}

describe('an event that is sent later', () => {
  test('waits, is listed for its own sender alone, and comes when its time has come', async () => {
    const begun = Date.now();
    const delayId = await later(romeo, SOON, 'later');
    expect(await waiting(romeo)).toEqual([
      {
        delay_id: delayId,
        room_id: roomId,
        type: 'm.room.message',
        content: { msgtype: 'm.text', body: 'later' },
        delay_ms: SOON,
        delayed_since_ts: expect.any(Number),
        delay: SOON,
        running_since: expect.any(Number),
      },
    ]);
    expect(await waiting(juliet)).toEqual([]);
    expect(await bodies()).not.toContain('later');

    const event = await juliet.nextMessage(roomId);
    expect(event).toMatchObject({ sender: romeo.id, content: { body: 'later' } });
    expect(event.origin_server_ts - begun).toBeGreaterThanOrEqual(SOON);
    expect(event.unsigned).not.toHaveProperty('org.matrix.msc4140.delay_id');
    await expect.poll(() => waiting(romeo)).toEqual([]);
    const own = (await romeo.messages(roomId)).find((each) => each.event_id === event.event_id);
    expect(own?.unsigned).toMatchObject({ 'org.matrix.msc4140.delay_id': delayId });
    expect(await romeo.call('GET', `${UNSTABLE}/delayed_events/${delayId}`)).toMatchObject({
      event_id: event.event_id,
      finalised_ts: expect.any(Number),
      finalised: { event_id: event.event_id, finalised_ts: expect.any(Number) },
    });
    expect(await juliet.attempt('GET', `${UNSTABLE}/delayed_events/${delayId}`)).toMatchObject({ status: 404 });
  });

  test('comes in the order in which it is due, not in that of asking', async () => {
    const started = (await romeo.messages(roomId)).length;
    await Promise.all([later(romeo, 600, 'third'), later(romeo, 400, 'first'), later(romeo, 500, 'second')]);
    await expect.poll(async () => (await romeo.messages(roomId)).length).toBe(started + 3);
    expect((await bodies()).slice(0, 3)).toEqual(['third', 'second', 'first']);
  });

  test('may be state, by either way of asking, and the same transaction is one event', async () => {
    await romeo.call('PUT', `${room()}/state/com.example.call/${romeo.id}?org.matrix.msc4140.delay=${SOON}`, { left: true });
    await romeo.setState(roomId, 'com.example.call', { left: false }, romeo.id);
    const wish = { delay_ms: SOON, state_key: 'new', content: { by: 'the newer way' } };
    const path = `${UNSTABLE}/rooms/${encodeURIComponent(roomId)}/delayed_event/com.example.call/again`;
    const [one, two] = await Promise.all([romeo.call('PUT', path, wish), romeo.call('PUT', path, wish)]);
    expect(one).toEqual(two);
    expect(await romeo.call('GET', `${room()}/state/com.example.call/${romeo.id}`)).toEqual({ left: false });
    await expect.poll(() => romeo.call('GET', `${room()}/state/com.example.call/${romeo.id}`)).toEqual({ left: true });
    await expect.poll(() => romeo.attempt('GET', `${room()}/state/com.example.call/new`)).toMatchObject({ body: wish.content });
  });

  test('may redact', async () => {
    const eventId = await romeo.send(roomId, 'this message will self-destruct');
    await romeo.call('PUT', `${UNSTABLE}/rooms/${encodeURIComponent(roomId)}/delayed_event/m.room.redaction/x1`, {
      delay: SOON,
      content: { redacts: eventId },
    });
    await expect.poll(async () => (await romeo.messages(roomId)).find((event) => event.event_id === eventId)?.content).toEqual({});
  });

  test('is asked for leave when it is sent, not before', async () => {
    const tybalt = await server.user('tybalt');
    await tybalt.join(roomId);
    const allowed = await later(tybalt, LATER, 'allowed');
    const refused = await later(tybalt, SOON, 'refused');
    await romeo.call('POST', `${room()}/kick`, { user_id: tybalt.id });
    await expect
      .poll(() => tybalt.call('GET', `${UNSTABLE}/delayed_events/${refused}`))
      .toMatchObject({
        error: { errcode: 'M_FORBIDDEN' },
        finalised: { error: { errcode: 'M_FORBIDDEN' } },
        finalised_ts: expect.any(Number),
      });
    const early = await act(allowed, 'send');
    expect([early.status, await early.json()]).toEqual([403, expect.objectContaining({ errcode: 'M_FORBIDDEN' })]);
    expect(await waiting(tybalt)).toMatchObject([{ delay_id: allowed }]);
    await tybalt.join(roomId);
    expect((await act(allowed, 'send')).status).toBe(200);
    expect(await bodies()).toContain('allowed');
    expect(await bodies()).not.toContain('refused');
  });

  test('is not sent for somebody who was suspended meanwhile', async () => {
    const mercutio = await server.user('mercutio');
    await mercutio.join(roomId);
    const delayId = await later(mercutio, SOON, 'a plague on both');
    await server.sql`update accounts set status = 'suspended' where user_nid = (select user_nid from users where user_id = ${mercutio.id})`;
    await expect
      .poll(() => mercutio.call('GET', `${UNSTABLE}/delayed_events/${delayId}`))
      .toMatchObject({
        error: { errcode: 'M_USER_SUSPENDED' },
      });
    expect(await bodies()).not.toContain('a plague on both');
  });

  test('survives a restart, also one during which it became due, and is sent once', async () => {
    const before = (await romeo.messages(roomId)).length;
    const dueAt = Date.now() + 200;
    await later(romeo, 200, 'due while away');
    const kept = await later(romeo, LATER, 'still to come');
    await server.stop();
    await expect.poll(() => Date.now()).toBeGreaterThan(dueAt + 50); // its time comes while nobody is there
    await server.restart();
    await expect.poll(bodies).toContain('due while away');
    expect((await romeo.messages(roomId)).length).toBe(before + 1);
    expect(await waiting(romeo)).toMatchObject([{ delay_id: kept }]);
    await act(kept, 'cancel');
  });
});

describe('what may be done with it, by whoever knows its id', () => {
  test('send it now; doing so twice is no harm, and then nothing else can be done', async () => {
    const delayId = await later(romeo, LATER, 'now after all');
    expect([(await act(delayId, 'send')).status, (await act(delayId, 'send')).status]).toEqual([200, 200]);
    expect((await bodies()).filter((body) => body === 'now after all')).toHaveLength(1);
    for (const action of ['cancel', 'restart']) expect((await act(delayId, action)).status).toBe(409);
  });

  test('cancel it', async () => {
    const delayId = await later(romeo, LATER, 'never');
    expect([(await act(delayId, 'cancel')).status, (await act(delayId, 'cancel')).status]).toEqual([200, 200]);
    for (const action of ['send', 'restart']) {
      const answer = await act(delayId, action);
      expect([answer.status, await answer.json()]).toEqual([409, expect.objectContaining({ errcode: 'M_UNKNOWN' })]);
    }
    expect(await waiting(romeo)).toEqual([]);
    expect((await waiting(romeo, '?status=cancelled')).map((event) => event['delay_id'])).toContain(delayId);
    expect((await waiting(romeo, '?status=sent')).map((event) => event['delay_id'])).not.toContain(delayId);
  });

  test('restart it, so that it waits anew', async () => {
    const delayId = await later(romeo, LATER, 'restarted');
    const [before] = await waiting(romeo);
    await expect.poll(() => Date.now()).toBeGreaterThan(Number(before?.['running_since']));
    expect((await act(delayId, 'restart')).status).toBe(200);
    const [after] = await waiting(romeo);
    expect(Number(after?.['running_since'])).toBeGreaterThan(Number(before?.['running_since']));
    expect(await (await act(delayId, 'cancel')).json()).toEqual({});
  });

  test('the same by a body, as older clients do, with a token or without', async () => {
    const byBody = (delayId: string, body: string | undefined, token?: string) =>
      fetch(`${server.url}${UNSTABLE}/delayed_events/${delayId}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body }),
      });
    const delayId = await later(romeo, LATER, 'by body');
    expect((await byBody(delayId, '{"action":"restart"}')).status).toBe(200);
    expect((await byBody(delayId, '{"action":"send"}', romeo.accessToken)).status).toBe(200);
    expect(await bodies()).toContain('by body');
    for (const [body, errcode] of [
      [undefined, 'M_NOT_JSON'],
      ['{}', 'M_MISSING_PARAM'],
      ['{"action":"oops"}', 'M_INVALID_PARAM'],
      ['{"action":7}', 'M_INVALID_PARAM'],
    ] as const) {
      const answer = await byBody(delayId, body);
      expect([answer.status, ((await answer.json()) as { errcode: string }).errcode]).toEqual([400, errcode]);
    }
    expect((await byBody('nothing', '{"action":"send"}')).status).toBe(404);
  });

  test('nothing, without an id that exists or an action that does', async () => {
    for (const action of ['send', 'cancel', 'restart']) {
      const answer = await act('nothing', action);
      expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ errcode: 'M_NOT_FOUND' })]);
    }
    const answer = await act(await later(romeo, LATER, 'x'), 'oops');
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ errcode: 'M_UNRECOGNIZED' })]);
  });
});

describe('what is refused', () => {
  test('delays that are none, or too long', async () => {
    const path = `${room()}/send/m.room.message/bad?org.matrix.msc4140.delay=`;
    for (const delay of ['0', '-1', 'soon'])
      expect(await romeo.attempt('PUT', `${path}${delay}`, { body: 'x' })).toMatchObject({
        status: 400,
        body: { errcode: 'M_INVALID_PARAM' },
      });
    expect(await romeo.attempt('PUT', `${path}${DAY_MS + 1}`, { body: 'x' })).toMatchObject({
      status: 400,
      body: { errcode: 'M_UNKNOWN', 'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED', 'org.matrix.msc4140.max_delay': DAY_MS },
    });
    const newer = `${UNSTABLE}/rooms/${encodeURIComponent(roomId)}/delayed_event/m.room.message/bad`;
    expect(await romeo.attempt('PUT', newer, { delay: 0, content: {} })).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
    expect(await romeo.attempt('PUT', newer, { content: {} })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    expect(await romeo.attempt('PUT', newer, { delay: 5 })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
    expect(
      await romeo.attempt('PUT', newer.replace(encodeURIComponent(roomId), '!nowhere:hs.test'), { delay: 5, content: {} }),
    ).toMatchObject({
      status: 403,
    });
  });

  test('what is refused is told beforehand', async () => {
    const { capabilities } = await romeo.call('GET', '/_matrix/client/v3/capabilities');
    expect(capabilities).toMatchObject({ 'm.delayed_events': { max_delay_ms: DAY_MS, max_scheduled: 100 } });
  });

  test('more than so many at a time', async () => {
    const paris = await server.user('paris');
    await paris.join(roomId);
    for (let count = 0; count < 100; count += 1) await later(paris, LATER, `${count}`);
    transactions += 1;
    const refused = await paris.attempt('PUT', `${room()}/send/m.room.message/t${transactions}?org.matrix.msc4140.delay=${LATER}`, {
      body: 'x',
    });
    expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
    expect(await waiting(paris, '?dir=b')).toHaveLength(100);
    expect(await waiting(paris, `?room_id=${encodeURIComponent('!other:hs.test')}`)).toEqual([]);
    expect(await paris.attempt('GET', `${UNSTABLE}/delayed_events?status=nonsense`)).toMatchObject({ status: 400 });
  });

  test('lists without a token', async () => {
    expect((await fetch(`${server.url}${UNSTABLE}/delayed_events`)).status).toBe(401);
  });
});
