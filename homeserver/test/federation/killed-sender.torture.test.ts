import { expect, test } from 'vitest';
import { startMortalPair } from '../kit/start-mortal-pair.ts';
import type { TestUser } from '../kit/test-user.ts';

const KILLS = 4;
const BURST = 60;
const PARALLEL_SENDS = 6;
const TIMEOUT_MS = 240_000;
const CATCH_UP = { timeout: 90_000, interval: 500 };

/** Sends until the server is gone; gives the ids of what it acknowledged. */
async function sendWhileItLives(user: TestUser, roomId: string, name: string, kill: () => Promise<unknown>): Promise<string[]> {
  const acknowledged: string[] = [];
  let killing: Promise<unknown> | undefined;
  const sendSome = async (sender: number) => {
    for (let index = 0; index < BURST / PARALLEL_SENDS; index += 1) {
      const sent = await user.send(roomId, `${name} ${sender}.${index}`).catch(() => undefined);
      if (sent === undefined) return;
      acknowledged.push(sent);
      if (acknowledged.length >= BURST / 2) killing ??= kill();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_SENDS }, (_, sender) => sendSome(sender)));
  await killing;
  return acknowledged;
}

test('what a server acknowledged before it was killed reaches the other, each time', { timeout: TIMEOUT_MS }, async () => {
  await using pair = await startMortalPair();
  const { b, romeo, juliet, roomId } = pair;

  const acknowledged: string[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const replies = Promise.all(Array.from({ length: 10 }, (_, index) => romeo.send(roomId, `romeo ${round}.${index}`)));
    acknowledged.push(...(await sendWhileItLives(juliet, roomId, `juliet ${round}`, () => b.end('SIGKILL'))), ...(await replies));
    await b.start();
  }
  await juliet.send(roomId, 'the end');
  const lacking = async (user: TestUser) => {
    const events = await user.messages(roomId, { limit: 1_000 }).catch(() => []);
    const shown = new Set(events.map((event) => event.event_id));
    return acknowledged.filter((id) => !shown.has(id)).length;
  };
  for (const user of [romeo, juliet]) await expect.poll(() => lacking(user), CATCH_UP).toBe(0);
});
