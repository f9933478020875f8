import {
  ClientEvent,
  createClient,
  Direction,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  NotificationCountType,
  Preset,
  PushRuleKind,
  ReceiptType,
  RelationType,
  type Room,
  RoomEvent,
  SyncState,
  ThreadEvent,
  Visibility,
} from 'matrix-js-sdk';
import { PushRuleActionName } from 'matrix-js-sdk/lib/@types/PushRules.js';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { createNames } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };
const PATIENCE = { timeout: 15_000 };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const cleanup = createCleanup();
let server: TestServer;
beforeAll(async () => {
  server = cleanup.use(await startServer());
});
afterAll(cleanup.run);

/** A client that shares no code with ours, signed up and syncing. */
async function start(name: string): Promise<MatrixClient> {
  const user = await server.user(name);
  const matrix = createClient({
    baseUrl: server.url,
    userId: user.id,
    deviceId: user.deviceId,
    accessToken: user.accessToken,
    logger: silent,
    timelineSupport: true,
  });
  cleanup.defer(async () => matrix.stopClient());
  await matrix.startClient({ initialSyncLimit: 20, threadSupport: true, lazyLoadMembers: true });
  await new Promise<void>((resolve) => {
    matrix.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve();
    });
  });
  return matrix;
}

/** Two people in one room, both of whose clients know it. */
async function meet(names: [string, string]): Promise<{ romeo: MatrixClient; juliet: MatrixClient; roomId: string }> {
  const [romeo, juliet] = (await Promise.all(names.map(start))) as [MatrixClient, MatrixClient];
  const { room_id: roomId } = await romeo.createRoom({ preset: Preset.PublicChat, name: 'Balcony' });
  await juliet.joinRoom(roomId);
  for (const client of [romeo, juliet]) await expect.poll(() => client.getRoom(roomId)?.getMyMembership(), PATIENCE).toBe('join');
  return { romeo, juliet, roomId };
}

const roomOf = (client: MatrixClient, roomId: string): Room => {
  const room = client.getRoom(roomId);
  if (room === null) throw new Error(`the client does not know ${roomId}`);
  return room;
};
const findLive = (client: MatrixClient, roomId: string, eventId: string): MatrixEvent | undefined =>
  roomOf(client, roomId).findEventById(eventId);

test('matrix-js-sdk: messages, edits, reactions, redactions and receipts are seen by the other', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo1', 'juliet1']);
  const { event_id: eventId } = await romeo.sendTextMessage(roomId, 'But soft!');
  await expect.poll(() => findLive(juliet, roomId, eventId)?.getContent()['body'], PATIENCE).toBe('But soft!');
  expect(roomOf(juliet, roomId).getUnreadNotificationCount(NotificationCountType.Total)).toBe(1);

  await romeo.sendMessage(roomId, {
    msgtype: MsgType.Text,
    body: '* But hard!',
    'm.new_content': { msgtype: MsgType.Text, body: 'But hard!' },
    'm.relates_to': { rel_type: RelationType.Replace, event_id: eventId },
  });
  await expect.poll(() => findLive(juliet, roomId, eventId)?.getContent()['body'], PATIENCE).toBe('But hard!');

  const { event_id: reactionId } = await juliet.sendEvent(roomId, EventType.Reaction, {
    'm.relates_to': { rel_type: RelationType.Annotation, event_id: eventId, key: '❤️' },
  });
  const reactions = () => roomOf(romeo, roomId).relations.getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction);
  await expect.poll(() => reactions()?.getSortedAnnotationsByKey()?.[0]?.[0], PATIENCE).toBe('❤️');
  await juliet.redactEvent(roomId, reactionId);
  await expect.poll(() => reactions()?.getSortedAnnotationsByKey()?.[0]?.[1].size ?? 0, PATIENCE).toBe(0);

  const event = findLive(juliet, roomId, eventId);
  if (event === undefined) throw new Error('the message is not there');
  await juliet.sendReceipt(event, ReceiptType.Read, {});
  await expect.poll(() => roomOf(romeo, roomId).hasUserReadEvent(juliet.getSafeUserId(), eventId), PATIENCE).toBe(true);
  await expect.poll(() => roomOf(juliet, roomId).getUnreadNotificationCount(NotificationCountType.Total), PATIENCE).toBe(0);
  await romeo.redactEvent(roomId, eventId);
  await expect.poll(() => findLive(juliet, roomId, eventId)?.isRedacted(), PATIENCE).toBe(true);
});

