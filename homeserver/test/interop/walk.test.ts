import { expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { createDice, type Dice } from './dice.ts';
import { defaultRoomVersion, otherSideName, roomPath, V3 } from './sides.ts';
import { listDifferences, viewOf } from './views.ts';
import { canCut, startWalledSides, type WalledSides } from './walled-sides.ts';

const { BLINKCHAT_INTEROP_SEEDS = '1,2', BLINKCHAT_INTEROP_STEPS = '150' } = process.env;
const SEEDS = BLINKCHAT_INTEROP_SEEDS.split(',').map(Number);
const STEPS = Number(BLINKCHAT_INTEROP_STEPS);
const PER_SIDE = 3;
const CONVERGE_MS = 120_000;

type Done = { status: number; body?: Record<string, unknown> };
type Walk = {
  roomId: string;
  dice: Dice;
  walled: WalledSides;
  /** One on each side who stays, and may do everything. */
  keepers: readonly TestUser[];
  /** By side. */
  wanderers: readonly (readonly TestUser[])[];
  said: string[];
  log: string[];
  /** Whose events a server may keep back: somebody's, or `everyone`'s. */
  limited: Set<string>;
  /** By whom an event was sent. */
  senders: Map<string, string>;
  isCut: boolean;
};

async function startWalk(seed: number, walled: WalledSides): Promise<Walk> {
  const dice = createDice(seed);
  const keepers: TestUser[] = [];
  const wanderers: TestUser[][] = [];
  for (const [index, side] of walled.sides.entries()) {
    keepers.push(await side.user(`keeper${index}-${seed}`));
    wanderers.push(await Promise.all(Array.from({ length: PER_SIDE }, (_, number) => side.user(`w${index}${number}-${seed}`))));
  }
  const [first, ...others] = keepers;
  if (first === undefined) throw new Error('nobody is there');
  const isTwelve = Number(defaultRoomVersion) >= 12;
  const roomId = await first.createRoom({
    preset: 'public_chat',
    room_version: defaultRoomVersion,
    creation_content: isTwelve ? { additional_creators: others.map((user) => user.id) } : {},
    power_level_content_override: {
      users: isTwelve ? {} : Object.fromEntries(keepers.map((user) => [user.id, 100])),
      events: { 'm.room.topic': 0, 'm.room.name': 50 },
      redact: 50,
    },
  });
  for (const [index, keeper] of keepers.entries()) {
    if (index > 0) await keeper.join(roomId, { via: [walled.sides[0]?.name ?? ''] });
    for (const wanderer of wanderers[index] ?? []) await wanderer.join(roomId, { via: walled.sides.map((side) => side.name) });
  }
  const walk: Walk = { roomId, dice, walled, keepers, wanderers, said: [], log: [], limited: new Set(), senders: new Map(), isCut: false };
  for (const keeper of keepers) await keeper.send(roomId, 'let us begin');
  await agree(walk);
  return walk;
}

/** One random thing that somebody does; refusals are part of the game. */
async function step(walk: Walk, number: number): Promise<void> {
  const { dice, walled, roomId } = walk;
  const side = dice.below(walled.sides.length);
  const wanderers = walk.wanderers[side] ?? [];
  const keeper = walk.keepers[side];
  if (keeper === undefined) throw new Error('a side without a keeper');
  const who = dice.below(3) === 0 ? keeper : dice.pick(wanderers);
  const other = dice.pick(walk.wanderers.flat());
  const path = roomPath(roomId);
  const post = (action: string, body: object) => who.attempt('POST', `${path}/${action}`, body);
  const put = (type: string, content: object, key = '') => who.attempt('PUT', `${path}/state/${type}/${key}`, content);
  const say = async (content: object, type = 'm.room.message') => {
    const answer = await who.attempt('PUT', `${path}/send/${type}/${walk.log.length}`, content);
    if (answer.status === 200 && type === 'm.room.message') walk.said.push(String(answer.body['event_id']));
    return answer;
  };
  const target = () => (walk.said.length === 0 ? '$none' : dice.pick(walk.said.slice(-20)));
  const via = walled.sides.map((entry) => `via=${encodeURIComponent(entry.name)}`).join('&');

  const actions: [number, string, () => Promise<Done>][] = [
    [20, 'says', () => say({ msgtype: 'm.text', body: `${number}` })],
    [3, 'reacts', () => say({ 'm.relates_to': { rel_type: 'm.annotation', event_id: target(), key: `${number}` } }, 'm.reaction')],
    [5, 'redacts', () => who.attempt('PUT', `${path}/redact/${encodeURIComponent(target())}/r${walk.log.length}`, { reason: `${number}` })],
    [6, 'sets the topic', () => put('m.room.topic', { topic: `${number}` })],
    [4, 'sets the name', () => put('m.room.name', { name: `${number}` })],
    [3, 'sets a thing of its own', () => put('org.walk.own', { n: number }, encodeURIComponent(who.id))],
    [6, 'joins', () => who.attempt('POST', `${V3}/join/${encodeURIComponent(roomId)}?${via}`, {})],
    [3, 'leaves', () => (who === keeper ? say({ msgtype: 'm.text', body: `stays ${number}` }) : post('leave', {}))],
    [3, `invites ${other.id}`, () => post('invite', { user_id: other.id })],
    [4, `kicks ${other.id}`, () => post('kick', { user_id: other.id, reason: `${number}` })],
    [3, `bans ${other.id}`, () => post('ban', { user_id: other.id })],
    [3, `unbans ${other.id}`, () => post('unban', { user_id: other.id })],
    [4, `changes the power of ${other.id}`, () => empower(who, roomId, other, dice.pick([0, 25, 50, 75]))],
    [2, 'changes who may join', () => put('m.room.join_rules', { join_rule: dice.pick(['public', 'public', 'invite', 'knock']) })],
    [
      2,
      'renames itself',
      () => who.attempt('PUT', `${V3}/profile/${encodeURIComponent(who.id)}/displayname`, { displayname: `${number}` }),
    ],
  ];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  let drawn = dice.below(total);
  const [, name, act] = actions.find(([weight]) => {
    drawn -= weight;
    return drawn < 0;
  }) ?? [0, 'nothing', async (): Promise<Done> => ({ status: 0 })];
  const { status, body } = await act();
  if (typeof body?.['event_id'] === 'string') walk.senders.set(body['event_id'], who.id);
  if (status === 200) for (const id of limitedBy(name, other, who)) walk.limited.add(id);
  walk.log.push(`${number} ${walk.isCut ? 'cut ' : ''}${who.id} ${name}: ${status}`);
  if (status >= 500) throw new Error(walk.log.at(-1));
}

/** Whose events others may keep back from then on: a server that knew of this before them soft-fails them. */
function limitedBy(action: string, other: TestUser, who: TestUser): string[] {
  if (action === 'changes who may join') return ['everyone'];
  if (action === 'leaves') return [who.id];
  return /^(kicks|bans|changes the power)/.test(action) ? [other.id] : [];
}

/**
 * Whether somebody may not show an event that others show: what is done by somebody who was put out, or may do less now, is kept back by a
 * server that knew of that when the event reached it, and so is the removal of such an event.
 */
function mayBeKeptBack({ limited, senders }: Walk, line: string): boolean {
  if (!/: nothing \||\| nothing/.test(line) || !line.startsWith('history')) return false;
  const [, told = ''] = /(m\.\S+ .*|org\.\S+ .*)$/.exec(line.replaceAll('nothing | ', '')) ?? [];
  const [, type = '', key = '', sender = ''] = /^(\S+) (\S*) (@\S+) \{/.exec(told) ?? [];
  const [, target = ''] = /"redacts":"([^"]+)"/.exec(told) ?? [];
  const involved = type === 'm.room.member' ? [sender, key, 'everyone'] : [sender, senders.get(target) ?? ''];
  return involved.some((id) => limited.has(id));
}

