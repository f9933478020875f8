import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Appservice,
  AutojoinRoomsMixin,
  type IAppserviceRegistration,
  LogLevel,
  LogService,
  MatrixAuth,
  MatrixClient,
  MemoryStorageProvider,
} from 'matrix-bot-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createCleanup } from '../kit/cleanup.ts';
import { freePort } from '../kit/free-port.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createNames, TEST_PASSWORD } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const PATIENCE = { timeout: 15_000 };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

type Message = { sender: string; content: { body?: string } };

const cleanup = createCleanup();
let server: TestServer;
let registration: IAppserviceRegistration;
let port: number;

beforeAll(async () => {
  LogService.setLevel(LogLevel.ERROR);
  for (const module of ['MatrixHttpClient', 'Appservice']) LogService.muteModule(module);
  port = await freePort();
  registration = {
    id: 'bridge',
    url: `http://127.0.0.1:${port}`,
    as_token: 'token-of-the-application-service',
    hs_token: 'token-of-the-homeserver',
    sender_localpart: '_bridge',
    namespaces: { users: [{ exclusive: true, regex: '@_bridge_.*:hs\\.test' }], rooms: [], aliases: [] },
  };
  const dir = await mkdtemp(join(tmpdir(), 'bct-bot-'));
  cleanup.defer(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'bridge.yaml');
  await writeFile(file, stringify(registration));
  server = cleanup.use(await startServer({ config: { appservices: [file] } }));
});
afterAll(cleanup.run);

async function startBot(name: string): Promise<MatrixClient> {
  await server.user(name);
  const auth = await new MatrixAuth(server.url).passwordLogin(name, TEST_PASSWORD);
  const bot = new MatrixClient(server.url, auth.accessToken, new MemoryStorageProvider());
  cleanup.defer(async () => bot.stop());
  return bot;
}

test('matrix-bot-sdk: a bot joins where it is invited, hears what is said and answers in a thread', async () => {
  const bot = await startBot('friar');
  AutojoinRoomsMixin.setupOnClient(bot);
  const heard: string[] = [];
  bot.on('room.message', async (roomId: string, event: Message & { event_id: string }) => {
    if (event.sender === (await bot.getUserId())) return;
    heard.push(String(event.content.body));
    await bot.replyText(roomId, event, 'bless thee');
  });
  await bot.start();

  const romeo = await server.user('romeo');
  const roomId = await romeo.createRoom({ invite: [await bot.getUserId()], name: 'Cell' });
  await expect.poll(async () => (await bot.getJoinedRooms()).includes(roomId), PATIENCE).toBe(true);
  await romeo.sync();
  const eventId = await romeo.send(roomId, 'good morrow, father');
  await expect.poll(() => heard, PATIENCE).toEqual(['good morrow, father']);
  await expect
    .poll(async () => (await romeo.messages(roomId)).find((event) => event.sender.startsWith('@friar'))?.content, PATIENCE)
    .toMatchObject({ body: expect.stringContaining('bless thee'), 'm.relates_to': { 'm.in_reply_to': { event_id: eventId } } });
});

test('matrix-bot-sdk: rooms, state, files, profiles, spaces and account data', async () => {
  const bot = await startBot('mercutio');
  const me = await bot.getUserId();
  await bot.setDisplayName('Mercutio');
  const alias = nameOf('square');
  const roomId = await bot.createRoom({ preset: 'public_chat', name: 'Square', room_alias_name: alias, room_version: '11' });
  expect(await bot.resolveRoom(`#${alias}:hs.test`)).toBe(roomId);
  expect(await bot.getRoomStateEvent(roomId, 'm.room.name', '')).toEqual({ name: 'Square' });
  expect(await bot.getRoomMembers(roomId)).toMatchObject([{ membership: 'join', membershipFor: me, effectiveMembership: 'join' }]);
  expect(await bot.userHasPowerLevelFor(me, roomId, 'm.room.topic', true)).toBe(true);
  const eventId = await bot.sendHtmlText(roomId, '<b>a plague</b>');
  await bot.unstableApis.addReactionToEvent(roomId, eventId, '☠️');
  const relations = await bot.unstableApis.getRelationsForEvent(roomId, eventId, 'm.annotation');
  expect(relations.chunk).toHaveLength(1);
  await bot.redactEvent(roomId, eventId, 'said enough');
  expect((await bot.getEvent(roomId, eventId)).content).toEqual({});

  const uri = await bot.uploadContent(Buffer.from(PNG, 'base64'), 'image/png', 'queen-mab.png');
  expect((await bot.downloadContent(uri)).contentType).toBe('image/png');
  await bot.setAccountData('org.example.dreams', { mab: true });
  expect(await bot.getAccountData('org.example.dreams')).toEqual({ mab: true });
  const space = await bot.createSpace({ name: 'Verona', isPublic: true, localpart: nameOf('verona') });
  await space.addChildRoom(roomId, { via: ['hs.test'] });
  expect(Object.keys(await space.getChildEntities())).toEqual([roomId]);
  expect(await bot.getUserProfile(me)).toMatchObject({ displayname: 'Mercutio' });
  await bot.leaveRoom(roomId);
  await expect(bot.getRoomState(roomId)).resolves.toBeInstanceOf(Array);
  await expect(bot.sendText(roomId, 'both your houses')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
});

test('matrix-bot-sdk: a bridge speaks as the users it makes, and is told what is said to them', async () => {
  const bridge = new Appservice({ port, bindAddress: '127.0.0.1', homeserverName: 'hs.test', homeserverUrl: server.url, registration });
  const said: string[] = [];
  bridge.on('room.message', (_roomId: string, event: Message) => void said.push(`${event.sender} ${event.content.body}`));
  await bridge.begin();
  await using _listening = { [Symbol.asyncDispose]: async () => bridge.stop() };

  const juliet = await server.user('juliet');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  const ghost = bridge.getIntentForUserId('@_bridge_nurse:hs.test');
  await ghost.ensureRegisteredAndJoined(roomId);
  await ghost.underlyingClient.setDisplayName('Nurse');
  await ghost.sendText(roomId, 'Anon, good nurse!');
  expect((await juliet.messages(roomId)).map((event) => event.sender)).toContain('@_bridge_nurse:hs.test');
  await juliet.send(roomId, 'by and by I come');
  await expect.poll(() => said, PATIENCE).toContain(`${juliet.id} by and by I come`);
});
