import type { SyncFilter } from 'federation-spec/api/schemas/filters.ts';
import type { SyncDevice } from './sources.ts';

/** What a client asks for by `/sync`. */
export type SyncRequest = {
  device: SyncDevice;
  since: string | undefined;
  filter: SyncFilter | undefined;
  timeoutMs: number;
  isFullState: boolean;
  wantsStateAfter: boolean;
  setPresence?: string | undefined;
  signal: AbortSignal;
};
