import type { Committed, Wakes } from './log-batch.ts';

/** Watches one local user, or one room; dispose of it when the request ends. */
export type Watch = Disposable & {
  /** Whether nothing was committed since the last call of `next` (or since the watch began). */
  isQuiet: () => boolean;
  /** Resolves with true when something for the user, or in the room, was committed since the last call (or since the watch began), with false when time is up. */
  next: (timeoutMs: number, signal?: AbortSignal) => Promise<boolean>;
};

export type Notifier = {
  /** Tells of a committed batch: first the listeners, in the order they came, then the waiters. */
  publish: (committed: Committed) => void;
  /** Wakes users for what is in memory only (typing, presence). */
  wakeUsers: (userNids: Iterable<number>) => void;
  /** Called when users are woken for what is in memory only. Must not wait nor throw. */
  onVolatile: (listener: () => void) => void;
  /** Called for each batch, at once after its commit. Must not wait nor throw. */
  onCommit: (listener: (committed: Committed) => void) => void;
  watchUser: (userNid: number) => Watch;
  /** For who is not in the room. */
  watchRoom: (roomNid: number) => Watch;
};

type Waiters = Map<number, Set<Waiter>>;

type Waiter = { isWoken: boolean; wake: (() => void) | undefined };

/** Tells who waits of what was committed. Waiters are parked per user, so waking costs what is parked and not what is joined. */
export function createNotifier(): Notifier {
  const listeners: ((committed: Committed) => void)[] = [];
  const volatileListeners: (() => void)[] = [];
  const watches: Waiters = new Map();
  const roomWatches: Waiters = new Map();

  function wakeUser(userNid: number): void {
    wake(watches, userNid);
  }

  function wakeUsers(userNids: Iterable<number>): void {
    if (userNids instanceof Set && userNids.size > watches.size) {
      for (const userNid of watches.keys()) if (userNids.has(userNid)) wakeUser(userNid);
    } else {
      for (const userNid of userNids) wakeUser(userNid);
    }
  }

  return {
    publish: (committed) => {
      for (const listener of listeners) listener(committed);
      for (const { users } of committed.wakes satisfies readonly Wakes[]) if (users !== undefined) wakeUsers(users);
      if (roomWatches.size > 0) for (const { row } of committed.events) wake(roomWatches, row.roomNid);
    },
    wakeUsers: (userNids) => {
      wakeUsers(userNids);
      for (const listener of volatileListeners) listener();
    },
    onVolatile: (listener) => void volatileListeners.push(listener),
    onCommit: (listener) => void listeners.push(listener),
    watchUser: (userNid) => watch(watches, userNid),
    watchRoom: (roomNid) => watch(roomWatches, roomNid),
  };
}

function wake(watches: Waiters, nid: number): void {
  for (const waiter of watches.get(nid) ?? []) {
    waiter.isWoken = true;
    waiter.wake?.();
  }
}

function watch(watches: Waiters, nid: number): Watch {
  const waiter: Waiter = { isWoken: false, wake: undefined };
  const waiters = watches.get(nid) ?? new Set();
  watches.set(nid, waiters.add(waiter));
  return {
    isQuiet: () => !waiter.isWoken,
    next: (timeoutMs, signal) => nextWake(waiter, timeoutMs, signal),
    [Symbol.dispose]: () => {
      waiters.delete(waiter);
      if (waiters.size === 0 && watches.get(nid) === waiters) watches.delete(nid);
    },
  };
}

async function nextWake(waiter: Waiter, timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (!waiter.isWoken && timeoutMs > 0 && signal?.aborted !== true) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      waiter.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal?.addEventListener('abort', waiter.wake, { once: true });
    });
    if (waiter.wake !== undefined) signal?.removeEventListener('abort', waiter.wake);
    waiter.wake = undefined;
  }
  const { isWoken } = waiter;
  waiter.isWoken = false;
  return isWoken;
}
