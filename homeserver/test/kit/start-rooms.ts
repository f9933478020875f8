import { composeRooms, composeStreams } from '../../src/compose-rooms.ts';
import { createIsolatedNetwork } from '../../src/domain/rooms/isolated.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { connectDatabase } from '../../src/storage/database.ts';
import { createCleanup } from './cleanup.ts';
import { createTestDatabase } from './shared-postgres.ts';

/** The log and the rooms of one server over a real database, without an edge. `queries` has every statement since it was last emptied. */
export async function startRooms() {
  const cleanup = createCleanup();
  const { address } = cleanup.use(await createTestDatabase());
  const queries: string[] = [];
  const database = connectDatabase(address, { onQuery: (query) => queries.push(query) });
  cleanup.defer(database.close);
  const logger = createLogger('silent');
  const deps = { database, logger, clock: systemClock, random: systemRandom, serverName: 'hs.test', defaultRoomVersion: '12' };
  const streams = await composeStreams({ database, logger, onLost: () => undefined });
  const signer = { serverName: 'hs.test', keyId: 'ed25519:test', seed: systemRandom.bytes(32) };
  const rooms = await composeRooms({
    ...deps,
    ...streams,
    signer,
    findProfile: () => Promise.resolve({}),
    network: createIsolatedNetwork(),
  });
  const user = async (localpart: string) => ({
    userId: `@${localpart}:hs.test`,
    userNid: await rooms.interner.userNid(`@${localpart}:hs.test`),
  });
  return { ...streams, ...rooms, database, queries, user, [Symbol.asyncDispose]: cleanup.run };
}
