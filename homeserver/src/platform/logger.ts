import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What must never reach a log, wherever it stands in a logged object. */
const SECRET_KEYS = ['access_token', 'refresh_token', 'password', 'token', 'secret', 'authorization'];

/**
 * The process's logger: one JSON object per line on standard error, which leaves standard output to what a person or a
 * supervisor reads (the ready line).
 */
export function createLogger(level: LogLevel): Logger {
  return pino(
    { level, base: null, redact: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), formatters: { level: (label) => ({ level: label }) } },
    process.stderr,
  );
}

/** A logger that says nothing. */
export const silentLogger: Logger = pino({ level: 'silent' });
