import type { ParsedMail } from 'mailparser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { type MailCatcher, startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { sendReceipt } from './ephemeral-events.ts';
import { codeIn, linkIn, requestCode, V3 } from './sign-up-steps.ts';
import { readUnread } from './unread-counts.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PATIENCE = { timeout: 15_000, interval: 100 };
const clock = createFakeClock(Date.now());
let mail: MailCatcher;
let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
let address = '';

beforeAll(async () => {
  mail = await startMailCatcher();
  server = await startServer({ clock, config: { smtpUrl: mail.url } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await mail[Symbol.asyncDispose]();
});

/** Two people whom no other scene knows; one has an address. */
async function enter(): Promise<void> {
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
  address = `${juliet.localpart}@capulet.test`;
  const { sid, submitPath } = await requestCode(server.url, 'account/3pid', address, 'secret');
  const token = codeIn((await mail.nextMail(address)).text);
  await callServer(server.url, 'POST', submitPath, { sid, client_secret: 'secret', token });
  const identifier = { type: 'm.id.user', user: juliet.localpart };
  const auth = { type: 'm.login.password', identifier, password: TEST_PASSWORD };
  await juliet.call('POST', `${V3}/account/3pid/add`, { sid, client_secret: 'secret', auth });
}

async function gather(name: string): Promise<string> {
  const roomId = await romeo.createRoom({ preset: 'public_chat', name });
  await juliet.join(roomId);
  return roomId;
}

const pusher = (changes: object = {}) => ({
  ...{ kind: 'email', app_id: 'm.email', pushkey: address, app_display_name: 'Mail', device_display_name: address, lang: 'en', data: {} },
  ...changes,
});
const setPusher = (user: TestUser, changes: object = {}) => user.attempt('POST', `${V3}/pushers/set`, pusher(changes));
const listPushers = async (user: TestUser) => (await user.call('GET', `${V3}/pushers`))['pushers'];
const mailsTo = (to: string): ParsedMail[] => mail.mails.filter((each) => JSON.stringify(each.to).includes(to));
const missedMails = () => mailsTo(address).filter(({ subject }) => subject?.startsWith('You missed'));
/** Until what was said is counted, and so waits to be told. */
const counted = async (roomId: string, count: number) =>
  await expect.poll(async () => (await readUnread(juliet, roomId)).main.notification_count, PATIENCE).toBe(count);

test('what was missed comes in one mail, some minutes later, without what was read meanwhile', async () => {
  await enter();
  const [verona, mantua, tomb] = [await gather('Verona <b>'), await gather('Mantua'), await gather('Tomb')];
  expect((await setPusher(juliet)).status).toBe(200);
  await romeo.send(verona, 'But soft! <script>');
  await romeo.send(verona, { msgtype: 'm.image', body: 'rose.png', url: 'mxc://hs.test/rose' });
  await romeo.send(mantua, { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x' }, 'm.room.encrypted');
  await sendReceipt(juliet, tomb, await romeo.send(tomb, 'read meanwhile'));
  await counted(verona, 2);
  await counted(mantua, 1);
  clock.advance(9 * MINUTE_MS);
  await romeo.send(mantua, 'in the tenth minute');
  await counted(mantua, 2);
  expect(missedMails()).toEqual([]);
  clock.advance(2 * MINUTE_MS);

  const { subject, text = '', html, headers } = await mail.nextMail(address);
  expect(subject).toBe('You missed 4 messages in 2 rooms (hs.test)');
  for (const part of ['Verona <b>', 'But soft! <script>', 'sent a picture', 'sent an encrypted message', 'in the tenth minute'])
    expect(text).toContain(part);
  expect(text).toContain(`/#/room/${encodeURIComponent(verona)}`);
  expect(text).not.toContain('read meanwhile');
  expect(html).toContain('But soft! &lt;script&gt;');
  expect(html).not.toContain('<script>');
  expect(headers.get('list')).toMatchObject({ unsubscribe: { url: expect.stringContaining('/unsubscribe?token=') } });
  expect(headers.get('list-unsubscribe-post') ?? headers.get('list')).toBeDefined();
});

test('the next mail waits an hour, and longer while nobody reads', async () => {
  await enter();
  const roomId = await gather('Verona');
  await setPusher(juliet);
  const say = async (count: number) => {
    await romeo.send(roomId, `message ${count}`);
    await counted(roomId, count);
  };
  await say(1);
  clock.advance(11 * MINUTE_MS);
  await expect.poll(() => missedMails().length, PATIENCE).toBe(1);
  await say(2);
  clock.advance(HOUR_MS + MINUTE_MS);
  await expect.poll(() => missedMails().length, PATIENCE).toBe(2);
  expect(missedMails().at(-1)?.text).not.toContain('message 1');
  await say(3);
  clock.advance(HOUR_MS + MINUTE_MS);
  const other = await gather('Other');
  await romeo.send(other, 'not yet');
  await counted(other, 1);
  expect(missedMails()).toHaveLength(2);
  clock.advance(HOUR_MS);
  await expect.poll(() => missedMails().length, PATIENCE).toBe(3);
  expect(missedMails().at(-1)?.subject).toBe('You missed 2 messages in 2 rooms (hs.test)');
});

test('mail goes only to an address of one’s own, and ends with it', async () => {
  await enter();
  const roomId = await gather('Verona');
  expect(await setPusher(romeo)).toMatchObject({ status: 400, body: { errcode: 'M_THREEPID_NOT_FOUND' } });
  expect(await setPusher(juliet, { pushkey: 'nobody@capulet.test' })).toMatchObject({
    status: 400,
    body: { errcode: 'M_THREEPID_NOT_FOUND' },
  });
  expect(await setPusher(juliet, { app_id: 'app' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect(await setPusher(juliet, { kind: 'pigeon' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect((await setPusher(juliet, { pushkey: address.toUpperCase() })).status).toBe(200);
  expect(await listPushers(juliet)).toMatchObject([{ kind: 'email', app_id: 'm.email', pushkey: address, enabled: true }]);
  await romeo.send(roomId, 'unheard');
  await counted(roomId, 1);
  await juliet.call('POST', `${V3}/account/3pid/delete`, { medium: 'email', address });
  await expect.poll(() => listPushers(juliet), PATIENCE).toEqual([]);
  clock.advance(HOUR_MS);
  expect(missedMails()).toEqual([]);
});

test('the link in a mail ends them, after it was asked again', async () => {
  await enter();
  const roomId = await gather('Verona');
  await setPusher(juliet);
  await romeo.send(roomId, 'one');
  await counted(roomId, 1);
  clock.advance(11 * MINUTE_MS);
  const { text = '' } = await mail.nextMail(address);
  const path = linkIn(text.slice(text.indexOf('To end that')));
  const shown = await fetch(server.url + path);
  expect(await shown.text()).toContain('<form method="post">');
  expect(await listPushers(juliet)).toHaveLength(1);
  const ended = await fetch(server.url + path, { method: 'POST', body: 'List-Unsubscribe=One-Click' });
  expect(ended.status).toBe(200);
  expect(await listPushers(juliet)).toEqual([]);
  const again = await fetch(server.url + path, { method: 'POST' });
  expect(again.status).toBe(200);
});

test('an invite is written about too, also when the device that asked for it is gone', async () => {
  await enter();
  await setPusher(juliet);
  const roomId = await romeo.createRoom({ name: 'Balcony', invite: [juliet.id] });
  await expect.poll(async () => (await server.sql`select 1 from push_outbox`).length, PATIENCE).toBeGreaterThan(0);
  await juliet.call('POST', `${V3}/logout`, {});
  clock.advance(11 * MINUTE_MS);
  const { subject, text } = await mail.nextMail(address);
  expect(subject).toBe('You missed a message in Balcony (hs.test)');
  expect(text).toContain('invited you');
  expect(text).toContain(encodeURIComponent(roomId));
});
