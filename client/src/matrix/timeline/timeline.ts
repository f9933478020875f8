import type { Signal } from '../observable/signal.ts';
import type { TimelineItem } from './timeline-item.ts';

/** What a timeline view shows of a room now. */
export type TimelineState = {
  /** Oldest first; local echoes at the end. */
  items: readonly TimelineItem[];
  /** Whether the server has more before the first item. */
  hasOlder: boolean;
  isLoadingOlder: boolean;
  /** Why the last `loadOlder` failed. */
  error: string | undefined;
};

/** The live timeline of one room. */
export type Timeline = {
  state: Signal<TimelineState>;
  /** Loads a page of older events (idempotent while one is under way); resolves when it is in `state`. Failures go to `state.error`. */
  loadOlder(limit?: number): Promise<void>;
  /** Makes the event known (for a reply's preview), from the cache or the server. */
  loadEvent(eventId: string): Promise<void>;
};
