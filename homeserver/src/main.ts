import { parseArgs } from 'node:util';
import { parseEnvFile } from './config/env-file.ts';
import { describeSettings, readEnv } from './config/read-env.ts';
import { watchParent } from './platform/watch-parent.ts';
import { createServer } from './server.ts';

/** Longer than the server takes to drain; after it the process ends whatever still hangs. */
const STOP_TIMEOUT_MS = 9_500;

/** Ends with a message for a person. */
function refuse(lines: readonly string[]): never {
  console.error(lines.join('\n'));
  process.exit(1);
}

function readOptions(args: readonly string[]): { help?: boolean | undefined } {
  try {
    return parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' }, 'env-file': { type: 'string' } } }).values;
  } catch (error) {
    return refuse([...describe(error), 'Run with --help to see all settings.']);
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (readOptions(args).help === true) {
    console.log(describeSettings());
    return;
  }
  const file = parseEnvFile(args);
  if (!file.ok) refuse([file.reason]);
  const read = readEnv({ ...file.values, ...process.env });
  if (!read.ok)
    refuse(['BlinkChat cannot start:', ...read.problems.map((problem) => `  - ${problem}`), 'Run with --help to see all settings.']);

  const server = await createServer(read.config, { onFatal: (error) => refuse([error.message]) }).catch((error: unknown) =>
    refuse(['BlinkChat cannot start:', ...describe(error).map((line) => `  ${line}`)]),
  );

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => refuse(['BlinkChat did not stop in order:', ...describe(error)]),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  watchParent(process.env['BLINKCHAT_PARENT_PID'], stop);
  console.log(`BlinkChat ready: ${server.url}`);
}

/** An error and what caused it, one a line. */
function describe(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : describe(error.cause))];
}

await main(process.argv.slice(2));
