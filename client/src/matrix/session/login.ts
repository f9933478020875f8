import { login } from 'federation-spec/api/client/login.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import { createMatrixHttp, NO_TOKENS } from '../http/matrix-http.ts';
import { randomBytes } from '../random-id.ts';
import type { Session } from './session.ts';

const STORE_KEY_BYTES = 32;

export type LoginOptions = {
  fetch: typeof globalThis.fetch;
  homeserverUrl: string;
  /** Full user id or localpart. */
  user: string;
  password: string;
  /** Shown in the user's list of devices. */
  deviceName: string;
  /** Logs the same device in again after a soft logout; keeps its keys. */
  previous?: Session;
};

/** Logs in with a password. Throws `RequestError` (`M_FORBIDDEN` for a wrong password). */
export async function loginWithPassword({ fetch, homeserverUrl, user, password, deviceName, previous }: LoginOptions): Promise<Session> {
  const http = createMatrixHttp({ baseUrl: homeserverUrl, fetch, tokens: NO_TOKENS });
  const answer = await http.request(login, {
    body: {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password,
      initial_device_display_name: deviceName,
      refresh_token: true,
      ...(previous === undefined ? {} : { device_id: previous.deviceId }),
    },
  });
  const session = toSession(homeserverUrl, answer, Date.now());
  return previous === undefined ? session : { ...session, storeKey: previous.storeKey };
}

export type TokenAnswer = {
  user_id: string;
  device_id?: string;
  access_token?: string;
  refresh_token?: string;
  expires_in_ms?: number;
};

/** The session that a log-in or a registration gave. Throws when the answer has no token (a server that inhibits log-in). */
export function toSession(homeserverUrl: string, answer: TokenAnswer, nowMs: number): Session {
  if (answer.access_token === undefined || answer.device_id === undefined) throw new Error('The homeserver made no session');
  return {
    userId: answer.user_id,
    deviceId: answer.device_id,
    homeserverUrl,
    storeKey: encodeBase64(randomBytes(STORE_KEY_BYTES)),
    tokens: {
      accessToken: answer.access_token,
      ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
      ...(answer.expires_in_ms === undefined ? {} : { expiresAtMs: nowMs + answer.expires_in_ms }),
    },
  };
}
