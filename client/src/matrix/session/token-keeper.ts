import { refresh } from 'federation-spec/api/client/login.ts';
import { createMatrixHttp, NO_TOKENS, type TokenSource } from '../http/matrix-http.ts';
import { isTransient, RequestError } from '../http/request-error.ts';
import type { Session, SessionTokens } from './session.ts';

/** A token that runs out within this time is renewed before it is used. */
const RENEW_BEFORE_EXPIRY_MS = 30_000;

type Deps = {
  session: Session;
  fetch: typeof globalThis.fetch;
  now: () => number;
  onSessionChanged: (session: Session) => Promise<void> | void;
  /** The server no longer knows us. */
  onLoggedOut: (soft: boolean) => void;
};

/** Keeps a session's access token good: renews it when it runs out or is refused, once at a time. */
export function createTokenKeeper({ session, fetch, now, onSessionChanged, onLoggedOut }: Deps): TokenSource {
  const http = createMatrixHttp({ baseUrl: session.homeserverUrl, fetch, tokens: NO_TOKENS });
  let tokens: SessionTokens = session.tokens;
  let renewing: Promise<string | undefined> | undefined;

  function renew(): Promise<string | undefined> {
    renewing ??= exchange().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  async function exchange(): Promise<string | undefined> {
    const { refreshToken } = tokens;
    if (refreshToken === undefined) return undefined;
    const answer = await http.request(refresh, { body: { refresh_token: refreshToken }, patient: true });
    const expiresInMs = answer.expires_in_ms;
    tokens = {
      accessToken: answer.access_token,
      refreshToken: answer.refresh_token ?? refreshToken,
      ...(expiresInMs === undefined ? {} : { expiresAtMs: now() + expiresInMs }),
    };
    await onSessionChanged({ ...session, tokens });
    return tokens.accessToken;
  }

  return {
    async current() {
      const { expiresAtMs, refreshToken } = tokens;
      if (refreshToken === undefined || expiresAtMs === undefined || expiresAtMs - now() > RENEW_BEFORE_EXPIRY_MS)
        return tokens.accessToken;
      // A renewal that fails is not the end: the old token may still do, and its refusal is told properly.
      return (await renew().catch(() => undefined)) ?? tokens.accessToken;
    },
    async afterRefusal(refused, error) {
      if (tokens.accessToken !== refused) return tokens.accessToken;
      try {
        const renewed = await renew();
        if (renewed !== undefined) return renewed;
      } catch (renewalError) {
        if (isTransient(renewalError) || !(renewalError instanceof RequestError)) throw renewalError;
      }
      onLoggedOut(error.data['soft_logout'] === true);
      return undefined;
    },
  };
}
