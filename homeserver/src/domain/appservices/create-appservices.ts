import type { Logger } from '../../platform/logger.ts';
import { type AppserviceRow, ensureAppservice } from '../../storage/appservices.ts';
import type { Database } from '../../storage/database.ts';
import type { RenderEvents } from '../rooms/render-events.ts';
import { createFollower } from '../streams/follower.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { Appservice } from './appservice.ts';
import type { CallAppservice } from './appservice-client.ts';
import { createBuildTransaction } from './build-transaction.ts';
import { createDelivery, type Delivery } from './deliver.ts';
import { createDirtyMarks, type DirtyMarks } from './dirty.ts';
import { createListEncryption } from './encryption-part.ts';
import { createListEphemeral } from './ephemeral-part.ts';
import { createFollowEvents, type Receiver } from './follow-events.ts';
import type { AppserviceRegistry } from './registry.ts';
import { createRoomInterest } from './room-interest.ts';
import type { AppserviceSources } from './sources.ts';

export type AppservicesDeps = {
  database: Database;
  log: Log;
  notifier: Notifier;
  logger: Logger;
  registry: AppserviceRegistry;
  call: CallAppservice;
  renderEvents: RenderEvents;
  sources: AppserviceSources;
};

export type Appservices = {
  /** The number a service is stored under. */
  nidOf: (appserviceId: string) => number | undefined;
  /** A service has called: when it was away, it is back. */
  sawAppservice: (appserviceId: string) => void;
  /** A device lost a one-time key. */
  keysTaken: (device: { userNid: number; deviceId: string }) => void;
  stop: () => Promise<void>;
};

type Part = { appservice: Appservice; row: AppserviceRow; dirty: DirtyMarks; receiver: Receiver };

/** Telling application services what concerns them: a follower of the log, and a queue for each. */
export async function createAppservices(deps: AppservicesDeps): Promise<Appservices> {
  const { database, log, notifier, registry, sources } = deps;
  const rows = new Map<string, AppserviceRow>();
  for (const { id } of registry.list) rows.set(id, await ensureAppservice(database.sql, id, log.position()));
  const nidOf = (appserviceId: string) => rows.get(appserviceId)?.appserviceNid;

  const parts = registry.list.flatMap((appservice): Part[] => {
    const row = rows.get(appservice.id);
    if (row === undefined || appservice.url === undefined) return [];
    const receiver = { appservice, nid: row.appserviceNid, queuedPosition: row.queuedPosition };
    return [{ appservice, row, dirty: createDirtyMarks(), receiver }];
  });
  if (parts.length === 0) return { nidOf, sawAppservice: () => undefined, keysTaken: () => undefined, stop: () => Promise.resolve() };

  const interest = createRoomInterest({
    database,
    appservices: parts.map(({ appservice }) => appservice),
    position: log.position(),
  });
  const deliveries = new Map<string, Delivery>();
  const wakeWhere = (wants: (appservice: Appservice) => boolean) => {
    for (const { appservice } of parts) if (wants(appservice)) deliveries.get(appservice.id)?.wake();
  };
  const encrypting = parts.filter(({ appservice }) => appservice.receivesEncryption);
  notifier.onCommit(({ events, wakes }) => {
    interest.committed(events);
    const ofEvents = new Set(events.map((event) => event.wakes));
    for (const wake of wakes)
      if (wake.users !== undefined && !ofEvents.has(wake)) for (const { dirty } of encrypting) dirty.note(wake.users);
  });

  const followEvents = createFollowEvents({
    database,
    interest,
    receivers: parts.map(({ receiver }) => receiver),
    queued: ({ appservice }) => deliveries.get(appservice.id)?.wake(),
  });
  let reached = 0;
  const follower = await createFollower(deps, {
    name: 'appservices',
    startsAt: 'now',
    handle: async (range) => {
      await followEvents(range);
      reached = range.upTo;
      // Receipts, messages to devices and device lists are read where they are stored.
      wakeWhere(({ receivesEphemeral, receivesEncryption }) => receivesEphemeral || receivesEncryption);
    },
  });
  reached = Math.max(reached, follower.position());

  const buildTransaction = createBuildTransaction({
    ...deps,
    listEphemeral: createListEphemeral({ database, interest, sources }),
    listEncryption: createListEncryption({ database, interest, sources }),
  });
  const common = { ...deps, buildTransaction, followed: () => reached, position: log.position, volatileNow: sources.volatileNow };
  for (const { appservice, row, dirty } of parts) deliveries.set(appservice.id, createDelivery(common, appservice, row, dirty));
  notifier.onVolatile(() => wakeWhere(({ receivesEphemeral }) => receivesEphemeral));
  wakeWhere(() => true);

  return {
    nidOf,
    sawAppservice: (appserviceId) => deliveries.get(appserviceId)?.retry(),
    keysTaken: (device) => {
      for (const { dirty } of encrypting) dirty.noteKeysTaken(device);
      wakeWhere(({ receivesEncryption }) => receivesEncryption);
    },
    stop: async () => {
      await follower.stop();
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()));
    },
  };
}
