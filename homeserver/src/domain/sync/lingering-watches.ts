import type { Clock } from '../../platform/clock.ts';
import type { Watch } from '../streams/notifier.ts';
import type { SyncDevice } from './sources.ts';

/** Clients ask again at once; for who comes later it is looked up what there is. */
const LINGER_MS = 30_000;
const MAX_LINGERING = 20_000;

/**
 * A client that was told everything comes back at once for what is next. Its watch goes on meanwhile, and knows whether there is anything:
 * if not, the request can wait without an answer being put together in vain.
 */
export type LingeringWatches = {
  /** Takes over the watch of a request that is answered with everything up to `token`; it began before that answer was put together. */
  keep: (device: SyncDevice, token: string, watch: Watch) => void;
  /** The device's watch from that token on. Whoever takes it disposes of it, or has it kept again. */
  take: (device: SyncDevice, token: string) => Watch | undefined;
};

type Lingering = { token: string; watch: Watch; until: number };

export function createLingeringWatches({ clock }: { clock: Clock }): LingeringWatches {
  /** By device, those that end first in front. */
  const kept = new Map<string, Lingering>();
  const keyOf = ({ userNid, deviceId }: SyncDevice) => `${userNid} ${deviceId}`;

  function end(key: string, { watch }: Lingering): void {
    kept.delete(key);
    watch[Symbol.dispose]();
  }

  function endOld(now: number): void {
    for (const [key, lingering] of kept) {
      if (lingering.until > now && kept.size <= MAX_LINGERING) return;
      end(key, lingering);
    }
  }

  return {
    keep(device, token, watch) {
      const key = keyOf(device);
      const before = kept.get(key);
      if (before !== undefined) end(key, before);
      const now = clock.now();
      kept.set(key, { token, watch, until: now + LINGER_MS });
      endOld(now);
    },
    take(device, token) {
      const key = keyOf(device);
      const lingering = kept.get(key);
      if (lingering?.token !== token) return undefined;
      kept.delete(key);
      return lingering.watch;
    },
  };
}
