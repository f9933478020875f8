import type { MatrixClient } from 'client/matrix/client.ts';
import type { EncryptionState } from 'client/matrix/crypto/encryption.ts';
import { stringIn } from 'client/matrix/json.ts';
import { passwordAuthentication } from 'client/matrix/session/interactive-auth.ts';
import type { KvStore } from '../storage/kv-store.ts';
import type { BotLog } from './bot-options.ts';
import { waitForSignal } from './wait-for-signal.ts';

/** How long the homeserver may take to say where the account stands. */
const STATE_TIMEOUT_MS = 20_000;
const KEY = 'recovery';

/**
 * Cross-signs the bot, so that people see no warning beside what it writes: makes the account's identity when it has none (its recovery key
 * stays in the bot's own store), or signs this device when the recovery key is at hand. What fails is told and tried again at the next start.
 */
export async function setUpIdentity(client: MatrixClient, kv: KvStore, password: string | undefined, log: BotLog): Promise<void> {
  const { encryption, userId } = client;
  const state = await waitForSignal(encryption.state, ({ state: name }) => name !== 'loading', STATE_TIMEOUT_MS);
  try {
    await settle(state);
  } catch (error) {
    log.warn('The bot could not be cross-signed; people will see it as unverified', error);
  }

  async function settle(where: EncryptionState | undefined): Promise<void> {
    const recoveryKey = stringIn(kv.get(KEY), 'recoveryKey');
    if (where?.state === 'needs-setup') {
      const authenticate = password === undefined ? async () => undefined : passwordAuthentication(userId, password);
      kv.set(KEY, await encryption.setUp({ authenticate }));
      log.info('The bot has a cross-signing identity now');
    } else if (where?.state === 'needs-verification' && recoveryKey !== undefined) {
      await encryption.recover(recoveryKey);
    } else if (where?.state === 'needs-verification') {
      log.warn('The account was cross-signed elsewhere: verify this bot from there, or people will see it as unverified');
    }
  }
}
