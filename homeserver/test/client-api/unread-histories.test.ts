import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServers, type TestServers } from '../kit/start-servers.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { inRoom, sendReceipt } from './ephemeral-events.ts';
import { createBadge, createSlidingBadge, deleteRule, readUnread, readUnreadOfRoom, redact, setRule } from './unread-counts.ts';
import { DISPLAY_NAME, KEYWORD, type ModelEvent, UnreadModel } from './unread-model.ts';

const STEPS = 60;
const PATIENCE = { timeout: 15_000, interval: 50 };

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers(2);
});
afterAll(() => servers[Symbol.asyncDispose]());

/** https://en.wikipedia.org/wiki/Linear_congruential_generator: a history is told by its seed. */
function createChance(seed: number) {
  let state = seed;
  const below = (limit: number): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return {
    below,
    pick: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item,
    isLucky: (odds: number) => below(odds) === 0,
  };
}

type Scene = { model: UnreadModel; roomId: string; romeo: TestUser; juliet: TestUser; chance: ReturnType<typeof createChance> };

async function speak({ model, roomId, romeo, juliet, chance }: Scene, isOwn: boolean): Promise<void> {
  const { events } = model;
  const kind = isOwn
    ? 'message'
    : chance.pick(['message', 'message', 'message', 'encrypted', 'notice', 'edit', 'reaction', 'state'] as const);
  const roots = events.filter((event) => event.thread === 'main' && event.kind === 'message');
  const target = kind === 'edit' || kind === 'reaction' ? events.filter((event) => event.kind === 'message').at(-1) : undefined;
  const root =
    (kind === 'message' || kind === 'notice' || kind === 'encrypted') && chance.isLucky(3) ? chance.pick(roots.slice(-4)) : undefined;
  const draft: Omit<ModelEvent, 'eventId'> = {
    isOwn,
    kind: target === undefined && (kind === 'edit' || kind === 'reaction') ? 'message' : kind,
    thread: root?.eventId ?? target?.thread ?? 'main',
    body: chance.isLucky(5) ? `ask the ${KEYWORD}, please` : chance.isLucky(8) ? `where is ${DISPLAY_NAME}?` : 'words',
    mentionsMe: kind !== 'state' && kind !== 'reaction' && chance.isLucky(5),
    mentionsRoom: kind === 'message' && chance.isLucky(8),
  };
  model.add({
    ...draft,
    eventId: await send(isOwn ? juliet : romeo, roomId, draft, { root: root?.eventId, target: target?.eventId, juliet }),
  });
}

async function send(
  user: TestUser,
  roomId: string,
  { kind, body, mentionsMe, mentionsRoom }: Omit<ModelEvent, 'eventId'>,
  { root, target, juliet }: { root: string | undefined; target: string | undefined; juliet: TestUser },
): Promise<string> {
  if (kind === 'state') return await user.setState(roomId, 'm.room.topic', { topic: `${Math.random()}` });
  if (kind === 'reaction') {
    return await user.send(
      roomId,
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: target, key: `${Math.random()}` } },
      'm.reaction',
    );
  }
  const type = kind === 'encrypted' ? 'm.room.encrypted' : 'm.room.message';
  const mentions = { ...(mentionsMe ? { user_ids: [juliet.id] } : {}), ...(mentionsRoom ? { room: true } : {}) };
  const relation =
    kind === 'edit'
      ? { 'm.relates_to': { rel_type: 'm.replace', event_id: target }, 'm.new_content': { msgtype: 'm.text', body } }
      : root === undefined
        ? {}
        : { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  return await user.send(roomId, { msgtype: kind === 'notice' ? 'm.notice' : 'm.text', body, 'm.mentions': mentions, ...relation }, type);
}

async function read({ model, roomId, juliet, chance }: Scene): Promise<void> {
  const event = chance.pick(model.events.slice(-12));
  const thread = chance.isLucky(2) ? '' : event.thread;
  const type = chance.pick(['m.read', 'm.read.private']);
  const answer = await sendReceipt(juliet, roomId, event.eventId, { type, body: thread === '' ? {} : { thread_id: thread } });
  expect(answer.status).toBe(200);
  model.mark(event.eventId, thread);
}

async function takeBack({ model, roomId, romeo, chance }: Scene): Promise<void> {
  const candidates = model.events.filter((event) => !event.isOwn && !event.isRedacted && event.kind === 'message').slice(-10);
  if (candidates.length === 0) return;
  const { eventId } = chance.pick(candidates);
  await redact(romeo, roomId, eventId);
  model.redact(eventId);
}

