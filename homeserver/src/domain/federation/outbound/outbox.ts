import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Database } from '../../../storage/database.ts';
import {
  deleteOutbox,
  listOutbox,
  listOutboxDestinations,
  listOutboxUpdates,
  type OutboxRow,
  replaceOutboxContents,
  type SendableRow,
} from '../../../storage/federation-outbox.ts';
import { collapseUpdates } from './collapse-updates.ts';
import type { EphemeralEdus } from './ephemeral-edus.ts';

/** What waits for a server that cannot be reached is tidied each time so many EDUs more were written for it. */
const TIDY_EVERY = 100;
/** How many EDUs are read at a time to be tidied, and most of them. */
const PAGE_ROWS = 1_000;
const MAX_TIDIED = 50_000;
/** Most that the EDUs of one transaction take: other servers refuse bodies of some ten megabytes. */
const MAX_PARCEL_BYTES = 4_194_304;

type Edu = { edu_type: string; content: JsonObject };

/** EDUs for one server: those kept on disk until they are acknowledged, and those that pass. */
export type EduParcel = { edus: readonly Edu[]; rows: readonly SendableRow[] };

/** What waits for other servers beside events: device lists and to-device messages, never lost; and typing, presence and the like. */
export type Outbox = {
  /** Something was written for the server. */
  note: (destination: string) => void;
  take: (destination: string, limit: number) => Promise<EduParcel>;
  acknowledge: (destination: string, parcel: EduParcel) => Promise<void>;
  /** The server could not be reached: what is on disk stays, what passes is forgotten. */
  giveBack: (destination: string) => void;
  /** The servers for which something waits. */
  destinations: () => Iterable<string>;
  /** Resolves when nothing is being tidied. */
  settled: () => Promise<void>;
};

/** Is told of messages to devices that wait no more. */
export type NoteDelivered = (sender: string, bytes: number) => void;

type Deps = {
  database: Database;
  ephemeral: EphemeralEdus;
  isFailing: (destination: string) => boolean;
  noteDelivered: NoteDelivered;
  logger: Logger;
};

/**
 * For a server that is away for long only the newest word on each matter is kept: it learns from it that it has missed something, and asks.
 * Messages to devices are all kept: who sends them has a limit.
 */
export async function createOutbox({ database, ephemeral, isFailing, noteDelivered, logger }: Deps): Promise<Outbox> {
  const { sql } = database;
  const waiting = new Set(await listOutboxDestinations(sql));
  const written = new Map<string, number>();
  const tidying = new Map<string, Promise<void>>();

  async function tidy(destination: string): Promise<void> {
    const rows: OutboxRow[] = [];
    for (let page: OutboxRow[] = []; rows.length < MAX_TIDIED; ) {
      const after = page.at(-1) ?? { position: 0, ordinal: 0 };
      page = await listOutboxUpdates(sql, destination, { after, limit: PAGE_ROWS });
      rows.push(...page);
      if (page.length < PAGE_ROWS) break;
    }
    const { gone, changed } = collapseUpdates(rows);
    await sql.begin(async (tx) => {
      await replaceOutboxContents(tx, changed);
      await deleteOutbox(tx, gone);
    });
  }

  function tidySoon(destination: string): void {
    written.delete(destination);
    if (tidying.has(destination)) return;
    const work = tidy(destination)
      .catch((error: unknown) => logger.warn({ destination, err: error }, 'what waits for a server could not be tidied'))
      .finally(() => tidying.delete(destination));
    tidying.set(destination, work);
  }

  function noteWritten(destination: string, count: number): void {
    const sum = (written.get(destination) ?? 0) + count;
    written.set(destination, sum);
    if (sum >= TIDY_EVERY && isFailing(destination)) tidySoon(destination);
  }

  return {
    note: (destination) => {
      waiting.add(destination);
      if (isFailing(destination)) noteWritten(destination, 1);
    },
    take: async (destination, limit) => {
      // What is written from now on is noted again.
      const mayWait = waiting.delete(destination);
      const rows = mayWait ? await listOutbox(sql, destination, { limit, maxBytes: MAX_PARCEL_BYTES }) : [];
      if (rows.length > 0) waiting.add(destination);
      if (rows.length === limit) noteWritten(destination, limit);
      const kept = rows.map((row) => ({ edu_type: row.eduType, content: readObject(row.content) }));
      const passing = ephemeral.take(destination, limit - rows.length).map((edu) => ({ edu_type: edu.eduType, content: edu.content }));
      return { edus: [...kept, ...passing], rows };
    },
    acknowledge: async (destination, { rows }) => {
      written.delete(destination);
      await deleteOutbox(sql, rows);
      for (const { sender, content } of rows) if (sender !== null) noteDelivered(sender, Buffer.byteLength(content));
    },
    giveBack: (destination) => ephemeral.drop(destination),
    destinations: () => waiting,
    settled: async () => void (await Promise.all(tidying.values())),
  };
}

function readObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('what waits for another server is no JSON object');
  return value;
}
