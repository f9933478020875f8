import type { NidState } from './nid-state.ts';

/** What became of a received event. `known`: it was here already. `committed` resolves once that is on disk. */
export type Reception = {
  outcome: 'accepted' | 'soft_failed' | 'rejected' | 'known';
  reason?: string;
  eventNid: number;
  committed: Promise<unknown>;
};

/** The state before an event: that of the room now, or another. */
export type StateBefore = { isMainLine: true } | { isMainLine: false; state: NidState; current: NidState; at: number };