test('matrix-js-sdk: a thread is known at its root, counted apart and read apart', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo2', 'juliet2']);
  const { event_id: rootId } = await romeo.sendTextMessage(roomId, 'root');
  const reply = (body: string) => romeo.sendMessage(roomId, rootId, { msgtype: MsgType.Text, body });
  await reply('first');
  const { event_id: lastId } = await reply('second');
  const thread = () => roomOf(juliet, roomId).getThread(rootId);
  await expect.poll(() => thread()?.replyToEvent?.getId(), PATIENCE).toBe(lastId);
  expect(thread()?.length).toBe(2);
  await expect.poll(() => roomOf(juliet, roomId).getThreadUnreadNotificationCount(rootId, NotificationCountType.Total), PATIENCE).toBe(2);

  const read = new Promise<void>((resolve) => roomOf(juliet, roomId).on(ThreadEvent.Update, () => resolve()));
  await expect.poll(() => thread()?.findEventById(lastId) !== undefined, PATIENCE).toBe(true);
  const last = thread()?.findEventById(lastId);
  if (last === undefined) throw new Error('the thread does not hold its last message');
  await juliet.sendReceipt(last, ReceiptType.Read, {});
  await expect.poll(() => roomOf(juliet, roomId).getThreadUnreadNotificationCount(rootId, NotificationCountType.Total), PATIENCE).toBe(0);
  await reply('third');
  await read;
  await roomOf(juliet, roomId).createThreadsTimelineSets();
  await roomOf(juliet, roomId).fetchRoomThreads();
  expect(
    roomOf(juliet, roomId)
      .getThreads()
      .map(({ id }) => id),
  ).toContain(rootId);
});

test('matrix-js-sdk: older messages come page by page, and their place is found again', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo3', 'juliet3']);
  const sent: string[] = [];
  for (let n = 0; n < 45; n += 1) sent.push((await romeo.sendTextMessage(roomId, `line ${n}`)).event_id);
  await expect.poll(() => findLive(juliet, roomId, sent[44] ?? '') !== undefined, PATIENCE).toBe(true);
  const third = await start('nurse3');
  await third.joinRoom(roomId);
  await expect.poll(() => third.getRoom(roomId)?.getMyMembership(), PATIENCE).toBe('join');
  await third.scrollback(roomOf(third, roomId), 100);
  const bodies = roomOf(third, roomId)
    .getLiveTimeline()
    .getEvents()
    .flatMap((event) => event.getContent()['body'] ?? []);
  expect(bodies).toEqual(sent.map((_id, n) => `line ${n}`));
  const timeline = await third.getEventTimeline(roomOf(third, roomId).getUnfilteredTimelineSet(), sent[10] ?? '');
  expect(timeline?.getEvents().some((event) => event.getId() === sent[10])).toBe(true);
  const found = await third.timestampToEvent(roomId, Date.now() + 1_000, Direction.Backward);
  expect(found.event_id).toMatch(/^\$/);
});

test('matrix-js-sdk: a call is signalled, and a file is sent and fetched', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo4', 'juliet4']);
  const rang = new Promise<MatrixEvent>((resolve) => {
    juliet.on(RoomEvent.Timeline, (event) => {
      if (event.getType() === EventType.CallInvite) resolve(event);
    });
  });
  const offer = { type: 'offer', sdp: 'v=0' };
  await romeo.sendEvent(
    roomId,
    EventType.CallInvite as never,
    { call_id: 'c1', version: '1', party_id: 'p1', lifetime: 60_000, offer } as never,
  );
  const invite = await rang;
  expect(invite.getContent()).toMatchObject({ call_id: 'c1', offer });
  const answered = new Promise<string>((resolve) => {
    romeo.on(RoomEvent.Timeline, (event) => {
      if (event.getType() === EventType.CallAnswer) resolve(String(event.getContent()['call_id']));
    });
  });
  await juliet.sendEvent(
    roomId,
    EventType.CallAnswer as never,
    { call_id: 'c1', version: '1', party_id: 'p2', answer: { type: 'answer', sdp: 'v=0' } } as never,
  );
  expect(await answered).toBe('c1');

  const bytes = Buffer.from(PNG, 'base64');
  const { content_uri: uri } = await romeo.uploadContent(bytes as never, { name: 'rose.png', type: 'image/png' });
  await romeo.sendMessage(roomId, {
    msgtype: MsgType.Image,
    body: 'rose.png',
    url: uri,
    info: { mimetype: 'image/png', size: bytes.length },
  } as never);
  const url = juliet.mxcUrlToHttp(uri, undefined, undefined, undefined, false, true, true);
  const response = await fetch(String(url), { headers: { Authorization: `Bearer ${juliet.getAccessToken()}` } });
  expect(response.headers.get('content-type')).toBe('image/png');
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
});

