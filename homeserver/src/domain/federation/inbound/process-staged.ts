import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { createFairSlots } from '../../../platform/fair-slots.ts';
import type { Logger } from '../../../platform/logger.ts';
import { createSlots, type Slots } from '../../../platform/slots.ts';
import type { Database } from '../../../storage/database.ts';
import {
  deleteStaged,
  findNextRetry,
  listStaged,
  listStagedRooms,
  postponeStaged,
  type StagedPdu,
} from '../../../storage/federation-inbox.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { MergeHeads } from '../../rooms/merge-heads.ts';
import { PolicyServerSilent } from '../../rooms/policy/policy-server.ts';
import { type CheckedPdu, checkPdu, type PduCheck } from '../../rooms/receive-pdu/check-pdu.ts';
import type { ReceiveCompletePdu, ReceivePdu } from '../../rooms/receive-pdu/receive-pdu.ts';
import type { Reception } from '../../rooms/receive-pdu/reception.ts';
import { askedBy, type FindKnownKey, type FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import type { JoinsUnderWay } from '../joins-under-way.ts';
import type { InboundMetrics } from './inbound-metrics.ts';

/** How many events of a room are taken up at a time. */
const BATCH = 50;
/** How many rooms are processed at a time, and how many of them for events of one server: one that fills many rooms leaves places to others. */
const MAX_PARALLEL_ROOMS = 16;
const MAX_PARALLEL_ROOMS_OF_ORIGIN = 12;
/** For how many rooms at a time one server is asked for what is missing with the events it sent. */
const MAX_PARALLEL_FETCHES_OF_ORIGIN = 4;
const MAX_REMEMBERED_ORIGINS = 10_000;
/** How often an event is tried when what it needs cannot be fetched. */
const MAX_ATTEMPTS = 5;
/** How often one is tried, over some minutes, when the room's policy server gives no verdict; then it is soft-failed. */
const MAX_ATTEMPTS_AT_POLICY_SERVER = 10;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = FIRST_RETRY_MS * 2 ** MAX_ATTEMPTS_AT_POLICY_SERVER;
/** How long a room rests after the database, say, failed. */
const AFTER_FAULT_MS = 5_000;

/**
 * Processes what transactions have staged: the rooms side by side, the events of a room one after the other. An event with which something
 * is missing waits beside the others while its server is asked, and what else that server sent for the room behind it: a server that is
 * slow to answer, or never does, holds up nobody but itself.
 */
export type ProcessStaged = {
  wakeRooms: (roomIds: Iterable<string>) => void;
  /** Resolves when the next staged events have been dealt with, or the signal ends the wait. */
  nextProgress: (signal: AbortSignal) => Promise<void>;
  stop: () => Promise<void>;
};

/** A staged event that was dealt with, once `committed` resolves. */
type Taken = { staged: StagedPdu; committed: Promise<unknown> };

type Deps = {
  database: Database;
  rooms: HotRooms;
  joins: JoinsUnderWay;
  receivePdu: ReceivePdu;
  receiveCompletePdu: ReceiveCompletePdu;
  mergeHeads: MergeHeads;
  findServerKey: FindServerKey;
  findKnownKey: FindKnownKey;
  clock: Clock;
  logger: Logger;
  metrics: InboundMetrics;
};

/** Begins with what was staged and not processed before the last stop. */
export async function createProcessStaged({
  database,
  rooms,
  joins,
  receivePdu,
  receiveCompletePdu,
  mergeHeads,
  findServerKey,
  findKnownKey,
  clock,
  logger,
  metrics,
}: Deps): Promise<ProcessStaged> {
  const { sql } = database;
  /** By room, the servers that are being asked for what is missing with an event. */
  const asked = new Map<string, Map<string, Promise<void>>>();
  const fetchSlots = new LRUCache<string, Slots>({ max: MAX_REMEMBERED_ORIGINS });
  const running = new Map<string, Promise<void>>();
  const woken = new Set<string>();
  const timers = new Map<string, NodeJS.Timeout>();
  const slots = createFairSlots({
    total: MAX_PARALLEL_ROOMS,
    perName: MAX_PARALLEL_ROOMS_OF_ORIGIN,
    maxWaiting: Number.POSITIVE_INFINITY, // a room waits once
  });
  const stopping = new AbortController();
  const waiting = new Set<() => void>();

  async function processRoom(roomId: string): Promise<void> {
    while (!stopping.signal.aborted) {
      await joins.find(roomId)?.ended;
      woken.delete(roomId);
      const batch = await listStaged(sql, roomId, {
        now: clock.now(),
        latest: clock.now() + MAX_RETRY_MS,
        limit: BATCH,
        exceptOrigins: listAsked(roomId),
      });
      const origin = batch[0]?.origin;
      if (origin !== undefined) await slots.run(origin, () => processBatch(roomId, batch));
      else if (!woken.has(roomId)) return await wakeLater(roomId);
    }
  }

  function listAsked(roomId: string): string[] {
    return [...(asked.get(roomId)?.keys() ?? [])];
  }

  /** For what could not be completed and is to be tried again; new events need not wait for it. */
  async function wakeLater(roomId: string): Promise<void> {
    const retryAt = await findNextRetry(sql, roomId, listAsked(roomId));
    if (retryAt === undefined || stopping.signal.aborted) return;
    clearTimeout(timers.get(roomId));
    timers.set(
      roomId,
      setTimeout(() => wake(roomId), Math.min(MAX_RETRY_MS, Math.max(0, retryAt - clock.now()))),
    );
  }

  /** An event that fails does not hold up those behind it: what they miss, they ask for themselves. */
  async function processBatch(roomId: string, batch: readonly StagedPdu[]): Promise<void> {
    const room = await rooms.load(roomId);
    if (room === undefined) {
      await deleteStaged(
        sql,
        batch.map((staged) => staged.stagedNid),
      );
      return;
    }
    const checks = await Promise.all(batch.map((staged) => checkHere(room, staged)));
    const done: Taken[] = [];
    for (const [index, staged] of batch.entries()) {
      const check = checks[index];
      if (check === undefined || stopping.signal.aborted) break;
      if (asked.get(roomId)?.has(staged.origin) === true) continue;
      if (check === 'keys-are-missing') completeAside(room, staged, undefined);
      else if (!check.ok) done.push(drop(staged, check.reason));
      else await takeIn((await rooms.load(roomId)) ?? room, staged, check.pdu, done); // memory may have let it go meanwhile
    }
    await settle(done);
    await mergeHeads(room).catch((error: unknown) => logger.warn({ roomId, err: error }, 'the heads of a room could not be merged'));
  }

  /** Checks the event by the keys that are known here: whose are not must be asked for them, which the room does not wait for. */
  async function checkHere(room: HotRoom, staged: StagedPdu): Promise<PduCheck | 'keys-are-missing'> {
    let lacksKeys = false;
    const check = await checkPdu(readStaged(staged), room, async (serverName, keyId, purpose) => {
      const { publicKey, mayAsk } = await findKnownKey(serverName, keyId, purpose);
      lacksKeys ||= mayAsk;
      return publicKey;
    });
    return lacksKeys && !check.ok ? 'keys-are-missing' : check;
  }

  function drop(staged: StagedPdu, reason: string): Taken {
    const { origin, eventId, roomId } = staged;
    logger.info({ origin, eventId, roomId, reason }, 'a received event was dropped');
    metrics.received('dropped', reason);
    return { staged, committed: Promise.resolve() };
  }

  async function takeIn(room: HotRoom, staged: StagedPdu, pdu: CheckedPdu, done: Taken[]): Promise<void> {
    try {
      const reception = await receiveCompletePdu(room, pdu, { origin: staged.origin });
      if (reception === undefined) completeAside(room, staged, pdu);
      else done.push({ staged, committed: note(reception, staged) });
    } catch (error) {
      await noteFailure(staged, error);
    }
  }

  /** Asks for what is missing with an event, while the room goes on: the keys of its signers first, where it could not be checked. */
  function completeAside(room: HotRoom, staged: StagedPdu, pdu: CheckedPdu | undefined): void {
    const { roomId, origin } = staged;
    const ofRoom = asked.get(roomId) ?? new Map<string, Promise<void>>();
    asked.set(roomId, ofRoom);
    const slotsOfOrigin = fetchSlots.get(origin) ?? createSlots(MAX_PARALLEL_FETCHES_OF_ORIGIN);
    fetchSlots.set(origin, slotsOfOrigin);
    const work = slotsOfOrigin
      .run(async () => {
        if (stopping.signal.aborted) return;
        const check: PduCheck =
          pdu === undefined ? await checkPdu(readStaged(staged), room, askedBy(origin, findServerKey)) : { ok: true, pdu };
        if (!check.ok) return await settle([drop(staged, check.reason)]);
        const options = { origin, awaitsPolicyServer: staged.attempts + 1 < MAX_ATTEMPTS_AT_POLICY_SERVER };
        const reception = await receivePdu((await rooms.load(roomId)) ?? room, check.pdu, options);
        await settle([{ staged, committed: note(reception, staged) }]);
      })
      .catch((error: unknown) => noteFailure(staged, error))
      .catch((error: unknown) => logger.error({ roomId, origin, err: error }, 'what became of a received event could not be noted'))
      .finally(() => {
        ofRoom.delete(origin);
        if (ofRoom.size === 0) asked.delete(roomId);
        wake(roomId);
      });
    ofRoom.set(origin, work);
  }

  function note(reception: Reception, { origin, eventId, roomId }: StagedPdu): Promise<unknown> {
    const { outcome, reason, committed } = reception;
    metrics.received(outcome, reason);
    if (outcome === 'rejected' || outcome === 'soft_failed')
      logger.info({ origin, eventId, roomId, outcome, reason }, 'a received event is kept from the room');
    return committed;
  }

  async function settle(done: readonly Taken[]): Promise<void> {
    const outcomes = await Promise.allSettled(done.map((entry) => entry.committed));
    const kept: number[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const staged = done[index]?.staged;
      if (staged === undefined) continue;
      if (outcome.status === 'fulfilled') kept.push(staged.stagedNid);
      else await noteFailure(staged, outcome.reason);
    }
    await deleteStaged(sql, kept);
    for (const goOn of waiting) goOn();
  }

  async function nextProgress(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const ends = AbortSignal.any([signal, stopping.signal]);
    if (ends.aborted) return;
    ends.addEventListener('abort', () => resolve(), { once: true });
    waiting.add(resolve);
    await promise;
    waiting.delete(resolve);
  }

  async function noteFailure(staged: StagedPdu, error: unknown): Promise<void> {
    const { origin, eventId, roomId, attempts } = staged;
    const isLast = attempts + 1 >= (error instanceof PolicyServerSilent ? MAX_ATTEMPTS_AT_POLICY_SERVER : MAX_ATTEMPTS);
    logger.warn({ origin, eventId, roomId, err: error }, isLast ? 'a received event is given up' : 'a received event will be tried again');
    if (isLast) await deleteStaged(sql, [staged.stagedNid]);
    else await postponeStaged(sql, staged.stagedNid, clock.now() + FIRST_RETRY_MS * 2 ** attempts);
  }

  function wake(roomId: string): void {
    clearTimeout(timers.get(roomId));
    timers.delete(roomId);
    woken.add(roomId);
    if (running.has(roomId) || stopping.signal.aborted) return;
    const work = processRoom(roomId)
      .catch((error: unknown) => {
        logger.error({ roomId, err: error }, 'the processing of received events failed; it will be taken up again');
        if (!stopping.signal.aborted)
          timers.set(
            roomId,
            setTimeout(() => wake(roomId), AFTER_FAULT_MS),
          );
      })
      .finally(() => {
        running.delete(roomId);
        if (woken.has(roomId)) wake(roomId);
      });
    running.set(roomId, work);
  }

  for (const roomId of await listStagedRooms(sql)) wake(roomId);
  return {
    nextProgress,
    wakeRooms: (roomIds) => {
      for (const roomId of roomIds) wake(roomId);
    },
    stop: async () => {
      stopping.abort();
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all([...running.values(), ...[...asked.values()].flatMap((ofRoom) => [...ofRoom.values()])]);
    },
  };
}

/** What was staged, with its numbers as they were written. */
function readStaged({ json }: StagedPdu): unknown {
  const read = readJson(new TextEncoder().encode(json), { numbers: 'exact' });
  return read.ok ? read.value : undefined;
}
