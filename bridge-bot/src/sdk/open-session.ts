import { createHmac } from 'node:crypto';
import { createMatrixHttp, NO_TOKENS } from 'client/matrix/http/matrix-http.ts';
import { RequestError } from 'client/matrix/http/request-error.ts';
import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from 'client/matrix/json.ts';
import { loginWithPassword, toSession } from 'client/matrix/session/login.ts';
import type { Session } from 'client/matrix/session/session.ts';
import { getTokenOwner } from 'federation-spec/api/client/account.ts';
import { getRegistrationNonce, registerWithSharedSecret } from 'federation-spec/api/client/shared-secret-registration.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import type { KvStore } from '../storage/kv-store.ts';
import type { BotLog, BotOptions } from './bot-options.ts';

const KEY = 'session';

type Deps = { options: BotOptions; kv: KvStore; fetch: typeof globalThis.fetch; log: BotLog };

/** Keeps the bot's session between starts. */
export type SessionKeeper = {
  /** The session of the last start, or a new one: by access token, by password, by making the account first. Throws when none is to be had. */
  open(): Promise<Session>;
  keep(session: Session): void;
  /** The homeserver ended the session. After a soft logout the device stays; after a hard one its keys are worthless. */
  end(soft: boolean): void;
};

export function createSessionKeeper({ options, kv, fetch, log }: Deps): SessionKeeper {
  const { homeserverUrl, user, password, accessToken, registrationSecret } = options;
  const deviceName = options.deviceName ?? 'BlinkChat bot';
  const logIn = (previous?: Session): Promise<Session> =>
    loginWithPassword({
      fetch,
      homeserverUrl,
      user,
      password: password ?? '',
      deviceName,
      ...(previous === undefined ? {} : { previous }),
    });

  const keep = (session: Session): void => kv.set(KEY, { ...session, tokens: { ...session.tokens } });

  async function make(previous: Session | undefined): Promise<Session> {
    if (accessToken !== undefined) return await adoptToken(homeserverUrl, accessToken, fetch);
    if (password === undefined) throw new Error('The bot has neither a password nor an access token');
    try {
      return await logIn(previous);
    } catch (error) {
      if (registrationSecret === undefined || !(error instanceof RequestError) || error.errcode !== 'M_FORBIDDEN') throw error;
      await register({ homeserverUrl, user, password, secret: registrationSecret, fetch, refusal: error });
      log.info(`Made the account ${user}`);
      return await logIn();
    }
  }

  return {
    keep,
    async open() {
      const known = readSession(kv.get(KEY));
      const mine = known !== undefined && known.homeserverUrl === homeserverUrl && isUser(known.userId, user) ? known : undefined;
      if (mine !== undefined && mine.tokens.accessToken !== '') return mine;
      const session = await make(mine);
      keep(session);
      return session;
    },
    end(soft) {
      const known = readSession(kv.get(KEY));
      if (soft && known !== undefined) keep({ ...known, tokens: { accessToken: '' } });
      else kv.delete(KEY);
    },
  };
}

/** The session that an operator's token belongs to. */
async function adoptToken(homeserverUrl: string, accessToken: string, fetch: typeof globalThis.fetch): Promise<Session> {
  const tokens = { current: async () => accessToken, afterRefusal: async () => undefined };
  const owner = await createMatrixHttp({ baseUrl: homeserverUrl, fetch, tokens }).request(getTokenOwner, {});
  if (owner.device_id === undefined) throw new Error('The access token belongs to no device; log in to get one that does');
  return toSession(homeserverUrl, { user_id: owner.user_id, device_id: owner.device_id, access_token: accessToken }, Date.now());
}

type Registration = {
  homeserverUrl: string;
  user: string;
  password: string;
  secret: string;
  fetch: typeof globalThis.fetch;
  /** Why the log-in failed: told when the account does exist, since then its password is wrong. */
  refusal: Error;
};

/** https://element-hq.github.io/synapse/latest/admin_api/register_api.html */
async function register({ homeserverUrl, user, password, secret, fetch, refusal }: Registration): Promise<void> {
  const http = createMatrixHttp({ baseUrl: homeserverUrl, fetch, tokens: NO_TOKENS });
  const username = parseUserId(user)?.localpart ?? user;
  const { nonce } = await http.request(getRegistrationNonce, {});
  const mac = createHmac('sha1', secret).update([nonce, username, password, 'notadmin'].join('\u0000')).digest('hex');
  try {
    await http.request(registerWithSharedSecret, { body: { nonce, username, password, admin: false, mac, inhibit_login: true } });
  } catch (error) {
    if (error instanceof RequestError && error.errcode === 'M_USER_IN_USE')
      throw new Error(`The account ${user} exists, and its password is another one`, { cause: refusal });
    throw error;
  }
}

function isUser(userId: string, user: string): boolean {
  return userId === user || parseUserId(userId)?.localpart === user.toLowerCase();
}

function readSession(stored: unknown): Session | undefined {
  if (!isJsonObject(stored)) return undefined;
  const [userId, deviceId] = [stringIn(stored, 'userId'), stringIn(stored, 'deviceId')];
  const [homeserverUrl, storeKey] = [stringIn(stored, 'homeserverUrl'), stringIn(stored, 'storeKey')];
  const tokens: JsonObject | undefined = objectIn(stored, 'tokens');
  if (userId === undefined || deviceId === undefined || homeserverUrl === undefined || storeKey === undefined) return undefined;
  const [refreshToken, expiresAtMs] = [stringIn(tokens, 'refreshToken'), numberIn(tokens, 'expiresAtMs')];
  return {
    userId,
    deviceId,
    homeserverUrl,
    storeKey,
    tokens: {
      accessToken: stringIn(tokens, 'accessToken') ?? '',
      ...(refreshToken === undefined ? {} : { refreshToken }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    },
  };
}
