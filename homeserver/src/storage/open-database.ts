import type { Logger } from '../platform/logger.ts';
import { connectDatabase, type Database, type DatabaseAddress, parseDatabaseUrl } from './database.ts';
import { isConnectionError } from './database-errors.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { settleMeta } from './meta.ts';
import { migrate } from './migrate.ts';
import { type Ownership, ownDatabase } from './own-database.ts';

export type OpenDatabaseOptions = {
  dataDir: string;
  /** An external PostgreSQL; the embedded one in `dataDir` when undefined. */
  databaseUrl: string | undefined;
  serverName: string;
  logger: Logger;
  /** The database now belongs to another process. */
  onLost: () => void;
  onQuery?: (query: string) => void;
};

/**
 * Makes a homeserver's database ready: starts the embedded PostgreSQL when there is no other, claims it, migrates it, and checks that
 * it belongs to this server name.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<{ database: Database; close: () => Promise<void> }> {
  const { serverName, logger, onQuery } = options;
  const { address, ownership, embedded } = await claimDatabase(options);
  const database = connectDatabase(address, onQuery === undefined ? {} : { onQuery });
  const close = async () => {
    await database.close();
    await embedded?.stop(); // while it is still ours: who waits for it finds it gone, and starts it again
    await ownership.release();
  };
  try {
    const applied = await migrate(database.sql);
    if (applied.length > 0) logger.info({ applied }, 'the database was migrated');
    await checkServerName(database, serverName);
    return { database, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Claim = { address: DatabaseAddress; ownership: Ownership; embedded: EmbeddedPostgres | undefined };

/** How often an embedded PostgreSQL may vanish while we wait for it: the homeserver before us stops it as it ends. */
const MAX_CLAIMS = 3;

async function claimDatabase({ databaseUrl, dataDir, logger, onLost }: OpenDatabaseOptions): Promise<Claim> {
  if (databaseUrl !== undefined) {
    const address = parseDatabaseUrl(databaseUrl);
    return { address, ownership: await ownDatabase(address, onLost), embedded: undefined };
  }
  for (let attempt = 1; ; attempt += 1) {
    const embedded = await startEmbedded(dataDir, logger);
    try {
      return { address: embedded.address, ownership: await ownDatabase(embedded.address, onLost), embedded };
    } catch (error) {
      if (embedded.adopted && isConnectionError(error) && attempt < MAX_CLAIMS) continue;
      if (!embedded.adopted) await embedded.stop(); // an adopted one is in use by the homeserver that refused us
      throw error;
    }
  }
}

async function startEmbedded(dataDir: string, logger: Logger) {
  const embedded = await startEmbeddedPostgres({ dataDir, onCreate: () => logger.info({ dataDir }, 'making a new database') });
  for (const remark of embedded.remarks) logger.warn(remark);
  if (embedded.adopted) logger.info('found PostgreSQL still running from before; going on with it');
  return embedded;
}

/** A server's name is in every event it ever signed: it cannot change. */
async function checkServerName({ sql }: Database, serverName: string): Promise<void> {
  const stored = await settleMeta(sql, 'server_name', serverName);
  if (stored !== serverName) {
    throw new Error(
      `This database belongs to the server ${stored}, but BLINKCHAT_SERVER_NAME is ${serverName}. ` +
        `A server's name never changes: set it back to ${stored}, or choose another data folder or database.`,
    );
  }
}
