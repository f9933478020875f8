import { retryDelayMs, waitMs } from '../http/matrix-http.ts';
import { isTransient } from '../http/request-error.ts';
import type { JsonObject } from '../json.ts';
import type { OutgoingItem } from './outgoing-item.ts';

/** A server that does not answer keeps nobody from stopping; what was being sent is sent again at the next start, under the same id. */
const STOP_TIMEOUT_MS = 3_000;

/** What the queue needs of the rest. */
export type SendQueueDeps = {
  /** Encrypts where the room wants it, and sends; the event id. Must be safe to repeat with the same `txnId`. */
  send: (item: OutgoingItem) => Promise<string>;
  /** Uploads an item's file; the content that names it. */
  upload: (item: OutgoingItem, signal: AbortSignal) => Promise<JsonObject>;
  store: { putOutgoing(item: OutgoingItem): Promise<void>; deleteOutgoing(txnId: string): Promise<void> };
  /** Called after every change of what waits in a room. */
  onChange: (roomId: string) => void;
};

/**
 * What waits to be sent: in order within a room, one at a time there, rooms side by side. An item keeps its transaction id through all tries
 * and restarts, so the server takes it once. Network trouble is waited out; a refusal marks the item failed and lets the next one go.
 */
export type SendQueue = {
  /** Takes over what an earlier start left. */
  restore(items: readonly OutgoingItem[]): void;
  /** Queues an item; one that waits already (by its transaction id) is left as it is. */
  add(item: OutgoingItem): void;
  /** Resolves with the event id once the server took the item; rejects when it refuses, when the item is discarded, or at `stop`. */
  whenSent(roomId: string, txnId: string): Promise<string>;
  /** What waits in a room, or is sent but not yet seen in a sync. */
  list(roomId: string): readonly OutgoingItem[];
  retry(roomId: string, txnId: string): void;
  discard(roomId: string, txnId: string): void;
  /**
   * A sync brought these own events: their echoes are done with. Tells the key that each echo had.
   * `hasGap`: the sync left events out, so what is sent may be among those and is done with, too.
   */
  settle(roomId: string, arrived: readonly { eventId: string; txnId: string | undefined }[], hasGap: boolean): ReadonlyMap<string, string>;
  /** Tries at once what waits for the network. */
  retryNow(): void;
  /** Takes up nothing new; resolves when what was being sent is sent or left for the next start, and stored, or after a short while. */
  stop(): Promise<void>;
};

type Waiter = { resolve(eventId: string): void; reject(error: Error): void };
type Lane = { items: OutgoingItem[]; running: boolean; done: Promise<void>; uploads: Map<string, AbortController>; wake: AbortController };

