import postgres from 'postgres';

/** int8 columns hold positions, times and interned numbers, all below 2^53: they are plain numbers here. */
type ColumnTypes = { bigint: number };

/** A pool or a transaction: what every storage function takes as its first argument. */
export type Sql = postgres.ISql<ColumnTypes>;
/** The pool, which can open transactions and be ended. */
export type Database = postgres.Sql<ColumnTypes>;
export type Transaction = postgres.TransactionSql<ColumnTypes>;

/** Where PostgreSQL is: a URL, or the unix socket of the embedded one. */
export type DatabaseAddress =
  | { kind: 'url'; url: string }
  | { kind: 'socket'; directory: string; port: number; user: string; password: string; database: string };

export type DatabaseOptions = {
  maxConnections?: number;
  /** Connections are never replaced by fresh ones: for what lives as long as its connection, such as an advisory lock. */
  permanent?: boolean;
  statementTimeoutMs?: number;
  onClose?: () => void;
  onQuery?: (query: string) => void;
};

const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_S = 10;
const MAX_LIFETIME_S = 3600;
/** No statement of ours needs longer; a query that does is a fault, and must not hold its connection for ever. */
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

/** Opens a pool. Connections are made when the first queries need them. */
export function connectDatabase(address: DatabaseAddress, options: DatabaseOptions = {}): Database {
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
    },
    ...(onClose === undefined ? {} : { onclose: onClose }),
    ...(onQuery === undefined ? {} : { debug: (_connection: number, query: string) => onQuery(query) }),
  };
  if (address.kind === 'url') return postgres(address.url, common);
  const { directory, port, user, password, database } = address;
  return postgres({ ...common, path: `${directory}/.s.PGSQL.${port}`, user, password, database });
}
