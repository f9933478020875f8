import { sync as syncEndpoint } from 'federation-spec/api/client/sync.ts';
import { type MatrixHttp, retryDelayMs, waitMs } from '../http/matrix-http.ts';
import { isTransient, RequestError } from '../http/request-error.ts';
import type { WritableSignal } from '../observable/signal.ts';
import { openLiveSocket } from './live-socket.ts';
import type { SyncStatus } from './sync-status.ts';
import { readSyncUpdate, type SyncUpdate } from './sync-update.ts';

const LONG_POLL_MS = 30_000;
/** The server may take its time over the first answer of a big account. */
const INITIAL_TIMEOUT_MS = 5 * 60_000;
const LONG_POLL_GRACE_MS = 20_000;
const MAX_BACKOFF_MS = 30_000;
/** A live connection that fails this soon was not worth it: poll for a while. */
const LIVE_RETRY_AFTER_MS = 60_000;

const FILTER = JSON.stringify({
  room: { state: { lazy_load_members: true }, timeline: { limit: 20, lazy_load_members: true } },
});

export type SyncLoopDeps = {
  http: MatrixHttp;
  WebSocket: typeof globalThis.WebSocket | undefined;
  status: WritableSignal<SyncStatus>;
  now: () => number;
  /** Whether the server announced the live connection. */
  offersLive: () => Promise<boolean>;
  /** A sync begins without a token: what depends on having missed nothing must be looked at afresh. */
  onFreshStart: () => Promise<void>;
  /** Takes an update in; resolves when it is stored. */
  process: (update: SyncUpdate) => Promise<void>;
};

export type SyncLoop = {
  /** Syncs from the token on until stopped. */
  start(since: string | undefined): void;
  /** Stops, and resolves when the step under way is done. */
  stop(): Promise<void>;
  retryNow(): void;
  /** The server refused the token for good. */
  loggedOut(soft: boolean): void;
};

/**
 * Keeps a client up to date: catches up by one plain sync, then takes the live connection where there is one, long polls where not.
 * It never gives up on trouble that may pass, and never skips an update that could not be processed.
 */
export function createSyncLoop(deps: SyncLoopDeps): SyncLoop {
  const { http, status, now, process } = deps;
  let controller = new AbortController();
  let wake = new AbortController();
  let done: Promise<void> = Promise.resolve();
  let liveAgainAtMs = 0;

  async function run(since: string | undefined, signal: AbortSignal): Promise<void> {
    let token = since;
    status.set({ state: 'starting' });
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (token === undefined) await deps.onFreshStart();
        const isCaughtUp = status.get().state === 'live';
        token = isCaughtUp && (await mayGoLive()) ? await followLive(token ?? '', signal) : await pollOnce(token, isCaughtUp, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted || status.get().state === 'logged-out') return;
        if (error instanceof RequestError && error.errcode === 'M_UNKNOWN_TOKEN') return;
        failures += 1;
        if (error instanceof RequestError && error.errcode === 'M_UNKNOWN_POS') token = undefined;
        await rest(error, failures, signal);
      }
    }
  }

  async function pollOnce(since: string | undefined, isCaughtUp: boolean, signal: AbortSignal): Promise<string> {
    const waitForMs = isCaughtUp ? LONG_POLL_MS : 0;
    const answer = await http.request(syncEndpoint, {
      query: { filter: FILTER, timeout: String(waitForMs), use_state_after: 'true', ...(since === undefined ? {} : { since }) },
      signal,
      timeoutMs: since === undefined ? INITIAL_TIMEOUT_MS : waitForMs + LONG_POLL_GRACE_MS,
    });
    const update = readSyncUpdate(answer);
    await process(update);
    status.set({ state: 'live', transport: 'long-poll' });
    return update.nextBatch;
  }

  async function mayGoLive(): Promise<boolean> {
    return deps.WebSocket !== undefined && now() >= liveAgainAtMs && (await deps.offersLive());
  }

  /** Follows the live connection until it ends; the last token processed. */
  async function followLive(since: string, signal: AbortSignal): Promise<string> {
    const { WebSocket } = deps;
    if (WebSocket === undefined) return since;
    let token = since;
    const openedAtMs = now();
    await openLiveSocket({
      WebSocket,
      baseUrl: http.baseUrl,
      accessToken: (await http.accessToken()) ?? '',
      since,
      filter: FILTER,
      signal,
      onOpen: () => status.set({ state: 'live', transport: 'websocket' }),
      async onUpdate(body) {
        const update = readSyncUpdate(body);
        await process(update);
        token = update.nextBatch;
        return token;
      },
    });
    if (token === since || now() - openedAtMs < LIVE_RETRY_AFTER_MS) liveAgainAtMs = now() + LIVE_RETRY_AFTER_MS;
    status.set({ state: 'live', transport: 'long-poll' });
    return token;
  }

  async function rest(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    const delayMs = Math.min(retryDelayMs(error, failures), MAX_BACKOFF_MS);
    if (!isTransient(error)) console.warn('A sync failed', error);
    status.set({ state: 'reconnecting', retryAtMs: now() + delayMs, message: error instanceof Error ? error.message : String(error) });
    wake = new AbortController();
    await waitMs(delayMs, AbortSignal.any([signal, wake.signal])).catch(() => undefined);
  }

  return {
    start(since) {
      controller = new AbortController();
      const { signal } = controller;
      done = run(since, signal).finally(() => {
        if (signal.aborted && status.get().state !== 'logged-out') status.set({ state: 'stopped' });
      });
    },
    async stop() {
      controller.abort();
      await done.catch(() => undefined);
      status.set({ state: 'stopped' });
    },
    retryNow: () => wake.abort(),
    loggedOut(soft) {
      status.set({ state: 'logged-out', soft });
      controller.abort();
    },
  };
}