export function createSendQueue({ send, upload, store, onChange }: SendQueueDeps): SendQueue {
  const lanes = new Map<string, Lane>();
  const waiters = new Map<string, Waiter[]>();
  const writes = new Set<Promise<void>>();
  let stopped = false;
  let newestMs = 0;

  /** A cache that cannot be written costs a message its survival of a restart, not its sending. */
  function keep(write: Promise<void>): void {
    const kept = write
      .catch((error: unknown) => {
        console.warn('What waits to be sent could not be stored', error);
      })
      .finally(() => writes.delete(kept));
    writes.add(kept);
  }

  function laneOf(roomId: string): Lane {
    const known = lanes.get(roomId);
    if (known !== undefined) return known;
    const lane: Lane = { items: [], running: false, done: Promise.resolve(), uploads: new Map(), wake: new AbortController() };
    lanes.set(roomId, lane);
    return lane;
  }

  /** Tells those who wait for an item what became of it. */
  function tell({ txnId, eventId, failure }: OutgoingItem): void {
    for (const waiter of waiters.get(txnId) ?? []) {
      if (eventId !== undefined) waiter.resolve(eventId);
      else waiter.reject(new Error(failure ?? 'The message was discarded'));
    }
    waiters.delete(txnId);
  }

  function replace(lane: Lane, changed: OutgoingItem): void {
    lane.items = lane.items.map((item) => (item.txnId === changed.txnId ? changed : item));
    keep(store.putOutgoing(changed));
    if (changed.state !== 'waiting') tell(changed);
    onChange(changed.roomId);
  }

  function remove(lane: Lane, roomId: string, txnIds: ReadonlySet<string>): void {
    for (const item of lane.items) if (txnIds.has(item.txnId)) tell(item);
    lane.items = lane.items.filter(({ txnId }) => !txnIds.has(txnId));
    for (const txnId of txnIds) keep(store.deleteOutgoing(txnId));
    onChange(roomId);
  }

  async function run(lane: Lane): Promise<void> {
    lane.running = true;
    try {
      for (let attempt = 1; !stopped; ) {
        const item = lane.items.find(({ state }) => state === 'waiting');
        if (item === undefined) return;
        const waitBeforeRetryMs = await tryItem(lane, item, attempt);
        attempt = waitBeforeRetryMs === undefined ? 1 : attempt + 1;
        if (waitBeforeRetryMs !== undefined) await pause(lane, waitBeforeRetryMs);
      }
    } finally {
      lane.running = false;
    }
  }

  /** Sends one item; how long to wait before the next try, when there is to be one. */
  async function tryItem(lane: Lane, item: OutgoingItem, attempt: number): Promise<number | undefined> {
    try {
      const ready = item.media === undefined ? item : await uploadItem(lane, item);
      const eventId = await send(ready);
      if (isQueued(lane, item.txnId)) replace(lane, { ...ready, state: 'sent', eventId });
      return undefined;
    } catch (error) {
      if (stopped || !isQueued(lane, item.txnId)) return undefined;
      if (isTransient(error)) return retryDelayMs(error, attempt);
      const latest = lane.items.find(({ txnId }) => txnId === item.txnId) ?? item;
      replace(lane, { ...latest, state: 'failed', failure: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  async function uploadItem(lane: Lane, item: OutgoingItem): Promise<OutgoingItem> {
    const controller = new AbortController();
    lane.uploads.set(item.txnId, controller);
    try {
      const content = await upload(item, controller.signal);
      const uploaded = { ...item, content, media: undefined };
      if (isQueued(lane, item.txnId)) replace(lane, uploaded);
      else throw new Error('The item was discarded while its file was uploaded');
      return uploaded;
    } finally {
      lane.uploads.delete(item.txnId);
    }
  }

  async function pause(lane: Lane, ms: number): Promise<void> {
    lane.wake = new AbortController();
    await waitMs(ms, lane.wake.signal).catch(() => undefined);
  }

  function start(lane: Lane): void {
    if (lane.running) return;
    lane.done = run(lane).catch((error: unknown) => {
      console.error('The send queue stopped', error);
    });
  }

  return {
    restore(items) {
      for (const item of items) {
        laneOf(item.roomId).items.push(item);
        newestMs = Math.max(newestMs, item.createdAtMs);
      }
      for (const lane of lanes.values()) start(lane);
    },
    add(added) {
      const lane = laneOf(added.roomId);
      if (lane.items.some(({ txnId }) => txnId === added.txnId)) return start(lane);
      // Two messages of one millisecond, or of a clock that was set back, stay in order over a restart.
      newestMs = Math.max(added.createdAtMs, newestMs + 1);
      const item = { ...added, createdAtMs: newestMs };
      lane.items = [...lane.items, item];
      keep(store.putOutgoing(item));
      onChange(item.roomId);
      start(lane);
    },
    whenSent(roomId, txnId) {
      const item = lanes.get(roomId)?.items.find((entry) => entry.txnId === txnId);
      if (item === undefined || stopped) return Promise.reject(new Error('No such message waits to be sent'));
      if (item.state !== 'waiting')
        return item.eventId === undefined ? Promise.reject(new Error(item.failure)) : Promise.resolve(item.eventId);
      return new Promise((resolve, reject) => waiters.set(txnId, [...(waiters.get(txnId) ?? []), { resolve, reject }]));
    },
    list: (roomId) => lanes.get(roomId)?.items ?? [],
    retry(roomId, txnId) {
      const lane = laneOf(roomId);
      const item = lane.items.find((entry) => entry.txnId === txnId && entry.state === 'failed');
      if (item === undefined) return;
      replace(lane, { ...item, state: 'waiting', failure: undefined });
      start(lane);
    },
    discard(roomId, txnId) {
      const lane = laneOf(roomId);
      remove(lane, roomId, new Set([txnId]));
      lane.uploads.get(txnId)?.abort();
    },
    settle(roomId, arrived, hasGap) {
      const lane = lanes.get(roomId);
      const keys = new Map<string, string>();
      if (lane === undefined || lane.items.length === 0) return keys;
      for (const { eventId, txnId } of arrived) {
        const echo = lane.items.find((item) => item.eventId === eventId || (txnId !== undefined && item.txnId === txnId));
        if (echo === undefined) continue;
        keys.set(eventId, echo.txnId);
        tell({ ...echo, eventId });
      }
      const done = new Set(keys.values());
      if (hasGap) for (const { state, txnId } of lane.items) if (state === 'sent') done.add(txnId);
      if (done.size > 0) remove(lane, roomId, done);
      return keys;
    },
    retryNow() {
      for (const lane of lanes.values()) lane.wake.abort();
    },
    async stop() {
      stopped = true;
      for (const waiting of waiters.values()) for (const waiter of waiting) waiter.reject(new Error('The client was stopped'));
      waiters.clear();
      for (const lane of lanes.values()) {
        lane.wake.abort();
        for (const upload of lane.uploads.values()) upload.abort();
      }
      const done = Promise.all([...lanes.values()].map((lane) => lane.done)).then(() => Promise.all(writes));
      const limit = new AbortController();
      await Promise.race([done, waitMs(STOP_TIMEOUT_MS, limit.signal).catch(() => undefined)]);
      limit.abort();
    },
  };
}

function isQueued(lane: Lane, txnId: string): boolean {
  return lane.items.some((item) => item.txnId === txnId && item.state === 'waiting');
}
