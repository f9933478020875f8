import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { parseRoomId } from 'federation-spec/identifiers/room-id.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import { invalidParam, limitExceeded } from '../../../platform/matrix-error.ts';
import type { Database } from '../../../storage/database.ts';
import {
  deleteTransactionsBefore,
  findTransactionAnswer,
  hasStagedMoreThan,
  insertTransaction,
  stagePdus,
} from '../../../storage/federation-inbox.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { isServerAllowed } from '../../rooms/server-acl.ts';
import type { Log } from '../../streams/log.ts';
import type { StreamRow } from '../../streams/log-batch.ts';
import { dropNulls } from '../drop-nulls.ts';
import type { JoinsUnderWay } from '../joins-under-way.ts';
import type { EduBudget } from './edu-budget.ts';
import type { EduHandlers } from './edu-handlers.ts';
import type { ReceiveRetraction } from './receive-retraction.ts';

/** https://spec.matrix.org/latest/server-server-api/#transactions */
const MAX_PDUS = 50;
const MAX_EDUS = 100;
/** How long the answer to a transaction is remembered. A server that repeats one does so within hours. */
const REMEMBERED_MS = 86_400_000;
/**
 * How many events of one server may wait to be processed. When there are more, its next transaction waits until they are dealt with, so that
 * it sends no faster than they can be; it is told to come again when that takes long.
 */
const MAX_STAGED_OF_ORIGIN = 5_000;
const MAX_FULL_WAIT_MS = 5_000;
const FULL_RETRY_MS = 5_000;
/** Every so many transactions the old ones are forgotten. */
const FORGET_EVERY = 1_000;

export type Transaction = { origin: string; txnId: string; pdus: readonly JsonObject[]; edus: readonly JsonObject[] };
/** By event id: nothing, or why it was not taken. */
export type TransactionAnswer = { pdus: Record<string, { error?: string }> };
export type ReceiveTransaction = (transaction: Transaction) => Promise<TransactionAnswer>;

type StagedEvent = { roomId: string; eventId: string; json: string };
type Reading = { eventId: string; error: string } | { eventId: string; staged: StagedEvent } | undefined;

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  joins: JoinsUnderWay;
  eduHandlers: EduHandlers;
  eduBudget: EduBudget;
  clock: Clock;
  logger: Logger;
  serverName: string;
  receiveRetraction: ReceiveRetraction;
  /** Events of these rooms are staged. */
  wakeRooms: (roomIds: Iterable<string>) => void;
  /** Resolves when some staged events have been dealt with, or the wait is ended. */
  nextProgress: (signal: AbortSignal) => Promise<void>;
};

/**
 * Takes in a transaction. Its events are put down durably and processed later; to-device messages and the like are committed with them.
 * The same transaction again gets the same answer and has no second effect.
 *
 * 1. Look whether it came before. 2. Sort out events that can be refused at sight. 3. Take in the EDUs. 4. Commit, then answer.
 *
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1sendtxnid
 */
