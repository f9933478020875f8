import type { EventKind } from '../../src/storage/events.ts';
import type { TestServer } from './start-server.ts';

const KINDS: readonly EventKind[] = ['timeline', 'backfilled', 'outlier', 'soft_failed', 'rejected'];

/** What an event is to a server: its kind, or undefined when it is not stored. */
export async function storedKind(server: TestServer, eventId: string): Promise<EventKind | undefined> {
  const [row] = await server.sql<{ kind: number }[]>`select kind from events where event_id = ${eventId}`;
  return row === undefined ? undefined : KINDS[row.kind];
}
