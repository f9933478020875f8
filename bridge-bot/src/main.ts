import { pino } from 'pino';
import { describeSettings, readSettings } from './config/settings.ts';
import type { BotLog } from './sdk/bot-options.ts';
import { startBotServer } from './start-bot-server.ts';

/** Longer than stopping takes; after it the process ends whatever still hangs. */
const STOP_TIMEOUT_MS = 9_500;
const PARENT_CHECK_MS = 1_000;

/** Ends with a message for a person. */
function refuse(lines: readonly string[]): never {
  console.error(lines.join('\n'));
  process.exit(1);
}

/** One JSON object a line on standard error; standard output is for the ready line. */
function createLog(): BotLog {
  const logger = pino({ base: null, formatters: { level: (label) => ({ level: label }) } }, process.stderr);
  return {
    info: (message) => logger.info(message),
    warn: (message, error) => (error === undefined ? logger.warn(message) : logger.warn({ err: error }, message)),
  };
}

/** Ends with the process that started us, when that is gone without having told us. */
function watchParent(parentPid: string | undefined, onGone: () => void): void {
  if (parentPid === undefined) return;
  setInterval(() => {
    if (String(process.ppid) !== parentPid) onGone();
  }, PARENT_CHECK_MS).unref();
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return console.log(describeSettings());
  const read = readSettings(process.env);
  if (!read.ok)
    refuse(['The bot cannot start:', ...read.problems.map((problem) => `  - ${problem}`), 'Run with --help to see all settings.']);

  const server = await startBotServer(read.settings, createLog()).catch((error: unknown) =>
    refuse(['The bot cannot start:', ...describe(error).map((line) => `  ${line}`)]),
  );
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => refuse(['The bot did not stop in order:', ...describe(error)]),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  watchParent(process.env['BLINKCHAT_PARENT_PID'], stop);
  console.log(`BlinkChat bot ready: ${server.bot.userId}, webhooks at ${read.settings.publicUrl}`);
}

/** An error and what caused it, one a line. */
function describe(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : describe(error.cause))];
}

await main(process.argv.slice(2));
