import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFollower } from '../../src/domain/streams/follower.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { startRooms } from '../kit/start-rooms.ts';
import { createNames } from '../kit/test-user.ts';

const WAIT = { timeout: 20_000 };
const ROWS = 40;
const nameOf = createNames();

let ground: Awaited<ReturnType<typeof startRooms>>;
beforeAll(async () => {
  ground = await startRooms();
});
afterAll(async () => await ground[Symbol.asyncDispose]());

/** As many positions in the log, of which nobody is told. */
async function grow(count: number): Promise<number> {
  for (let index = 0; index < count; index += 1) await ground.log.append({ rows: [{ write: () => Promise.resolve(), wakes: {} }] });
  return ground.log.position();
}

test('what a follower cannot handle for what it is is left out, and nothing else', async () => {
  const start = ground.log.position();
  const end = await grow(ROWS);
  const poisoned = start + 17;
  const handled = new Set<number>();
  const follower = await createFollower(
    { ...ground, logger: createLogger('silent') },
    {
      name: nameOf('poisoned'), // who begins anew has a cursor of its own
      startsAt: 'beginning',
      handle: async ({ after, upTo }) => {
        const texts = Array.from({ length: upTo - after }, (_, index) => (after + 1 + index === poisoned ? 'no\u0000text' : 'text'));
        await ground.database.sql`select unnest(${texts}::text[])`;
        for (let position = after + 1; position <= upTo; position += 1) handled.add(position);
      },
    },
  );
  await expect.poll(() => follower.position(), WAIT).toBe(end);
  expect([...handled].sort((a, b) => a - b)).toEqual(
    Array.from({ length: end }, (_, index) => index + 1).filter((each) => each !== poisoned),
  );
  await follower.stop();
});

test('while the database is away a follower leaves out nothing', async () => {
  const end = await grow(ROWS);
  let failures = 3;
  const ranges: number[] = [];
  const follower = await createFollower(
    { ...ground, logger: createLogger('silent') },
    {
      name: nameOf('patient'),
      startsAt: 'beginning',
      handle: async ({ after, upTo }) => {
        ranges.push(upTo - after);
        if (failures > 0) {
          failures -= 1;
          throw Object.assign(new Error('gone'), { code: 'CONNECTION_CLOSED' });
        }
      },
    },
  );
  await expect.poll(() => follower.position(), WAIT).toBe(end);
  expect(ranges).toEqual(Array.from({ length: 4 }, () => end));
  await follower.stop();
});
