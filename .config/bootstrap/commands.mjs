import { ROOT } from './paths.mjs';

const VITEST = [`${ROOT}/node_modules/vitest/vitest.mjs`, 'run', '--config', '.config/vitest.config.ts'];
const BIOME = `${ROOT}/node_modules/@biomejs/biome/bin/biome`;
const VITE = `${ROOT}/node_modules/vite/bin/vite.js`;
const QUIET = '--disable-warning=ExperimentalWarning';

const one = (...args) => ({ steps: [{ args }] });

/** What each npm script runs, under the Node that was found. */
export const COMMANDS = {
  start: {
    needsClient: true,
    steps: (args) => ({ steps: [{ args: [QUIET, 'homeserver/src/main.ts', ...args], watchesParent: true }] }),
  },
  test: { needsClient: true, steps: (args) => one(...VITEST, ...args) },
  'test:torture': {
    needsClient: true,
    steps: (args) => ({ steps: [{ args: [...VITEST, ...args], env: { BLINKCHAT_TORTURE: 'on' } }] }),
  },
  check: { needsClient: false, steps: (args) => one('.config/check.mjs', ...args) },
  dev: {
    needsClient: false,
    steps: (args) => ({
      together: true,
      steps: [
        { args: [QUIET, '--watch', '--watch-preserve-output', 'homeserver/src/main.ts', ...args] },
        { args: [VITE], cwd: `${ROOT}/client` },
      ],
    }),
  },
  bot: { needsClient: false, steps: (args) => ({ steps: [{ args: [QUIET, 'bridge-bot/src/main.ts', ...args], watchesParent: true }] }) },
  admin: { needsClient: false, steps: (args) => one(QUIET, 'homeserver/src/admin.ts', ...args) },
  bench: { needsClient: false, steps: (args) => one(QUIET, 'homeserver/bench/main.ts', ...args) },
  coverage: { needsClient: false, steps: (args) => one(QUIET, 'homeserver/docs/write-coverage.ts', ...args) },
  docs: { needsClient: false, steps: (args) => one(QUIET, 'homeserver/docs/write-endpoint-table.ts', ...args) },
  format: { needsClient: false, steps: (args) => one(BIOME, 'check', '--write', ...args) },
};
