/** An error may have a cause, and that one too. */
const MAX_CAUSES = 5;
/** Failures told of one that stands for several. */
const MAX_ERRORS = 5;
/** The class of SQLSTATE whose messages quote the value that was refused. */
const DATA_EXCEPTION = /^22/;
const QUOTED = /"[\s\S]*"/;
/** What may be told of an error beside its message: names, numbers and addresses, never what was being worked on. */
const TOLD_FIELDS = [
  ...['code', 'errno', 'syscall', 'address', 'port', 'path', 'hostname', 'status', 'statusCode', 'errcode'],
  ...['severity', 'schema_name', 'table_name', 'column_name', 'constraint_name', 'routine'],
] as const;

/**
 * What a log says of an error. Not what it happens to carry: errors of the database hold the statement, its parameters and the refused
 * row, others the request or the answer, and with them what people wrote, and secrets.
 */
export function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' && error !== null ? { type: 'object' } : error;
  const message = toldMessage(error);
  const told: Record<string, unknown> = { type: error.name, message, stack: toldStack(error, message) };
  for (const field of TOLD_FIELDS) {
    const value: unknown = Reflect.get(error, field);
    if (typeof value === 'string' || typeof value === 'number') told[field] = value;
  }
  if (error.cause !== undefined && depth < MAX_CAUSES) told['cause'] = describeError(error.cause, depth + 1);
  if (error instanceof AggregateError && depth < MAX_CAUSES)
    told['errors'] = error.errors.slice(0, MAX_ERRORS).map((one: unknown) => describeError(one, depth + 1));
  return told;
}

/** The message, without what it quotes of a text that could not be read or a value that was refused. */
function toldMessage(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  const isQuoting = error instanceof SyntaxError || (error.name === 'PostgresError' && DATA_EXCEPTION.test(String(code)));
  return isQuoting ? error.message.replace(QUOTED, '"…"') : error.message;
}

/** The places of the stack. Its head repeats the message. */
function toldStack(error: Error, message: string): string {
  const places = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [`${error.name}: ${message}`, ...places].join('\n');
}
