import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { meet, sendReceipt } from './ephemeral-events.ts';
import { startPushGateway } from './push-gateway.ts';
import { setRule } from './unread-counts.ts';

const PUSHERS = '/_matrix/client/v3/pushers';

function pusher(url: string, changes: Record<string, unknown> = {}) {
  return {
    kind: 'http',
    app_id: 'chat.blinkchat.test',
    pushkey: 'key-1',
    app_display_name: 'BlinkChat',
    device_display_name: 'phone',
    lang: 'en',
    data: { url, brand: 'blink' },
    ...changes,
  };
}

const set = (user: TestUser, body: Record<string, unknown>) => user.attempt('POST', `${PUSHERS}/set`, body);

test('a message is pushed to the gateway, with its names and the count of what is unread', async () => {
  await using server = await startServer();
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  await romeo.setState(roomId, 'm.room.name', { name: 'Balcony' });
  expect((await set(juliet, pusher(gateway.url))).status).toBe(200);

  const eventId = await romeo.send(roomId, 'But soft!');
  const { notification } = await gateway.next();
  expect(notification).toMatchObject({
    event_id: eventId,
    room_id: roomId,
    type: 'm.room.message',
    sender: romeo.id,
    room_name: 'Balcony',
    content: { body: 'But soft!' },
    prio: 'high',
    counts: { unread: 1 },
  });
  expect(notification.devices).toEqual([
    {
      app_id: 'chat.blinkchat.test',
      pushkey: 'key-1',
      pushkey_ts: expect.any(Number),
      data: { brand: 'blink' },
      tweaks: { sound: 'default' },
    },
  ]);
});

test('only what notifies is pushed: nothing of one’s own, of muted rooms, nor what was read meanwhile', async () => {
  await using server = await startServer();
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  const quiet = await meet(romeo, juliet);
  await set(juliet, pusher(gateway.url, { data: { url: gateway.url, format: 'event_id_only' } }));
  await setRule(juliet, 'override', quiet, { actions: [], conditions: [{ kind: 'event_match', key: 'room_id', pattern: quiet }] });

  await romeo.send(quiet, 'unheard');
  await romeo.send(roomId, { msgtype: 'm.notice', body: 'beep' });
  await juliet.send(roomId, 'mine');
  const eventId = await romeo.send(roomId, 'heard');
  expect((await gateway.next()).notification).toEqual({
    event_id: eventId,
    room_id: roomId,
    prio: 'high',
    counts: { unread: 1 },
    devices: [expect.objectContaining({ pushkey: 'key-1' })],
  });

  gateway.answer.status = 500;
  const read = await romeo.send(roomId, 'read before the gateway came back');
  await gateway.next();
  await sendReceipt(juliet, roomId, read);
  gateway.answer.status = 200;
  const last = await romeo.send(roomId, 'after that');
  const next = await gateway.next();
  const pushed = [next.notification['event_id']];
  while (!pushed.includes(last)) pushed.push((await gateway.next()).notification['event_id']);
  expect(pushed.filter((pushedId) => pushedId !== undefined && pushedId !== read)).toEqual([last]);
});

test('what is read elsewhere lowers the count on the phone', async () => {
  await using server = await startServer();
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  await set(juliet, pusher(gateway.url));
  const eventId = await romeo.send(roomId, 'But soft!');
  expect((await gateway.next()).notification).toMatchObject({ event_id: eventId, counts: { unread: 1 } });
  await sendReceipt(juliet, roomId, eventId);
  expect((await gateway.next()).notification).toEqual({
    prio: 'low',
    counts: { unread: 0 },
    devices: [{ app_id: 'chat.blinkchat.test', pushkey: 'key-1', pushkey_ts: expect.any(Number), data: { brand: 'blink' } }],
  });
});

test('a gateway that fails is tried again, also by the next start of the server', async () => {
  await using server = await startServer();
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  await set(juliet, pusher(gateway.url));
  gateway.answer.status = 503;
  const eventId = await romeo.send(roomId, 'hello?');
  await gateway.next();
  await server.restart();
  gateway.answer.status = 200;
  expect((await gateway.next()).notification['event_id']).toBe(eventId);
});

test('a key the gateway rejects is forgotten, and so is the pusher of a device that logs out', async () => {
  await using server = await startServer();
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const phone = await logInTestUser(server.url, 'juliet');
  const roomId = await meet(romeo, juliet);
  await set(juliet, pusher(gateway.url));
  await set(phone, pusher(gateway.url, { pushkey: 'key-2' }));
  expect(await juliet.call('GET', PUSHERS)).toMatchObject({
    pushers: [{ pushkey: 'key-1', data: { brand: 'blink' } }, { pushkey: 'key-2' }],
  });

  await phone.call('POST', '/_matrix/client/v3/logout', {});
  expect(await juliet.call('GET', PUSHERS)).toMatchObject({ pushers: [{ pushkey: 'key-1' }] });
  gateway.answer.rejected = ['key-1'];
  await romeo.send(roomId, 'gone');
  await gateway.next();
  await expect.poll(async () => (await juliet.call('GET', PUSHERS))['pushers'], { timeout: 10_000 }).toEqual([]);
});

test('a pusher is changed, shared, taken over and removed as it says', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const url = 'https://push.example.org/_matrix/push/v1/notify';
  await set(juliet, pusher(url));
  await set(romeo, pusher(url, { append: true, lang: 'it' }));
  expect(await juliet.call('GET', PUSHERS)).toMatchObject({ pushers: [{ lang: 'en' }] });
  await set(romeo, pusher(url, { lang: 'fr' }));
  expect(await juliet.call('GET', PUSHERS)).toEqual({ pushers: [] });
  expect(await romeo.call('GET', PUSHERS)).toMatchObject({ pushers: [{ lang: 'fr' }] });
  await set(romeo, { kind: null, app_id: 'chat.blinkchat.test', pushkey: 'key-1' });
  expect(await romeo.call('GET', PUSHERS)).toEqual({ pushers: [] });
});

test('S38: gateways are https addresses of the right path, and private ones are not asked', async () => {
  await using server = await startServer({ config: { outboundAllow: [] } });
  await using gateway = await startPushGateway();
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await meet(romeo, juliet);
  for (const url of [
    'http://push.example.org/_matrix/push/v1/notify',
    'https://push.example.org/other',
    'file:///etc/passwd',
    'nonsense',
  ]) {
    expect(await set(juliet, pusher(url))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  }
  expect(await set(juliet, pusher('', { data: {} }))).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
  expect(await set(juliet, pusher('', { kind: 'fax' }))).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });

  await set(juliet, pusher(gateway.url));
  await romeo.send(roomId, 'psst');
  await expect.poll(async () => (await server.sql`select 1 from push_outbox`).length, { timeout: 10_000 }).toBe(1);
  await server.restart();
  expect(gateway.received).toEqual([]);
});

test('a gateway may be without a certificate where the operator lets the server reach private addresses', async () => {
  await using server = await startServer({ config: { outboundAllow: ['10.0.0.0/8'] } });
  const juliet = await server.user('juliet');
  expect((await set(juliet, pusher('http://push.internal/_matrix/push/v1/notify'))).status).toBe(200);
});
