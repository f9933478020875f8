import { expect, test } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { describeBothWays } from './both-ways.ts';
import { membersOf, stateIdsOf, textsOf, WAIT } from './sides.ts';

const CROWD = 120;
const TALKERS = 10;

describeBothWays((stage) => {
  test('a large room is joined, spoken in at once, and whole after a while', { timeout: 240_000 }, async () => {
    const { host, guest, hosting, visiting, via } = stage;
    const roomId = await host.createRoom({ preset: 'public_chat', name: 'the crowd' });
    const crowd: TestUser[] = [];
    for (let number = 0; number < CROWD; number += 1) {
      const user = await hosting.user(`crowd${number}`);
      await user.join(roomId);
      crowd.push(user);
    }
    await guest.join(roomId, via);
    const said: string[] = [];
    const say = async (user: TestUser, text: string) => {
      said.push(text);
      await user.send(roomId, text);
    };
    await say(guest, 'just arrived');
    for (const user of crowd.slice(0, TALKERS)) await say(user, `hello from ${user.localpart}`);
    await crowd[TALKERS]?.leave(roomId);
    const second = await visiting.user('second');
    await second.join(roomId, via);
    await say(second, 'so did I');
    for (const user of [host, guest, second]) {
      await expect.poll(async () => (await textsOf(user, roomId)).sort(), WAIT).toEqual([...said].sort());
    }
    const joined = async () => Object.values(await membersOf(guest, roomId)).filter((membership) => membership === 'join').length;
    await expect.poll(joined, { timeout: 60_000, interval: 500 }).toBe(CROWD + 2);
    await expect.poll(() => stateIdsOf(guest, roomId), WAIT).toEqual(await stateIdsOf(host, roomId));
  });
});
