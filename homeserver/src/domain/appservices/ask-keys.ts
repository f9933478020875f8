import { claimAppserviceKeys, queryAppserviceKeys } from 'federation-spec/api/appservice/keys.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Logger } from '../../platform/logger.ts';
import { type Appservice, isUserReservedFor } from './appservice.ts';
import type { CallAppservice } from './appservice-client.ts';
import type { AppserviceRegistry } from './registry.ts';

type ClaimAnswer = Static<typeof claimAppserviceKeys.response>;
type QueryAnswer = Static<typeof queryAppserviceKeys.response>;

/** Asks application services for keys that they keep themselves. What they answer is of the users asked for, and otherwise unchecked. */
export type AskKeys = {
  claim: (wanted: Readonly<Record<string, Readonly<Record<string, string>>>>) => Promise<ClaimAnswer>;
  query: (
    wanted: Readonly<Record<string, readonly string[]>>,
  ) => Promise<{ [Part in 'deviceKeys' | 'masterKeys' | 'selfSigningKeys']: NonNullable<QueryAnswer[SnakeOf[Part]]> }>;
};
type SnakeOf = { deviceKeys: 'device_keys'; masterKeys: 'master_keys'; selfSigningKeys: 'self_signing_keys' };

/** For all that one request asks of one service. */
const KEYS_TIMEOUT_MS = 10_000;
/** Their keys fit well into one answer. */
const MAX_USERS_PER_CALL = 200;

const isClaimAnswer = createCheck(claimAppserviceKeys.response);
const isQueryAnswer = createCheck(queryAppserviceKeys.response);

type Deps = { registry: AppserviceRegistry; call: CallAppservice; logger: Logger };
type Question<Answer> = {
  endpoint: Pick<Endpoint, 'id' | 'method' | 'path'>;
  /** Whether a service answers such questions. */
  isAnsweredBy: (appservice: Appservice) => boolean;
  body: (userIds: readonly string[]) => object;
  isAnswer: (value: unknown) => value is Answer;
};

export function createAskKeys({ registry, call, logger }: Deps): AskKeys {
  /** The answers of one service, as far as it gives any: after a failure it is not asked again. */
  async function askOne<Answer>(appservice: Appservice, userIds: readonly string[], question: Question<Answer>): Promise<Answer[]> {
    const { endpoint, body, isAnswer } = question;
    const answers: Answer[] = [];
    const signal = AbortSignal.timeout(KEYS_TIMEOUT_MS);
    try {
      for (let at = 0; at < userIds.length; at += MAX_USERS_PER_CALL) {
        const text = JSON.stringify(body(userIds.slice(at, at + MAX_USERS_PER_CALL)));
        const answer = await call(appservice, endpoint, { body: text, timeoutMs: KEYS_TIMEOUT_MS, signal });
        const value: unknown = answer.status === 200 ? JSON.parse(answer.text) : undefined;
        if (!isAnswer(value)) throw new Error(`what it answered with status ${answer.status} holds no keys`);
        answers.push(value);
      }
    } catch (error) {
      logger.warn({ err: error, appservice: appservice.id, operation: endpoint.id }, 'an application service gave no keys');
    }
    return answers;
  }

  async function ask<Answer>(userIds: readonly string[], question: Question<Answer>) {
    const able = registry.list.filter((appservice) => appservice.url !== undefined && question.isAnsweredBy(appservice));
    if (able.length === 0) return [];
    const byService = Map.groupBy(userIds, (userId) => able.find((appservice) => isUserReservedFor(appservice, userId)));
    const answers = [...byService].map(async ([appservice, ids]) => {
      if (appservice === undefined) return [];
      const asked = new Set(ids);
      return (await askOne(appservice, ids, question)).map((answer) => ({ asked, answer }));
    });
    return (await Promise.all(answers)).flat();
  }

  return {
    async claim(wanted) {
      const answers = await ask(Object.keys(wanted), {
        endpoint: claimAppserviceKeys,
        isAnsweredBy: (appservice) => appservice.answersKeyClaims,
        body: (userIds) => Object.fromEntries(userIds.map((userId) => [userId, listAlgorithms(wanted[userId] ?? {})])),
        isAnswer: isClaimAnswer,
      });
      return merge(answers, (answer) => answer);
    },
    async query(wanted) {
      const answers = await ask(Object.keys(wanted), {
        endpoint: queryAppserviceKeys,
        isAnsweredBy: (appservice) => appservice.answersKeyQueries,
        body: (userIds) => ({ device_keys: Object.fromEntries(userIds.map((userId) => [userId, wanted[userId]])) }),
        isAnswer: isQueryAnswer,
      });
      return {
        deviceKeys: merge(answers, (answer) => answer.device_keys),
        masterKeys: merge(answers, (answer) => answer.master_keys),
        selfSigningKeys: merge(answers, (answer) => answer.self_signing_keys),
      };
    },
  };
}

function listAlgorithms(devices: Readonly<Record<string, string>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(devices).map(([deviceId, algorithm]) => [deviceId, [algorithm]]));
}

/** One part of all answers, by user; a service speaks for none but those it was asked about. */
function merge<Answer, Value>(
  answers: readonly { asked: ReadonlySet<string>; answer: Answer }[],
  part: (answer: Answer) => Record<string, Value> | undefined,
): Record<string, Value> {
  return Object.fromEntries(
    answers.flatMap(({ asked, answer }) => Object.entries(part(answer) ?? {}).filter(([userId]) => asked.has(userId))),
  );
}

function createCheck<Schema extends TSchema>(schema: Schema) {
  const compiled = Compile(schema);
  return (value: unknown): value is Static<Schema> => compiled.Check(value);
}
