import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeRooms, composeStreams } from '../../src/compose-rooms.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { connectDatabase } from '../../src/storage/database.ts';
import { startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { type Cleanup, createCleanup } from './cleanup.ts';
import { createIsolatedNetwork } from './isolated-network.ts';
import { createTestDatabase } from './shared-postgres.ts';

export type RoomsOptions = {
  /** A PostgreSQL that nobody else uses, reached by one connection: for counting what the disk sees. */
  ownPostgres?: boolean;
};

/** The log and the rooms of one server over a real database, without an edge. `queries` has every statement since it was last emptied. */
export async function startRooms({ ownPostgres = false }: RoomsOptions = {}) {
  const cleanup = createCleanup();
  const address = ownPostgres ? await startOwnPostgres(cleanup) : cleanup.use(await createTestDatabase()).address;
  const queries: string[] = [];
  const database = connectDatabase(address, { onQuery: (query) => queries.push(query), ...(ownPostgres ? { maxConnections: 1 } : {}) });
  if (ownPostgres) await migrate(database.sql);
  cleanup.defer(database.close);
  const logger = createLogger('silent');
  const deps = {
    database,
    logger,
    clock: systemClock,
    random: systemRandom,
    serverName: 'hs.test',
    defaultRoomVersion: '12',
    userDirectory: 'rooms' as const,
    maxDelayMs: 86_400_000,
    retention: { isEnabled: false },
  };
  const streams = await composeStreams({ database, logger, onLost: () => undefined });
  const signer = { serverName: 'hs.test', keyId: 'ed25519:test', seed: systemRandom.bytes(32) };
  const rooms = await composeRooms({
    ...deps,
    ...streams,
    signer,
    findProfile: () => Promise.resolve({}),
    followUpgrade: () => Promise.resolve(),
    listIgnored: () => Promise.resolve({ nids: new Set<number>(), userIds: new Set<string>() }),
    network: createIsolatedNetwork(),
    aliasKeepers: { owns: () => false, checkMayUse: () => undefined, askFor: async () => false },
  });
  const user = async (localpart: string) => ({
    userId: `@${localpart}:hs.test`,
    userNid: await rooms.interner.userNid(`@${localpart}:hs.test`),
  });
  return { ...streams, ...rooms, database, queries, user, [Symbol.asyncDispose]: cleanup.run };
}

async function startOwnPostgres(cleanup: Cleanup) {
  const dataDir = await mkdtemp(join(tmpdir(), 'bct-own-'));
  await chmod(dataDir, 0o711); // PostgreSQL runs as another user when we are root
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ dataDir });
  cleanup.defer(postgres.stop);
  return postgres.address;
}
