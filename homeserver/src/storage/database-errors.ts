/** Network codes of Node and postgres.js that mean the connection, not the statement, failed. */
const LOST = /^(?:CONNECTION_|CONNECT_TIMEOUT$|ECONNREFUSED$|ECONNRESET$|EPIPE$|ENOENT$|ETIMEDOUT$)/;
/** SQLSTATE class 08, and the server being shut down, crashed, or starting. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const LOST_STATE = /^(?:08...|57P0[1-3])$/;
/** What postgres.js tells of a pool that was ended, in order or not. */
const CLOSED_BY_US = /^CONNECTION_(?:ENDED|DESTROYED)$/;
/** SQLSTATE classes 22 (data exception) and 23 (constraint violation). */
const DATA_STATE = /^2[23]...$/;
const UNIQUE_VIOLATION = '23505';

/** Whether the connection to the database was lost or refused: what the statement did is unknown. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  return LOST.test(code) || LOST_STATE.test(code);
}

/** Whether we closed the pool ourselves before the statement was done. */
export function isPoolClosed(error: unknown): boolean {
  return CLOSED_BY_US.test(codeOf(error));
}

/** Whether the database refused the values themselves; the same statement would be refused again. */
export function isDataError(error: unknown): boolean {
  return DATA_STATE.test(codeOf(error));
}

/** Whether the unique constraint or index of this name refused a row. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return codeOf(error) === UNIQUE_VIOLATION && error instanceof Error && 'constraint_name' in error && error.constraint_name === constraint;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
