import { createHash } from 'node:crypto';
import { isJsonObject, stringIn } from 'client/matrix/json.ts';
import type { Bot } from '../../sdk/bot.ts';
import type { BotLog } from '../../sdk/bot-options.ts';
import type { InboxStore, Post } from '../../storage/inbox-store.ts';
import type { HookMessage } from '../adapters/adapter.ts';
import { cut, MAX_TEXT_CHARACTERS } from '../adapters/rich-text.ts';

const BATCH = 100;
/** HTML longer than this is left out: an event holds 64 KiB, and encryption makes it a third longer. */
const MAX_HTML_CHARACTERS = 24_000;
const POSTED_KEPT_MS = 7 * 24 * 3_600_000;
const THREADS_KEPT_MS = 60 * 24 * 3_600_000;
const PRUNE_EVERY_MS = 3_600_000;

type Deps = { bot: Pick<Bot, 'send' | 'edit'>; inbox: InboxStore; now: () => number; log: BotLog };

/** Posts what hooks took in: in order for each hook, hooks side by side. */
export type Poster = {
  /** Something is new in the inbox. */
  wake(): void;
  /** Takes nothing new; resolves when what was under way is done or left for the next start. */
  stop(): Promise<void>;
};

export function createPoster({ bot, inbox, now, log }: Deps): Poster {
  const lanes = new Map<string, Promise<void>>();
  const taken = new Set<number>();
  let isStopped = false;
  const prune = (): void => inbox.prune({ postedMs: now() - POSTED_KEPT_MS, threadMs: now() - THREADS_KEPT_MS });
  const pruning = setInterval(prune, PRUNE_EVERY_MS);
  pruning.unref();
  prune();

  /** Each message has a transaction id of its post: posting again after a crash posts nothing twice. */
  async function post({ postId, hookId, roomId, messages }: Post): Promise<void> {
    for (const [at, message] of readMessages(messages).entries()) {
      const txnId = `hook.${postId}.${at}`;
      if (message.threadKey === undefined) await bot.send(roomId, fit(message), { txnId });
      else await postInThread(hookId, roomId, message.threadKey, message, txnId);
    }
  }

  /** The first message of a key is sent, later ones replace it until the final one; the same said again is left out. */
  async function postInThread(hookId: string, roomId: string, threadKey: string, message: HookMessage, txnId: string): Promise<void> {
    const isFinal = message.isFinal === true;
    const contentHash = createHash('sha256').update(message.html).digest('base64url');
    const known = inbox.findThread(hookId, threadKey);
    if (known?.contentHash === contentHash && known.isFinal === isFinal) return;

    const isNew = known === undefined || (known.isFinal && !isFinal);
    if (!isNew) await bot.edit(roomId, known.eventId, fit(message), { txnId });
    const eventId = isNew ? await bot.send(roomId, fit(message), { txnId }) : known.eventId;
    inbox.putThread(hookId, threadKey, { eventId, contentHash, isFinal }, now());
  }

  async function take(waiting: Post): Promise<void> {
    if (isStopped) return;
    try {
      await post(waiting);
    } catch (error) {
      // Trouble that passes is waited out by the send queue; what comes here is a refusal, or our own end.
      if (isStopped) return;
      log.warn(`Hook ${waiting.hookId}: a message could not be posted to ${waiting.roomId}, and is dropped`, error);
    }
    inbox.markPosted(waiting.postId, now());
    taken.delete(waiting.postId);
  }

  function wake(): void {
    if (isStopped) return;
    for (const waiting of inbox.listWaiting(BATCH + taken.size)) {
      if (taken.has(waiting.postId)) continue;
      taken.add(waiting.postId);
      const lane = (lanes.get(waiting.hookId) ?? Promise.resolve()).then(() => take(waiting));
      lanes.set(waiting.hookId, lane);
      void lane.then(() => {
        if (lanes.get(waiting.hookId) !== lane) return;
        lanes.delete(waiting.hookId);
        wake();
      });
    }
  }

  return {
    wake,
    async stop() {
      isStopped = true;
      clearInterval(pruning);
      await Promise.all(lanes.values());
    },
  };
}

function readMessages(stored: string): HookMessage[] {
  const messages: unknown = JSON.parse(stored);
  if (!Array.isArray(messages)) return [];
  return messages.filter(isJsonObject).map((message) => {
    const threadKey = stringIn(message, 'threadKey');
    return {
      text: stringIn(message, 'text') ?? '',
      html: stringIn(message, 'html') ?? '',
      isFinal: message['isFinal'] === true,
      ...(threadKey === undefined ? {} : { threadKey }),
    };
  });
}

/** A message that an event can hold. */
function fit({ text, html }: HookMessage): { text: string; html?: string } {
  return { text: cut(text, MAX_TEXT_CHARACTERS), ...(html.length > MAX_HTML_CHARACTERS ? {} : { html }) };
}