export function createReceiveTransaction(deps: Deps): ReceiveTransaction {
  const { database, log, rooms, joins, eduHandlers, eduBudget, clock, logger, serverName, receiveRetraction, wakeRooms, nextProgress } =
    deps;
  const underWay = new Map<string, Promise<TransactionAnswer>>();
  const held = new Set<string>();
  let received = 0;

  /** Holds a transaction up until few enough events of its server wait: only one of each server. Throws M_LIMIT_EXCEEDED. */
  async function waitForCapacity(origin: string): Promise<void> {
    const isFull = async () => await hasStagedMoreThan(database.sql, origin, MAX_STAGED_OF_ORIGIN);
    if (!(await isFull())) return;
    if (held.has(origin)) throw limitExceeded(FULL_RETRY_MS);
    held.add(origin);
    const signal = AbortSignal.timeout(MAX_FULL_WAIT_MS);
    try {
      do await nextProgress(signal);
      while (!signal.aborted && (await isFull()));
    } finally {
      held.delete(origin);
    }
    if (await isFull()) throw limitExceeded(FULL_RETRY_MS);
  }

  async function rulesFor(roomId: string, origin: string): Promise<{ rules: RoomVersionRules | undefined; refusal?: string }> {
    const joining = joins.find(roomId);
    if (joining !== undefined) return { rules: joining.rules };
    const room = await rooms.load(roomId);
    const isHere = room?.joinedServers.has(serverName) === true;
    if (room === undefined || !isHere) return { rules: room?.rules, refusal: 'This server is not in the room.' };
    return isServerAllowed(room, origin) ? { rules: room.rules } : { rules: room.rules, refusal: 'The room does not allow your server.' };
  }

  async function read(pdu: JsonObject, origin: string): Promise<Reading> {
    const roomId = pdu['room_id'];
    if (typeof roomId !== 'string' || parseRoomId(roomId) === undefined) return undefined;
    const { rules, refusal } = await rulesFor(roomId, origin);
    if (refusal !== undefined && (await receiveRetraction(pdu))) return undefined;
    if (rules === undefined) return undefined; // What the event is called depends on the room's version.
    const event = readEvent(pdu, rules);
    if (!event.ok) {
      logger.info({ origin, roomId, reason: event.reason }, 'a malformed event was dropped');
      return undefined;
    }
    const eventId = eventIdOf(event.event, rules);
    if (refusal !== undefined) return { eventId, error: refusal };
    return { eventId, staged: { roomId, eventId, json: encodeCanonicalJson(event.event) } };
  }

  async function readEdus(edus: readonly JsonObject[], origin: string): Promise<StreamRow[]> {
    const rows: StreamRow[] = [];
    for (const edu of edus) {
      const { edu_type: type, content } = edu;
      const handle = typeof type === 'string' ? eduHandlers.get(type) : undefined;
      if (handle === undefined || !isJsonObject(content) || !eduBudget.mayPass(origin, edu)) continue;
      try {
        rows.push(...(await handle({ origin, content: dropNulls(content) })));
      } catch (error) {
        logger.warn({ origin, eduType: type, err: error }, 'an EDU could not be taken in');
      }
    }
    return rows;
  }

  async function receive({ origin, txnId, pdus, edus }: Transaction): Promise<TransactionAnswer> {
    const earlier = await findTransactionAnswer(database.sql, origin, txnId); // 1
    if (earlier !== undefined) return JSON.parse(earlier) as TransactionAnswer;

    if (pdus.length > 0) await waitForCapacity(origin);
    eduBudget.takeKept(origin, edus);

    const answer: TransactionAnswer = { pdus: {} }; // 2
    const staged: StagedEvent[] = [];
    for (const pdu of pdus) {
      const reading = await read(pdu, origin);
      if (reading === undefined) continue;
      answer.pdus[reading.eventId] = 'error' in reading ? { error: reading.error } : {};
      if ('staged' in reading) staged.push(reading.staged);
    }

    const rows = await readEdus(edus, origin); // 3
    if (rows.length === 0 && staged.length === 0) return answer;

    const record = { origin, txnId, receivedAt: clock.now(), answer: JSON.stringify(answer) }; // 4
    await log.append({ rows, riders: [(sql) => insertTransaction(sql, record), (sql) => stagePdus(sql, origin, staged)] });
    wakeRooms(new Set(staged.map((event) => event.roomId)));
    received += 1;
    if (received % FORGET_EVERY === 0) await deleteTransactionsBefore(database.sql, clock.now() - REMEMBERED_MS);
    return answer;
  }

  return async (transaction) => {
    if (transaction.pdus.length > MAX_PDUS) throw invalidParam(`A transaction may hold at most ${MAX_PDUS} PDUs`);
    if (transaction.edus.length > MAX_EDUS) throw invalidParam(`A transaction may hold at most ${MAX_EDUS} EDUs`);
    const key = `${transaction.origin} ${transaction.txnId}`;
    const running = underWay.get(key) ?? receive(transaction).finally(() => underWay.delete(key));
    underWay.set(key, running);
    return await running;
  };
}
