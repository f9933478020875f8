import { RequestError } from '../http/request-error.ts';
import { isJsonObject, type JsonObject, objectIn, stringIn, stringsIn } from '../json.ts';
import { type AuthAnswer, type AuthChallenge, type Authenticate, AuthenticationCancelled } from './interactive-auth.ts';

/** A server that asks this often for one call never ends. */
const MAX_ROUNDS = 10;

/**
 * Makes a call that the homeserver may want authenticated: tries it bare, and each time it is answered with what is missing, asks for one stage.
 * Throws `AuthenticationCancelled` when the user gives up, and whatever else the call throws.
 */
export async function runInteractiveAuth<Answer>(
  call: (auth: AuthAnswer | undefined) => Promise<Answer>,
  authenticate: Authenticate,
): Promise<Answer> {
  let auth: AuthAnswer | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    try {
      return await call(auth);
    } catch (error) {
      const challenge = readChallenge(error);
      if (challenge === undefined) throw error;
      const answer = await authenticate(challenge);
      if (answer === undefined) throw new AuthenticationCancelled('The authentication was given up');
      auth = { ...answer, session: challenge.session };
    }
  }
  throw new Error('The homeserver asks for authentication without end');
}

/** What a 401 asks for; nothing when the error is another one. */
export function readChallenge(error: unknown): AuthChallenge | undefined {
  if (!(error instanceof RequestError) || error.status !== 401) return undefined;
  const flows = error.data['flows'];
  if (!Array.isArray(flows)) return undefined;
  return {
    session: stringIn(error.data, 'session') ?? '',
    flows: flows.filter(isJsonObject).map((flow) => stringsIn(flow, 'stages')),
    completed: stringsIn(error.data, 'completed'),
    params: objectIn(error.data, 'params') ?? ({} satisfies JsonObject),
    error: stringIn(error.data, 'error'),
  };
}