test('matrix-js-sdk: push rules, account data, tags and profiles are kept', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo5', 'juliet5']);
  await juliet.addPushRule('global', PushRuleKind.ContentSpecific, 'rose', {
    pattern: 'rose',
    actions: [PushRuleActionName.Notify, { set_tweak: 'highlight' }],
  } as never);
  const rules = await juliet.getPushRules();
  expect(rules.global.content?.find((rule) => rule.rule_id === 'rose')).toMatchObject({ pattern: 'rose', enabled: true });
  await juliet.setRoomMutePushRule('global', roomId, true);
  await expect.poll(async () => (await juliet.getPushRules()).global.room?.some((rule) => rule.rule_id === roomId), PATIENCE).toBe(true);
  const counts = () => {
    const room = roomOf(juliet, roomId);
    return [NotificationCountType.Total, NotificationCountType.Highlight].map((type) => room.getUnreadNotificationCount(type) ?? 0);
  };
  await romeo.sendTextMessage(roomId, 'a rose by any other name');
  await expect.poll(counts, { ...PATIENCE, message: 'a word outweighs a muted room' }).toEqual([1, 1]);
  const { event_id: quiet } = await romeo.sendTextMessage(roomId, 'would smell as sweet');
  await expect.poll(() => findLive(juliet, roomId, quiet) !== undefined, PATIENCE).toBe(true);
  expect(counts()).toEqual([1, 1]);

  await juliet.setAccountData('org.example.mood' as never, { mood: 'lovesick' } as never);
  expect(juliet.getAccountData('org.example.mood' as never)?.getContent()).toEqual({ mood: 'lovesick' });
  await juliet.setRoomTag(roomId, 'm.favourite', { order: 0.5 });
  await expect.poll(() => roomOf(juliet, roomId).tags['m.favourite'], PATIENCE).toEqual({ order: 0.5 });
  await juliet.setDisplayName('Giulietta');
  await expect.poll(() => roomOf(romeo, roomId).getMember(juliet.getSafeUserId())?.name, PATIENCE).toBe('Giulietta');
  expect(await romeo.getProfileInfo(juliet.getSafeUserId())).toMatchObject({ displayname: 'Giulietta' });
});

test('matrix-js-sdk: a space, an upgrade, a search and the directory', async () => {
  const { romeo, juliet, roomId } = await meet(['romeo6', 'juliet6']);
  const { room_id: spaceId } = await romeo.createRoom({ preset: Preset.PublicChat, creation_content: { type: 'm.space' } });
  await romeo.sendStateEvent(spaceId, EventType.SpaceChild, { via: [server.name] }, roomId);
  const hierarchy = await juliet.getRoomHierarchy(spaceId);
  expect(hierarchy.rooms.map((room) => room.room_id)).toEqual([spaceId, roomId]);
  expect(await juliet.getRoomSummary(roomId)).toMatchObject({ room_id: roomId, num_joined_members: 2 });

  const alias = nameOf('capulet-orchard');
  const { room_id: listed } = await romeo.createRoom({
    visibility: Visibility.Public,
    room_alias_name: alias,
    name: alias,
  });
  const directory = await juliet.publicRooms({ filter: { generic_search_term: alias } });
  expect(directory.chunk).toMatchObject([{ room_id: listed, canonical_alias: `#${alias}:${server.name}` }]);
  expect((await juliet.getRoomIdForAlias(`#${alias}:${server.name}`)).room_id).toBe(listed);

  const { replacement_room: newId } = await romeo.upgradeRoom(roomId, '11');
  await juliet.joinRoom(newId);
  await expect.poll(() => juliet.getRoomUpgradeHistory(newId).map((room) => room.roomId), PATIENCE).toEqual([roomId, newId]);
});
