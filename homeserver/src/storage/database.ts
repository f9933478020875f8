import postgres from 'postgres';

/** int8 columns hold positions, times and interned numbers, all below 2^53: they are plain numbers here. */
type ColumnTypes = { bigint: number };

/** A pool or a transaction: what every storage function takes as its first argument. */
export type Sql = postgres.ISql<ColumnTypes>;
/** Connections that are opened as needed, shared, and ended together. */
export type Pool = postgres.Sql<ColumnTypes>;

/** A homeserver's database. */
export type Database = {
  sql: Pool;
  /** One connection for the log alone: however many questions keep the others busy, what is said gets through. */
  logSql: Pool;
  /** One connection whose commits do not wait for the disk: for cursors that may be replayed, never for what was acknowledged. */
  lazySql: Pool;
  close(): Promise<void>;
};

/** Where PostgreSQL is: a URL, or the unix socket of the embedded one. */
export type DatabaseAddress =
  | { kind: 'url'; url: string }
  | { kind: 'socket'; directory: string; port: number; user: string; password: string; database: string };

/**
 * Reads `DATABASE_URL`. A unix socket is named as libpq does it, by a `host` that is a folder: `postgres://user@/name?host=/run/postgresql`.
 */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const parsed = URL.parse(url.replace('@/', '@localhost/'));
  const directory = parsed?.searchParams.get('host');
  if (parsed === null || directory === null || directory === undefined || !directory.startsWith('/')) return { kind: 'url', url };
  return {
    kind: 'socket',
    directory,
    port: Number(parsed.searchParams.get('port') ?? parsed.port) || 5432,
    user: decodeURIComponent(parsed.username) || 'postgres',
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
  };
}

export type PoolOptions = {
  maxConnections?: number;
  /** Connections are never replaced by fresh ones: for what lives as long as its connection, such as an advisory lock. */
  permanent?: boolean;
  /** Commits do not wait for the disk. */
  lazyCommits?: boolean;
  statementTimeoutMs?: number;
  /** A connection ended, for whatever reason. */
  onClose?: () => void;
  /** Told of every statement, BEGIN and COMMIT among them. */
  onQuery?: (query: string) => void;
};

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_S = 10;
const MAX_LIFETIME_S = 3600;
/** No statement of ours needs longer; a query that does is a fault, and must not hold its connection for ever. */
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

/** How long `close` lets running statements finish. */
const CLOSE_TIMEOUT_S = 5;

/** Opens a homeserver's database. Connections are made when the first queries need them. */
export function connectDatabase(address: DatabaseAddress, options: PoolOptions = {}): Database {
  const sql = openPool(address, options);
  const logSql = openPool(address, { ...options, maxConnections: 1 });
  const lazySql = openPool(address, { ...options, maxConnections: 1, lazyCommits: true });
  const close = async () => {
    await Promise.all([sql, logSql, lazySql].map((pool) => pool.end({ timeout: CLOSE_TIMEOUT_S })));
  };
  return { sql, logSql, lazySql, close };
}

/** Opens a pool. Connections are made when the first queries need them. */
export function openPool(address: DatabaseAddress, options: PoolOptions = {}): Pool {
  const { onClose, onQuery } = options;
  const common = {
    max: options.maxConnections ?? MAX_CONNECTIONS,
    connect_timeout: CONNECT_TIMEOUT_S,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    max_lifetime: options.permanent === true ? null : MAX_LIFETIME_S,
    onnotice: () => undefined,
    connection: {
      application_name: 'blinkchat',
      statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      ...(options.lazyCommits === true ? { synchronous_commit: 'off' } : {}),
    },
    ...(onClose === undefined ? {} : { onclose: onClose }),
    ...(onQuery === undefined ? {} : { debug: (_connection: number, query: string) => onQuery(query) }),
  };
  if (address.kind === 'url') return postgres(address.url, common);
  const { directory, port, user, password, database } = address;
  return postgres({ ...common, path: `${directory}/.s.PGSQL.${port}`, user, password, database });
}

/** Runs `work` between BEGIN and COMMIT; what it throws rolls everything back and is thrown on. */
export async function inTransaction<T>(database: Database, work: (sql: Sql) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  await database.sql.begin(async (sql) => {
    result = { value: await work(sql) };
  });
  if (result === undefined) throw new Error('the transaction ended without having run');
  return result.value;
}
