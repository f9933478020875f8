import { defineConfig } from 'vitest/config';

/** Five projects, one per kind of real part a test needs. The long scenes (`*.torture.test.ts`) run apart. */
const TORTURE = '**/*.torture.test.ts';

/** Half of a small machine's time is waiting; the long scenes want it to themselves. */
const WORKERS = process.env['BLINKCHAT_TORTURE'] === 'on' ? 1 : 2;

/** In CI a scene on real networks and processes gets a second try; the report names those that needed it. */
const SECOND_TRIES = process.env['CI'] === undefined ? 0 : 1;

/** The talk of matrix-js-sdk, whose parts do not all use the logger they are given. */
const CHATTER =
  /MatrixRTCSession|queue '|pendingEvent|remote echo|sendEvent of type|Starting room|Adding event|^Enqueue|^Queue|^EventTimelineSet/;

type ProjectOptions = { name: string; include: string[]; testTimeoutMs: number; parallel: boolean };

/** Notes which operations the servers of a test file answered: `npm run coverage` reads it. */
const NOTE_OPERATIONS = new URL('../homeserver/test/kit/note-operations.ts', import.meta.url).pathname;

function project({ name, include, testTimeoutMs, parallel }: ProjectOptions) {
  const torture = process.env['BLINKCHAT_TORTURE'] === 'on';
  return {
    test: {
      name,
      root: new URL('..', import.meta.url).pathname,
      include: torture ? include.map((glob) => glob.replace('*.test.ts', '*.torture.test.ts')) : include,
      setupFiles: name === 'server' || name === 'federation' ? [NOTE_OPERATIONS] : [],
      exclude: torture ? ['**/node_modules/**'] : ['**/node_modules/**', TORTURE],
      testTimeout: testTimeoutMs,
      hookTimeout: 60_000,
      fileParallelism: parallel,
      retry: name === 'pure' ? 0 : SECOND_TRIES,
    },
  };
}

export default defineConfig({
  test: {
    globalSetup: new URL('../homeserver/test/kit/global-setup.ts', import.meta.url).pathname,
    maxWorkers: WORKERS,
    onConsoleLog: (text) => !CHATTER.test(text),
    passWithNoTests: process.env['BLINKCHAT_TORTURE'] === 'on',
    projects: [
      project({
        name: 'pure',
        include: ['federation-spec/test/**/*.test.ts', '{homeserver,client,bridge-bot}/src/**/*.test.ts'],
        testTimeoutMs: 20_000,
        parallel: true,
      }),
      project({
        name: 'server',
        include: ['homeserver/test/!(federation)/**/*.test.ts'],
        testTimeoutMs: 60_000,
        parallel: true,
      }),
      project({ name: 'federation', include: ['homeserver/test/federation/**/*.test.ts'], testTimeoutMs: 120_000, parallel: true }),
      project({ name: 'browser', include: ['client/e2e/**/*.test.ts'], testTimeoutMs: 180_000, parallel: false }),
      project({ name: 'bot', include: ['bridge-bot/test/**/*.test.ts'], testTimeoutMs: 120_000, parallel: false }),
    ],
  },
});
