import { MatrixError } from '../../../platform/matrix-error.ts';
import { asRecord, readText } from '../read-record.ts';
import type { Register } from '../register.ts';

/** What somebody shows on a sign-up page, by stage. */
export type Proofs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export type SignUp = (draft: { username: string; password: string; isLoopback: boolean; proofs: Proofs }) => Promise<string>;

/** More stages than any flow has. */
const MAX_STEPS = 8;

/**
 * Makes an account on our own page by the steps that every client takes, one after the other, without logging a device in.
 *
 * @returns the user id
 * @throws MatrixError when a step is refused, or no proof for it is there
 */
export function createSignUp({ register }: { register: Register }): SignUp {
  return async function signUp({ username, password, isLoopback, proofs }) {
    let auth: unknown;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      try {
        return (await register.register({ username, password, isLoopback, inhibitLogin: true, auth })).userId;
      } catch (error) {
        const next = error instanceof MatrixError && error.errcode === '' ? nextStage(error.fields, proofs) : undefined;
        if (next === undefined) throw error;
        auth = next;
      }
    }
    throw new Error(`a sign-up took more than ${MAX_STEPS} steps`);
  };
}

/** The next stage of the first flow that the proofs are enough for. */
function nextStage(question: Readonly<Record<string, unknown>>, proofs: Proofs): object | undefined {
  const completed = Array.isArray(question['completed']) ? question['completed'] : [];
  for (const flow of Array.isArray(question['flows']) ? question['flows'] : []) {
    const given: unknown = asRecord(flow)?.['stages'];
    const stages = Array.isArray(given) ? given.filter((stage) => typeof stage === 'string') : [];
    const open = stages.filter((stage) => !completed.includes(stage));
    const stage = open[0];
    if (stage === undefined || !open.every((each) => Object.hasOwn(proofs, each))) continue;
    return { ...proofs[stage], type: stage, session: readText(question, 'session') };
  }
  return undefined;
}
