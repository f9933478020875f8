import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../../storage/database.ts';
import { deleteOutbox, listOutbox, listOutboxDestinations, type OutboxRow } from '../../../storage/federation-outbox.ts';
import type { EphemeralEdus } from './ephemeral-edus.ts';

type Edu = { edu_type: string; content: JsonObject };

/** EDUs for one server: those kept on disk until they are acknowledged, and those that pass. */
export type EduParcel = { edus: readonly Edu[]; rows: readonly OutboxRow[] };

/** What waits for other servers beside events: to-device messages and device lists, never lost, and typing, presence and the like. */
export type Outbox = {
  /** Something was written for the server. */
  note: (destination: string) => void;
  take: (destination: string, limit: number) => Promise<EduParcel>;
  acknowledge: (destination: string, parcel: EduParcel) => Promise<void>;
  /** The server could not be reached: what is on disk stays, what passes is forgotten. */
  giveBack: (destination: string) => void;
  /** The servers for which something waits. */
  destinations: () => Iterable<string>;
};

type Deps = { database: Database; ephemeral: EphemeralEdus };

export async function createOutbox({ database, ephemeral }: Deps): Promise<Outbox> {
  const { sql } = database;
  const waiting = new Set(await listOutboxDestinations(sql));
  return {
    note: (destination) => void waiting.add(destination),
    take: async (destination, limit) => {
      // What is written from now on is noted again.
      const mayWait = waiting.delete(destination);
      const rows = mayWait ? await listOutbox(sql, destination, limit) : [];
      if (rows.length > 0) waiting.add(destination);
      const kept = rows.map((row) => ({ edu_type: row.eduType, content: readObject(row.content) }));
      const passing = ephemeral.take(destination, limit - rows.length).map((edu) => ({ edu_type: edu.eduType, content: edu.content }));
      return { edus: [...kept, ...passing], rows };
    },
    acknowledge: async (_destination, { rows }) => await deleteOutbox(sql, rows),
    giveBack: (destination) => ephemeral.drop(destination),
    destinations: () => waiting,
  };
}

function readObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('what waits for another server is no JSON object');
  return value;
}
