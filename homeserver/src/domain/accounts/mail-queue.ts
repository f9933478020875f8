import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/logger.ts';
import type { Mail, Mailer } from '../../platform/mailer.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/** Sends mail behind the answer, so that nobody learns from its time whether there was a mail to send. */
export type MailQueue = AsyncDisposable & {
  /** @throws M_LIMIT_EXCEEDED when too much waits already */
  enqueue(mail: Mail): void;
};

const MAX_WAITING = 200;
const TRIES = 4;
const RETRY_MS = 2_000;
const BUSY_RETRY_MS = 30_000;

export function createMailQueue({ mailer, logger }: { mailer: Mailer; logger: Logger }): MailQueue {
  const waiting: Mail[] = [];
  const closing = new AbortController();
  let running: Promise<void> | undefined;

  async function deliver(mail: Mail): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await mailer.send(mail);
      } catch (error) {
        if (attempt === TRIES || closing.signal.aborted)
          return logger.error({ err: error }, `a mail could not be handed to ${mailer.description}`);
        await delay(RETRY_MS * 2 ** attempt, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  }

  async function run(): Promise<void> {
    for (let mail = waiting.shift(); mail !== undefined; mail = waiting.shift()) await deliver(mail);
    running = undefined;
  }

  return {
    enqueue(mail) {
      if (waiting.length >= MAX_WAITING) throw limitExceeded(BUSY_RETRY_MS);
      waiting.push(mail);
      running ??= run();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await running;
      mailer.close();
    },
  };
}
