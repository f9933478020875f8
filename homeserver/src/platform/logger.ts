import { type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What must never reach a log, wherever it stands in a logged object. */
const SECRET_KEYS = ['access_token', 'refresh_token', 'password', 'token', 'secret', 'authorization'];

/** Where log lines go; a terminal says that it is one. */
export type LogOutput = { write(text: string): unknown; isTTY?: boolean };

/**
 * The process's logger, on standard error, which leaves standard output to what a person or a supervisor reads (the ready line).
 * A terminal gets lines for people, anything else one JSON object per line. Errors are logged as `err`, and told by `describeError`.
 */
export function createLogger(level: LogLevel, output: LogOutput = process.stderr): Logger {
  const redact = SECRET_KEYS.flatMap((key) => [key, `*.${key}`]);
  const serializers = { err: describeError };
  const options = { level, base: null, redact, serializers, formatters: { level: (label: string) => ({ level: label }) } };
  return pino(options, output.isTTY === true ? forPeople(output) : output);
}

/** Turns log lines into `12:30:05 info  the database was migrated  applied=0001_log.sql`. */
function forPeople(terminal: { write(text: string): unknown }): { write(line: string): void } {
  return {
    write(line) {
      const { level, time, msg, err, ...rest }: Record<string, unknown> = JSON.parse(line);
      const fields = Object.entries(rest).map(([key, value]) => `  ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      const stack = typeof err === 'object' && err !== null && 'stack' in err ? `\n${err.stack}` : '';
      const clock = new Date(Number(time)).toTimeString().slice(0, 8);
      terminal.write(`${clock} ${String(level).padEnd(5)} ${String(msg ?? '')}${fields.join('')}${stack}\n`);
    },
  };
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
