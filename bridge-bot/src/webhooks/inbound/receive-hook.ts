import type { BotLog } from '../../sdk/bot-options.ts';
import type { Hook } from '../../storage/hook-store.ts';
import type { InboxStore } from '../../storage/inbox-store.ts';
import type { Adapter, Dialect, HookProblem } from '../adapters/adapter.ts';
import { adapterOf, isDialect, recogniseAdapter } from '../adapters/find-adapter.ts';
import type { HookAnswer, HookRequest } from './hook-request.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** What may wait for one hook, while its room cannot be reached. */
const MAX_WAITING_PER_HOOK = 1_000;
const MAX_DELIVERY_ID_CHARACTERS = 200;

type Deps = {
  inbox: InboxStore;
  rateLimiter: RateLimiter;
  isInRoom: (roomId: string) => boolean;
  /** Something waits to be posted. */
  wake: () => void;
  now: () => number;
  log: BotLog;
};

/** Takes in a request to a hook whose secret was right; what the sender is told. */
export type ReceiveHook = (hook: Hook, dialect: Dialect | undefined, request: HookRequest) => HookAnswer;

/**
 * 1. Find how the sender speaks: as the address says, as the hook was made for, or as the request looks.
 * 2. Check what may go wrong: rate, room, backlog, signature.
 * 3. Render, and write to the disk; a delivery that came before is accepted again and not posted.
 * 4. Answer. Posting follows: the sender need not wait for the homeserver, and nothing is lost when we end before it.
 */
export function createReceiveHook({ inbox, rateLimiter, isInRoom, wake, now, log }: Deps): ReceiveHook {
  function refuse(hook: Hook, adapter: Adapter, problem: HookProblem, headers: Record<string, string> = {}): HookAnswer {
    log.warn(`Hook ${hook.hookId}: refused a request (${problem})`);
    return { ...adapter.refused(problem), headers };
  }

  return function receiveHook(hook, dialect, request) {
    const adapter = chooseAdapter(hook, dialect, request);
    const rate = rateLimiter.take(hook.hookId);
    if (!rate.allowed) return refuse(hook, adapter, 'rate-limited', { 'retry-after': String(Math.ceil(rate.retryAfterMs / 1000)) });
    if (!isSigned(hook, adapter, request, now())) return refuse(hook, adapter, 'bad-signature');
    if (!isInRoom(hook.roomId)) return refuse(hook, adapter, 'not-in-room');
    if (inbox.countWaiting(hook.hookId) >= MAX_WAITING_PER_HOOK) return refuse(hook, adapter, 'busy');

    const rendering = adapter.render(request);
    if (rendering.kind === 'invalid') return refuse(hook, adapter, 'bad-payload');
    // Events that are not worth a message are accepted by those that send many kinds; Slack's and Discord's senders are told.
    if (rendering.kind === 'nothing')
      return adapter.dialect === 'slack' || adapter.dialect === 'discord' ? refuse(hook, adapter, 'no-text') : adapter.accepted;

    const postId = inbox.add({
      hookId: hook.hookId,
      roomId: hook.roomId,
      deliveryId: adapter.deliveryId?.(request)?.slice(0, MAX_DELIVERY_ID_CHARACTERS),
      messages: JSON.stringify(rendering.messages),
      receivedAtMs: now(),
    });
    if (postId === undefined) log.info(`Hook ${hook.hookId}: this delivery came before`);
    else wake();
    return adapter.accepted;
  };
}

function chooseAdapter(hook: Hook, dialect: Dialect | undefined, request: HookRequest): Adapter {
  if (dialect !== undefined) return adapterOf(dialect);
  return hook.dialect !== undefined && isDialect(hook.dialect) ? adapterOf(hook.dialect) : recogniseAdapter(request);
}

/** Where a signature is asked for, a way of speaking that has none is refused. */
function isSigned(hook: Hook, adapter: Adapter, request: HookRequest, nowMs: number): boolean {
  return hook.signingSecret === undefined || adapter.verify?.(request, hook.signingSecret, nowMs) === true;
}
