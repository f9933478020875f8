import { setTimeout as delay } from 'node:timers/promises';
import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';

/** How long the first question waits for others to go with it. */
const GATHER_MS = 20;

/** The keys of a server that are wanted: by id, until when each should be valid (ms). */
export type WantedKeys = Readonly<Record<string, number>>;

/** Asks about one server's keys, together with what else is asked about at the time. */
export type AskTogether = (serverName: string, wanted: WantedKeys) => Promise<ServerKeys[] | undefined>;

type Ask = (questions: ReadonlyMap<string, WantedKeys>) => Promise<ReadonlyMap<string, ServerKeys[]>>;
type Waiting = { wanted: WantedKeys; answer: PromiseWithResolvers<ServerKeys[] | undefined> };

/** Puts questions that come shortly one after the other, or while others are under way, into one. Two about the same server are one. */
export function createQuestionBatcher({ ask, maxTogether }: { ask: Ask; maxTogether: number }): AskTogether {
  const waiting = new Map<string, Waiting>();
  let isRunning = false;

  async function askBatch(batch: readonly (readonly [string, Waiting])[]): Promise<void> {
    try {
      const answers = await ask(new Map(batch.map(([serverName, { wanted }]) => [serverName, wanted])));
      for (const [serverName, { answer }] of batch) answer.resolve(answers.get(serverName));
    } catch (error) {
      for (const [, { answer }] of batch) answer.reject(error);
    }
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.size > 0) {
      await delay(GATHER_MS);
      const batch = [...waiting].slice(0, maxTogether);
      for (const [serverName] of batch) waiting.delete(serverName);
      await askBatch(batch);
    }
    isRunning = false;
  }

  return async (serverName, wanted) => {
    const known = waiting.get(serverName);
    const question = {
      wanted: { ...known?.wanted, ...wanted },
      answer: known?.answer ?? Promise.withResolvers<ServerKeys[] | undefined>(),
    };
    waiting.set(serverName, question);
    if (!isRunning) void run();
    return await question.answer.promise;
  };
}
