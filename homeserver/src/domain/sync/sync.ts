import type { SyncResponse } from 'federation-spec/api/schemas/sync.ts';
import type { Clock } from '../../platform/clock.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { parseToken, type StreamToken } from '../streams/token.ts';
import type { BuildSync } from './build-sync.ts';
import { createLingeringWatches } from './lingering-watches.ts';
import type { E2eeForSync, SyncDevice } from './sources.ts';
import type { SyncRequest } from './sync-request.ts';

/** The longest a request waits for something new. */
export const MAX_SYNC_WAIT_MS = 120_000;
/** What is committed while a request waits is gathered for so long, so that a busy room does not cost an answer for each event. */
const MAX_ROUNDS = 1_000;

/** Answers with what is new since the token, waiting for it if there is nothing yet. Throws M_INVALID_PARAM for a foreign token. */
export type Sync = (request: SyncRequest) => Promise<SyncResponse>;

type Deps = {
  log: Log;
  notifier: Notifier;
  clock: Clock;
  buildSync: BuildSync;
  e2ee: E2eeForSync;
  /** Told what a device has surely received. */
  acknowledged: (device: SyncDevice, position: number) => void;
  /** Told that somebody is there; gives what to call when they are served. */
  synced: (device: SyncDevice, setPresence: string | undefined) => () => void;
};

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync */
export function createSync({ log, notifier, clock, buildSync, e2ee, acknowledged, synced }: Deps): Sync {
  const watches = createLingeringWatches({ clock });

  return async function sync(request) {
    const since = readSince(request.since, log.position());
    const deadline = performance.now() + Math.min(request.timeoutMs, MAX_SYNC_WAIT_MS);
    if (since !== undefined) {
      await e2ee.acknowledgeToDevice(request.device, since.position);
      acknowledged(request.device, since.position);
    }

    const ended = synced(request.device, request.setPresence);
    const question = JSON.stringify([request.filter, request.wantsStateAfter]);
    const lingering = since === undefined || request.isFullState ? undefined : watches.take(request.device, `${request.since} ${question}`);
    const watch = lingering ?? notifier.watchUser(request.device.userNid);
    let kept = false;
    try {
      // Nothing was committed since the last answer, which told everything: another one would be empty.
      if (lingering?.isQuiet() === true && request.timeoutMs > 0) await watch.next(deadline - performance.now(), request.signal);
      for (let round = 0; ; round += 1) {
        const { response, isEmpty, isCut } = await buildSync({ ...request, since });
        const leftMs = deadline - performance.now();
        const isDone =
          !isEmpty || since === undefined || request.isFullState || leftMs <= 0 || request.signal.aborted || round >= MAX_ROUNDS;
        if (isDone && !isCut && watch.isQuiet()) {
          watches.keep(request.device, `${response.next_batch} ${question}`, watch);
          kept = true;
        }
        if (isDone) return response;
        await watch.next(leftMs, request.signal);
      }
    } finally {
      if (!kept) watch[Symbol.dispose]();
      ended();
    }
  };
}

/** A token from the future is no token of this log: it was forged, or the database was restored from a backup. */
function readSince(text: string | undefined, position: number): StreamToken | undefined {
  if (text === undefined || text === '') return undefined;
  const token = parseToken(text);
  if (token?.kind !== 'stream' || token.position > position)
    throw invalidParam('since is no token of this server; start again without one.');
  return token;
}