async function empower(who: TestUser, roomId: string, other: TestUser, level: number): Promise<Done> {
  const path = `${roomPath(roomId)}/state/m.room.power_levels/`;
  const { status, body } = await who.attempt('GET', path);
  if (status !== 200) return { status };
  return await who.attempt('PUT', path, { ...body, users: { ...(body['users'] as object), [other.id]: level } });
}

/** Cuts one side off, or lets all of them meet again. */
function turn(walk: Walk, number: number): void {
  const names = walk.walled.sides.map((side) => side.name);
  const chance = walk.dice.below(100);
  if (walk.isCut && chance < 8) {
    walk.walled.gates.heal();
    walk.isCut = false;
    walk.log.push(`${number} healed`);
  } else if (!walk.isCut && chance < 5) {
    const alone = walk.dice.pick(names);
    walk.walled.gates.partition(
      names.filter((name) => name !== alone),
      [alone],
    );
    walk.isCut = true;
    walk.log.push(`${number} cut off: ${alone}`);
  }
}

async function agree(walk: Walk): Promise<void> {
  let differences: string[] = [];
  const count = async () => {
    const views = await Promise.all(walk.keepers.map((keeper) => viewOf(keeper, walk.roomId)));
    differences = listDifferences(views).filter((line) => !mayBeKeptBack(walk, line));
    return differences.length;
  };
  await expect
    .poll(count, { timeout: CONVERGE_MS, interval: 1_000 })
    .toBe(0)
    .catch(() => {
      throw new Error([`they do not agree about ${walk.roomId}:`, ...differences, 'after:', ...walk.log].join('\n'));
    });
}

test.skipIf(!canCut).each(SEEDS)(
  `two of ours and ${otherSideName} agree after whatever happened, by chance %i`,
  { timeout: 900_000 },
  async (seed) => {
    await using walled = await startWalledSides(2);
    const walk = await startWalk(seed, walled);
    for (let number = 0; number < STEPS; number += 1) {
      turn(walk, number);
      await step(walk, number);
    }
    walled.gates.heal();
    for (const keeper of walk.keepers) await keeper.send(walk.roomId, 'it is over');
    await agree(walk);
  },
);
