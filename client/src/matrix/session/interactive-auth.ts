import type { JsonObject } from '../json.ts';

/** What the homeserver asks before it does something delicate. https://spec.matrix.org/latest/client-server-api/#user-interactive-authentication-api */
export type AuthChallenge = {
  session: string;
  /** Each a way to go: all its stages in order. */
  flows: readonly (readonly string[])[];
  /** Stages done so far. */
  completed: readonly string[];
  /** Parameters by stage (terms, public keys …). */
  params: JsonObject;
  /** What was wrong with the last try. */
  error: string | undefined;
};

/** The answer to a stage: `{ type: 'm.login.password', … }`; the core adds the session. */
export type AuthAnswer = JsonObject;

/** Asks the user (or a stored password) for the answer to one stage; throws or returns nothing to give up. */
export type Authenticate = (challenge: AuthChallenge) => Promise<AuthAnswer | undefined>;

/** The user gave up an authentication. */
export class AuthenticationCancelled extends Error {
  override readonly name = 'AuthenticationCancelled';
}

/** Answers `m.login.password` with a password at hand, as just after log-in; gives up on anything else. */
export function passwordAuthentication(userId: string, password: string): Authenticate {
  return async ({ flows, completed, error }) => {
    const offered = flows.some((stages) => stages.every((stage) => stage === 'm.login.password' || completed.includes(stage)));
    if (!offered || error !== undefined) return undefined;
    return { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password };
  };
}
