import { openMailer } from './compose-mailer.ts';
import type { Config } from './config/config.ts';
import type { Secrets } from './config/secrets.ts';
import { type Accounts, type AccountsDeps, createAccounts } from './domain/accounts/create-accounts.ts';
import type { Clock } from './platform/clock.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import type { Pool } from './storage/database.ts';

type Ground = { config: Config; secrets: Secrets; pool: Pool; clock: Clock; random: Random; logger: Logger };
type Hooks = Pick<
  AccountsDeps,
  | 'conditions'
  | 'identityBindings'
  | 'commitDeviceChange'
  | 'forgetDevices'
  | 'announceDevice'
  | 'leaveAllRooms'
  | 'welcomeAccount'
  | 'isReserved'
  | 'findAppservice'
>;

/** Accounts with their settings, and with what other features do for them. */
export function composeAccounts({ config, secrets, ...ground }: Ground, hooks: Hooks): Accounts {
  const mailer = openMailer(config);
  ground.logger.info(`mail goes to ${mailer.description}`);
  return createAccounts({
    ...ground,
    ...hooks,
    mailer,
    serverName: config.serverName,
    publicUrl: config.publicUrl,
    tokenSeed: secrets.tokenSeed,
    pepper: secrets.pepper,
    passwordCost: config.passwordCost,
    registration: config.registration,
    registrationSecret: config.registrationSecret,
    allowGuests: config.guests,
    rateLimits: config.rateLimits,
    showCode: config.smtpUrl === undefined ? (line) => process.stdout.write(`${line}\n`) : undefined,
  });
}
