import { isJsonObject, numberIn, stringIn } from '../matrix/json.ts';
import type { Session } from '../matrix/session/session.ts';

const SESSION_KEY = 'blinkchat.session';

/** The session kept in this browser, when there is a whole one. */
export function readKeptSession(): Session | undefined {
  const text = localStorage.getItem(SESSION_KEY);
  if (text === null) return undefined;
  try {
    return checkSession(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function keepSession(session: Session): void {
  localStorage.setItem(SESSION_KEY, JSON.stringify(session));
}

export function forgetSession(): void {
  localStorage.removeItem(SESSION_KEY);
}

function checkSession(value: unknown): Session | undefined {
  if (!isJsonObject(value)) return undefined;
  const userId = stringIn(value, 'userId');
  const deviceId = stringIn(value, 'deviceId');
  const homeserverUrl = stringIn(value, 'homeserverUrl');
  const storeKey = stringIn(value, 'storeKey');
  const accessToken = stringIn(value['tokens'], 'accessToken');
  if (
    userId === undefined ||
    deviceId === undefined ||
    homeserverUrl === undefined ||
    storeKey === undefined ||
    accessToken === undefined
  ) {
    return undefined;
  }
  const refreshToken = stringIn(value['tokens'], 'refreshToken');
  const expiresAtMs = numberIn(value['tokens'], 'expiresAtMs');
  return {
    userId,
    deviceId,
    homeserverUrl,
    storeKey,
    tokens: { accessToken, ...(refreshToken === undefined ? {} : { refreshToken }), ...(expiresAtMs === undefined ? {} : { expiresAtMs }) },
  };
}
