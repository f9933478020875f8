import { parseArgs } from 'node:util';
import type { Config } from './config/config.ts';
import { parseEnvFile } from './config/env-file.ts';
import { readEnv } from './config/read-env.ts';
import { rotateSigningKey } from './config/secrets.ts';
import { type Administration, createAdministration } from './domain/accounts/administer.ts';
import { createPasswordHasher } from './domain/accounts/password-hasher.ts';
import { systemClock } from './platform/clock.ts';
import { systemRandom } from './platform/random.ts';
import { type DatabaseAddress, openPool, parseDatabaseUrl } from './storage/database.ts';
import { startEmbeddedPostgres } from './storage/embedded-postgres.ts';
import { findMeta } from './storage/meta.ts';

const HELP = `Looks after the accounts of this homeserver, whether it runs or not.

  npm run admin -- create-account NAME [--admin]
  npm run admin -- set-admin NAME on|off
  npm run admin -- reset-password NAME
  npm run admin -- lock NAME | unlock NAME
  npm run admin -- suspend NAME | unsuspend NAME
  npm run admin -- deactivate NAME [--erase]
  npm run admin -- create-registration-token [TOKEN] [--uses N] [--days N]
  npm run admin -- list-accounts
  npm run admin -- list-reports
  npm run admin -- rotate-signing-key

It reads the same settings as the homeserver (BLINKCHAT_DATA_DIR, DATABASE_URL, --env-file FILE …).`;

const ROTATE = 'rotate-signing-key';
const HEALTH_TIMEOUT_MS = 2_000;

type Options = { admin: boolean; erase: boolean; uses: number | undefined; days: number | undefined };
type Command = (administration: Administration, name: string, rest: readonly string[], options: Options) => Promise<string>;

/** What each command does; it returns what is printed. */
const COMMANDS: Readonly<Record<string, { needsName: boolean; run: Command }>> = {
  'create-account': {
    needsName: true,
    run: async (administration, name, _rest, { admin }) => {
      const { userId, password } = await administration.createAccount(name, { isAdmin: admin });
      return `${userId}\npassword: ${password}`;
    },
  },
  'set-admin': {
    needsName: true,
    run: async (administration, name, [state]) => {
      if (state !== 'on' && state !== 'off') throw new Error('Say on or off: set-admin NAME on|off');
      const userId = await administration.setAdmin(name, state === 'on');
      return `${userId} is ${state === 'on' ? 'an admin' : 'no admin'} now`;
    },
  },
  'reset-password': {
    needsName: true,
    run: async (administration, name) => {
      const { userId, password } = await administration.resetPassword(name);
      return `${userId}\npassword: ${password}`;
    },
  },
  lock: { needsName: true, run: async (administration, name) => `${await administration.setStatus(name, 'locked')} is locked` },
  unlock: { needsName: true, run: async (administration, name) => `${await administration.setStatus(name, 'active')} is active` },
  suspend: { needsName: true, run: async (administration, name) => `${await administration.setStatus(name, 'suspended')} is suspended` },
  unsuspend: { needsName: true, run: async (administration, name) => `${await administration.setStatus(name, 'active')} is active` },
  deactivate: {
    needsName: true,
    run: async (administration, name, _rest, { erase }) => `${await administration.deactivate(name, { erase })} is deactivated, for ever`,
  },
  'create-registration-token': {
    needsName: false,
    run: (administration, name, _rest, { uses, days }) =>
      administration.createRegistrationToken({ token: name === '' ? undefined : name, uses, days }),
  },
  'list-reports': {
    needsName: false,
    run: async (administration) => {
      const reports = await administration.listReports();
      const lines = reports.map(({ receivedAt, reporter, roomId, eventId, reportedId, reason }) =>
        [new Date(receivedAt).toISOString(), reporter, reportedId ?? roomId ?? '', eventId ?? '', JSON.stringify(reason ?? '')].join('\t'),
      );
      return lines.join('\n');
    },
  },
  'list-accounts': {
    needsName: false,
    run: async (administration) => {
      const accounts = await administration.listAccounts();
      const lines = accounts.map(({ userId, status, isAdmin, isGuest }) =>
        [userId, status, ...(isAdmin ? ['admin'] : []), ...(isGuest ? ['guest'] : [])].join('\t'),
      );
      return lines.join('\n');
    },
  },
};

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      admin: { type: 'boolean', default: false },
      erase: { type: 'boolean', default: false },
      uses: { type: 'string' },
      days: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
      'env-file': { type: 'string' },
    },
  });
  const [verb = '', name = '', ...rest] = positionals;
  if (verb === ROTATE && !values.help) {
    console.log(await rotate(readConfig(args)));
    return;
  }
  const command = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined;
  if (values.help || command === undefined) {
    console.log(HELP);
    if (!values.help && verb !== '') throw new Error(`There is no command ${verb}.`);
    return;
  }
  if (command.needsName && name === '') throw new Error(`Name an account: npm run admin -- ${verb} NAME`);
  const options = {
    admin: values.admin,
    erase: values.erase,
    uses: readCount('--uses', values.uses),
    days: readCount('--days', values.days),
  };
  console.log(await administer(readConfig(args), (administration) => command.run(administration, name, rest, options)));
}

/** The running homeserver would go on signing with the old key, which nobody would believe any more. */
async function rotate(config: Config): Promise<string> {
  const health = `http://${config.host}:${config.port}/health`;
  const isRunning = await fetch(health, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(
    () => true,
    () => false,
  );
  if (isRunning) throw new Error('Stop the homeserver first: it takes up the new key when it starts.');
  const keyId = await rotateSigningKey(config.dataDir, { random: systemRandom, now: systemClock.now() });
  return `From its next start on the homeserver signs with ${keyId}. Back up secrets.json: it holds the old key too.`;
}

function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`${option} must be a whole number from 1 up, not ${text}.`);
  return count;
}

function readConfig(args: readonly string[]): Config {
  const file = parseEnvFile(args);
  if (!file.ok) throw new Error(file.reason);
  const read = readEnv({ ...file.values, ...process.env });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  return read.config;
}

/** Opens the homeserver's database; starts the embedded one for as long as it takes when the homeserver is not running. */
async function administer(config: Config, work: (administration: Administration) => Promise<string>): Promise<string> {
  const embedded = config.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: config.dataDir }) : undefined;
  const address: DatabaseAddress = embedded?.address ?? parseDatabaseUrl(config.databaseUrl ?? '');
  const pool = openPool(address, { maxConnections: 1 });
  const passwordHasher = createPasswordHasher({ cost: config.passwordCost });
  try {
    const serverName = await findMeta(pool, 'server_name').catch(() => undefined);
    if (serverName === undefined) throw new Error('There is no homeserver in this database yet. Start it once first.');
    return await work(createAdministration({ pool, passwordHasher, clock: systemClock, random: systemRandom, serverName }));
  } finally {
    await passwordHasher[Symbol.asyncDispose]();
    await pool.end({ timeout: 1 });
    if (embedded?.adopted === false) await embedded.stop();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
