import type { Session, TokenPair } from '../../domain/accounts/start-session.ts';

/** Tokens in the wire's names. */
export function tokensAnswer({ accessToken, refreshToken, expiresInMs }: TokenPair) {
  return {
    access_token: accessToken,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(expiresInMs === undefined ? {} : { expires_in_ms: expiresInMs }),
  };
}

/** A new session in the wire's names. */
export function sessionAnswer(session: Session, serverName: string) {
  return { user_id: session.userId, device_id: session.deviceId, home_server: serverName, ...tokensAnswer(session) };
}
