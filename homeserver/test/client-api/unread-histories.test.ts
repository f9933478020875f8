import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { meet, sendReceipt } from './ephemeral-events.ts';
import { createBadge, deleteRule, readUnread, redact, setRule } from './unread-counts.ts';
import { KEYWORD, type ModelEvent, UnreadModel } from './unread-model.ts';

const STEPS = 90;

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
  const kind = isOwn ? 'message' : chance.pick(['message', 'message', 'message', 'notice', 'edit', 'reaction', 'state'] as const);
  const roots = events.filter((event) => event.thread === 'main' && event.kind === 'message');
  const target = kind === 'edit' || kind === 'reaction' ? events.filter((event) => event.kind === 'message').at(-1) : undefined;
  const root = (kind === 'message' || kind === 'notice') && chance.isLucky(3) ? chance.pick(roots.slice(-4)) : undefined;
  const draft: Omit<ModelEvent, 'eventId'> = {
    isOwn,
    kind: target === undefined && (kind === 'edit' || kind === 'reaction') ? 'message' : kind,
    thread: root?.eventId ?? target?.thread ?? 'main',
    body: chance.isLucky(5) ? `ask the ${KEYWORD}, please` : 'words',
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
  const mentions = { ...(mentionsMe ? { user_ids: [juliet.id] } : {}), ...(mentionsRoom ? { room: true } : {}) };
  const relation =
    kind === 'edit'
      ? { 'm.relates_to': { rel_type: 'm.replace', event_id: target }, 'm.new_content': { msgtype: 'm.text', body } }
      : root === undefined
        ? {}
        : { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  return await user.send(roomId, { msgtype: kind === 'notice' ? 'm.notice' : 'm.text', body, 'm.mentions': mentions, ...relation });
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

async function changeRules({ model, roomId, juliet, chance }: Scene): Promise<void> {
  const mute = { actions: [], conditions: [{ kind: 'event_match', key: 'room_id', pattern: roomId }] };
  const rules = {
    isMuted: { kind: 'override', ruleId: roomId, rule: mute },
    isMentionsOnly: { kind: 'room', ruleId: roomId, rule: { actions: [] } },
    hasKeyword: { kind: 'content', ruleId: KEYWORD, rule: { pattern: KEYWORD, actions: ['notify', { set_tweak: 'highlight' }] } },
  };
  const name = chance.pick(['isMuted', 'isMentionsOnly', 'hasKeyword'] as const);
  const { kind, ruleId, rule } = rules[name];
  if (model.rules[name]) await deleteRule(juliet, kind, ruleId);
  else await setRule(juliet, kind, ruleId, rule);
  model.rules = { ...model.rules, [name]: !model.rules[name] };
}

for (const seed of [1, 22, 333, 4444]) {
  test(`counts and badge are right all along a random history (seed ${seed})`, async () => {
    await using server = await startServer();
    const romeo = await server.user('romeo');
    const juliet = await server.user('juliet');
    const roomId = await meet(romeo, juliet);
    const scene: Scene = { model: new UnreadModel(), roomId, romeo, juliet, chance: createChance(seed) };
    const badge = createBadge(juliet, roomId);
    await speak(scene, false);

    for (let step = 0; step < STEPS; step += 1) {
      const die = scene.chance.below(20);
      if (die < 11) await speak(scene, false);
      else if (die < 13) await speak(scene, true);
      else if (die < 16) await read(scene);
      else if (die < 18) await takeBack(scene);
      else await changeRules(scene);
      expect(await badge(), `the badge after step ${step}`).toEqual(scene.model.unread());
    }
    expect(await readUnread(juliet, roomId)).toEqual(scene.model.unread());
    await server.restart();
    expect(await readUnread(juliet, roomId)).toEqual(scene.model.unread());
  });
}
