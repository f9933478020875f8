import type { Clock } from '../../platform/clock.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { completeUiaStage, findUiaSession } from '../../storage/uia-sessions.ts';
import type { StageCheck } from './uia.ts';
import { DUMMY_STAGE, REGISTRATION_TOKEN_STAGE } from './uia-stages.ts';

/** What came of a stage that was passed, or not, on a page in a browser. */
export type FallbackOutcome = { done: true } | { done: false; reason: string };

/**
 * Passes a stage for a client that cannot show it: the person does it in a browser, and the client goes on with the session.
 * https://spec.matrix.org/latest/client-server-api/#fallback
 */
export type UiaFallback = {
  /** Whether there is a page for this stage. */
  isOffered(stage: string): boolean;
  pass(stage: string, sessionId: string, fields: Readonly<Record<string, string>>): Promise<FallbackOutcome>;
};

/** Stages that need neither an access token nor a secret of the client's: a page is as good as the client. */
const OFFERED: readonly string[] = [DUMMY_STAGE, REGISTRATION_TOKEN_STAGE];
const OPERATION = 'register';

export function createUiaFallback(deps: { pool: Pool; stages: ReadonlyMap<string, StageCheck>; clock: Clock }): UiaFallback {
  const { pool, stages, clock } = deps;
  const isOffered = (stage: string) => OFFERED.includes(stage);

  return {
    isOffered,
    async pass(stage, sessionId, fields) {
      const session = await findUiaSession(pool, sessionId, clock.now());
      const check = isOffered(stage) ? stages.get(stage) : undefined;
      if (session === undefined || session.operation !== OPERATION || check === undefined) {
        return { done: false, reason: 'This session is unknown or has expired. Start again where you came from.' };
      }
      try {
        const proof = await check({ auth: fields, sessionId, operation: OPERATION, requester: undefined });
        await completeUiaStage(pool, sessionId, stage, proof);
        return { done: true };
      } catch (error) {
        if (error instanceof MatrixError) return { done: false, reason: error.message };
        throw error;
      }
    },
  };
}
