import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { type DividedServers, startDividedServers } from './divided-servers.ts';

const TIMEOUT_MS = 600_000;
const ACTIONS_APART = 30;
const LONG_OUTAGE_EVENTS = 10_000;
const PARALLEL_SENDS = 20;

let servers: DividedServers;
beforeAll(async () => {
  servers = await startDividedServers();
});
afterAll(async () => await servers[Symbol.asyncDispose]());

/** The same numbers in every run. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % sides;
  };
}

const roomPath = (roomId: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;

/** Something that a moderator may do; refusals are part of life apart. */
async function act(user: TestUser, roomId: string, guests: readonly TestUser[], dice: (sides: number) => number): Promise<void> {
  const guest = guests[dice(guests.length)];
  const number = dice(1_000);
  switch (dice(8)) {
    case 0:
      return void (await user.attempt('PUT', `${roomPath(roomId)}/state/m.room.name/`, { name: `name ${number}` }));
    case 1:
      return void (await user.attempt('PUT', `${roomPath(roomId)}/state/m.room.topic/`, { topic: `topic ${number}` }));
    case 2:
      return void (await user.attempt('POST', `${roomPath(roomId)}/ban`, { user_id: guest?.id }));
    case 3:
      return void (await user.attempt('POST', `${roomPath(roomId)}/unban`, { user_id: guest?.id }));
    case 4: {
      const powers = (await user.state(roomId)).find((event) => event.type === 'm.room.power_levels')?.content ?? {};
      const users = { ...(powers['users'] as object), [guest?.id ?? '']: dice(3) * 25 };
      return void (await user.attempt('PUT', `${roomPath(roomId)}/state/m.room.power_levels/`, { ...powers, users }));
    }
    case 5:
      return void (await guest?.attempt('POST', `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`, {}));
    case 6:
      return void (await guest?.attempt('PUT', `${roomPath(roomId)}/send/m.room.message/${number}-${Date.now()}`, {
        msgtype: 'm.text',
        body: `guest ${number}`,
      }));
    default:
      return void (await user.attempt('PUT', `${roomPath(roomId)}/send/m.room.message/${number}-${Date.now()}`, {
        msgtype: 'm.text',
        body: `message ${number}`,
      }));
  }
}

const PATTERNS = [
  { pattern: 'all apart', groups: [[0], [1], [2]] },
  { pattern: 'one apart from two', groups: [[0, 1], [2]] },
  { pattern: 'the first one apart', groups: [[0], [1, 2]] },
];

describe.each(['10', '11', '12'])('a room of version %s', (version) => {
  test.each(PATTERNS)('is the same everywhere after a time with $pattern', { timeout: TIMEOUT_MS }, async ({ pattern, groups }) => {
    const { network, moderators } = servers;
    const dice = createDice(Number(version) * 1_000 + pattern.length);
    const roomId = await servers.createRoom(version);
    const guests = await Promise.all(
      moderators.map((_, index) => network.user(`guest-${version}-${pattern.replaceAll(' ', '-')}-${index}`, index)),
    );
    await Promise.all(guests.map((guest) => guest.join(roomId, { via: [network.at(0).name] })));
    await servers.converge(roomId);
    network.partition(...groups);
    for (let round = 0; round < ACTIONS_APART; round += 1) {
      await Promise.all(moderators.map((moderator) => act(moderator, roomId, guests, dice)));
    }
    network.heal();
    for (const moderator of moderators) await moderator.send(roomId, 'together again');
    await servers.converge(roomId, TIMEOUT_MS / 3);
  });
});

test('ten thousand events are caught up with after an outage', { timeout: TIMEOUT_MS }, async () => {
  const { network, moderators } = servers;
  const [first] = moderators;
  if (first === undefined) throw new Error('nobody is there');
  const roomId = await servers.createRoom('12');
  network.partition([0, 1], [2]);
  for (let start = 0; start < LONG_OUTAGE_EVENTS; start += PARALLEL_SENDS) {
    await Promise.all(Array.from({ length: PARALLEL_SENDS }, (_, index) => first.send(roomId, `message ${start + index}`)));
  }
  network.heal();
  await first.send(roomId, 'the last one');
  const newest = async () => (await moderators[2]?.messages(roomId, { limit: 1 }))?.[0]?.content['body'];
  await expect.poll(newest, { timeout: TIMEOUT_MS / 2, interval: 1_000 }).toBe('the last one');
  await servers.converge(roomId, TIMEOUT_MS / 2);
});
