import type { Clock } from '../../platform/clock.ts';
import { MatrixError, matrixError, NO_ERRCODE, unknown } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import {
  bindUiaSession,
  completeUiaStage,
  deleteExpiredUiaSessions,
  deleteUiaSession,
  findUiaSession,
  insertUiaSession,
  type UiaSessionRow,
} from '../../storage/uia-sessions.ts';
import { hashBody } from './hash-body.ts';
import { isSameDigest } from './hash-token.ts';
import { asRecord, readText } from './read-record.ts';
import type { Requester } from './requester.ts';

/** What a stage proved, beside having been passed. */
export type StageProof = { emailSid?: string | undefined; registrationToken?: string | undefined };
/** Judges one stage. Throws a MatrixError when it is not passed. */
export type StageCheck = (stage: {
  auth: Readonly<Record<string, unknown>>;
  sessionId: string;
  operation: string;
  requester: Requester | undefined;
}) => Promise<StageProof>;

export type UiaRequest = {
  /** What is to be done, such as `deleteDevices`; a session is good for one operation of one person with one body. */
  operation: string;
  requester: Requester | undefined;
  /** The request without `auth`, and what of its path matters. */
  body: object;
  auth: unknown;
  /** Each flow is a list of stages, all of which must be passed. */
  flows: readonly (readonly string[])[];
  params?: Readonly<Record<string, unknown>>;
};

export type UiaPass = {
  sessionId: string;
  proof: StageProof;
  /** Ends the session, in the transaction of what it allowed. @throws when it was ended already: it allows one act, not two */
  finish(sql: Sql): Promise<void>;
};

/**
 * Asks for proof before something grave is done. Resolves once a whole flow has been passed; otherwise throws the 401 that tells what
 * is still to be done.
 * https://spec.matrix.org/latest/client-server-api/#user-interactive-authentication-api
 */
export type RequireProof = (request: UiaRequest) => Promise<UiaPass>;

const SESSION_LIFETIME_MS = 900_000;
const SESSION_ID_BITS = 144;
const MAX_SESSION_ID_CHARACTERS = 255;
/** A stage refused with one of these may be tried again in its session; anything else is final. */
const MAY_TRY_AGAIN: readonly number[] = [400, 401];

type Deps = { pool: Pool; stages: ReadonlyMap<string, StageCheck>; clock: Clock; random: Random };

export function createRequireProof({ pool, stages, clock, random }: Deps): RequireProof {
  async function begin({ operation, requester }: UiaRequest): Promise<UiaSessionRow> {
    const sessionId = random.text(SESSION_ID_BITS);
    const now = clock.now();
    await deleteExpiredUiaSessions(pool, now);
    await insertUiaSession(pool, { sessionId, operation, userNid: requester?.userNid, expiresAt: now + SESSION_LIFETIME_MS });
    const userNid = requester?.userNid ?? null;
    return { sessionId, operation, userNid, bodyHash: null, completed: [], emailSid: null, registrationToken: null };
  }

  /** A session serves the operation, the person and the body it was begun with. */
  async function resume(sessionId: string, request: UiaRequest): Promise<UiaSessionRow> {
    const session = sessionId.length > MAX_SESSION_ID_CHARACTERS ? undefined : await findUiaSession(pool, sessionId, clock.now());
    if (session === undefined) throw unknown('This session is unknown or has expired. Start again.');
    if (session.operation !== request.operation || session.userNid !== (request.requester?.userNid ?? null)) {
      throw matrixError(403, 'M_FORBIDDEN', 'This session was begun for something else. Start again.');
    }
    return session;
  }

  async function bind({ sessionId }: UiaSessionRow, request: UiaRequest): Promise<void> {
    const bodyHash = hashBody(request.body);
    const bound = await bindUiaSession(pool, sessionId, bodyHash);
    if (bound === undefined || !isSameDigest(bound, bodyHash)) {
      throw matrixError(403, 'M_FORBIDDEN', 'The request has changed since its first proof. Start again.');
    }
  }

  async function passStage(session: UiaSessionRow, request: UiaRequest, auth: Readonly<Record<string, unknown>>): Promise<UiaSessionRow> {
    const stage = readText(auth, 'type');
    if (stage === undefined) return session;
    const check = request.flows.some((flow) => flow.includes(stage)) ? stages.get(stage) : undefined;
    if (check === undefined) throw pending(session, request, unknown(`The stage ${stage.slice(0, 100)} is not offered here`));
    const { operation, requester } = request;
    const proof = await check({ auth, sessionId: session.sessionId, operation, requester }).catch((error: unknown) => {
      throw error instanceof MatrixError && MAY_TRY_AGAIN.includes(error.status) ? pending(session, request, error) : error;
    });
    await completeUiaStage(pool, session.sessionId, stage, proof);
    return (await findUiaSession(pool, session.sessionId, clock.now())) ?? session;
  }

  return async function requireProof(request) {
    const auth = asRecord(request.auth);
    const sessionId = readText(auth, 'session');
    if (auth === undefined || (sessionId === undefined && readText(auth, 'type') === undefined))
      throw pending(await begin(request), request);

    const session = sessionId === undefined ? await begin(request) : await resume(sessionId, request);
    await bind(session, request);
    const passed = await passStage(session, request, auth);
    if (!request.flows.some((flow) => flow.every((stage) => passed.completed.includes(stage)))) throw pending(passed, request);
    return {
      sessionId: passed.sessionId,
      proof: { emailSid: passed.emailSid ?? undefined, registrationToken: passed.registrationToken ?? undefined },
      async finish(sql) {
        if (!(await deleteUiaSession(sql, passed.sessionId))) throw unknown('This has been done already');
      },
    };
  };
}

/**
 * The 401 that lists the flows, what of them is done, and why the last try failed. Without a failure it is a question and no refusal:
 * it has no error code then, which is how clients tell the two apart.
 */
function pending({ sessionId, completed }: UiaSessionRow, { flows, params }: UiaRequest, failure?: MatrixError): MatrixError {
  const fields = { flows: flows.map((stages) => ({ stages })), params: params ?? {}, session: sessionId, completed };
  return new MatrixError(401, failure?.errcode ?? NO_ERRCODE, failure?.message ?? '', fields);
}
