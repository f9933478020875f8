/**
 * How the client and its homeserver stand:
 * - `stopped`: not started, or stopped;
 * - `starting`: the first answer of this start is under way (rooms already come from the cache, when there is one);
 * - `live`: caught up; `transport` says by which way news arrive;
 * - `reconnecting`: the network or the server fails; the next try is at `retryAtMs`;
 * - `logged-out`: the homeserver no longer knows the token, or the keys of the device are lost. `soft` means that the device and its keys are still good: log in again with the same device id.
 */
export type SyncStatus =
  | { state: 'stopped' }
  | { state: 'starting' }
  | { state: 'live'; transport: 'websocket' | 'long-poll' }
  | { state: 'reconnecting'; retryAtMs: number; message: string }
  | { state: 'logged-out'; soft: boolean };