async function changeRules({ model, roomId, romeo, juliet, chance }: Scene): Promise<void> {
  const mute = { actions: [], conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }] };
  const rules = {
    isMuted: { kind: 'override', ruleId: roomId, rule: mute },
    isMentionsOnly: { kind: 'room', ruleId: roomId, rule: { actions: [] } },
    hasKeyword: { kind: 'content', ruleId: KEYWORD, rule: { pattern: KEYWORD, actions: ['notify', { set_tweak: 'highlight' }] } },
    isSenderMuted: { kind: 'sender', ruleId: romeo.id, rule: { actions: [] } },
    hasName: {
      kind: 'override',
      ruleId: 'name',
      rule: { actions: ['notify', { set_tweak: 'highlight' }], conditions: [{ kind: 'contains_display_name' }] },
    },
  };
  const name = chance.pick(['isMuted', 'isMentionsOnly', 'hasKeyword', 'isSenderMuted', 'hasName'] as const);
  const { kind, ruleId, rule } = rules[name];
  if (model.rules[name]) await deleteRule(juliet, kind, ruleId);
  else await setRule(juliet, kind, ruleId, rule);
  model.rules = { ...model.rules, [name]: !model.rules[name] };
}

/** Goes, and comes back to a room in which all that was is read. */
async function comeBack({ model, roomId, juliet }: Scene): Promise<void> {
  await juliet.leave(roomId);
  await juliet.join(roomId);
  const { event_id: eventId } = (await juliet.state(roomId)).find((event) => event.state_key === juliet.id) ?? { event_id: '' };
  model.add({ eventId, isOwn: true, kind: 'join', thread: 'main', body: '', mentionsMe: false, mentionsRoom: false });
}

/** What was said far away is here. */
async function arrived({ model, roomId, juliet }: Scene): Promise<void> {
  const path = inRoom(roomId, `event/${encodeURIComponent(model.events.at(-1)?.eventId ?? '')}`);
  await expect.poll(async () => (await juliet.attempt('GET', path)).status, PATIENCE).toBe(200);
}

/** One step of a history: the other, oneself, reading, taking back, rules, or going and coming. */
async function step(scene: Scene): Promise<void> {
  const die = scene.chance.below(40);
  if (die < 22) await speak(scene, false);
  else if (die < 26) await speak(scene, true);
  else if (die < 31) await read(scene);
  else if (die < 35) await takeBack(scene);
  else if (die < 39) await changeRules(scene);
  else await comeBack(scene);
}

/** A second try must not meet the people of the first. */
let attempts = 0;

for (const { seed, isRemote } of [
  { seed: 1, isRemote: false },
  { seed: 22, isRemote: false },
  { seed: 333, isRemote: true },
]) {
  test(`counts and badges are right all along a random history (seed ${seed}${isRemote ? ', the other far away' : ''})`, async () => {
    attempts += 1;
    const name = `juliet${seed}x${attempts}`;
    const romeo = await servers.user(`romeo${seed}x${attempts}`, isRemote ? 1 : 0);
    const juliet = await servers.user(name, 0);
    await juliet.call('PUT', `/_matrix/client/v3/profile/${juliet.id}/displayname`, { displayname: DISPLAY_NAME });
    const phone = await logInTestUser(servers.at(0).url, name);
    const roomId = await juliet.createRoom({ preset: 'public_chat', power_level_content_override: { users_default: 100 } });
    await romeo.join(roomId, { via: [servers.at(0).name] });

    const chance = createChance(seed);
    const scene: Scene = { model: new UnreadModel(), roomId, romeo, juliet, chance };
    const badge = createBadge(juliet, roomId);
    const [phoneBadge, slidingBadge] = [createBadge(phone, roomId), createSlidingBadge(phone, roomId)];
    await speak(scene, true);
    await speak(scene, false);
    await arrived(scene);
    for (let count = 0; count < STEPS; count += 1) {
      await step({ ...scene, juliet: chance.isLucky(2) ? juliet : phone });
      const what = `after step ${count}`;
      await arrived(scene);
      if (isRemote) await expect.poll(badge, PATIENCE).toEqual(scene.model.unread());
      expect(await badge(), what).toEqual(scene.model.unread());
      expect(await phoneBadge(), what).toEqual(scene.model.unread());
      expect(await slidingBadge(), what).toEqual(scene.model.unreadOfRoom());
    }
    expect(await readUnread(juliet, roomId)).toEqual(scene.model.unread());
    expect(await readUnreadOfRoom(juliet, roomId)).toEqual(scene.model.unreadOfRoom());
    await servers.at(0).restart();
    expect(await readUnread(juliet, roomId)).toEqual(scene.model.unread());
  });
}
