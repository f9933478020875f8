import type { Logger } from '../platform/logger.ts';
import { connectDatabase, type Database, type DatabaseAddress, parseDatabaseUrl } from './database.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { settleMeta } from './meta.ts';
import { migrate } from './migrate.ts';
import { ownDatabase } from './own-database.ts';

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
  const { databaseUrl, dataDir, serverName, logger, onLost, onQuery } = options;
  const embedded = databaseUrl === undefined ? await startEmbedded(dataDir, logger) : undefined;
  const address: DatabaseAddress = embedded?.address ?? parseDatabaseUrl(databaseUrl ?? '');

  const ownership = await ownDatabase(address, onLost).catch(async (error: unknown) => {
    if (embedded?.adopted === false) await embedded.stop(); // an adopted one is in use by the homeserver that refused us
    throw error;
  });
  const database = connectDatabase(address, onQuery === undefined ? {} : { onQuery });
  const close = async () => {
    await database.close();
    await ownership.release();
    await embedded?.stop();
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
