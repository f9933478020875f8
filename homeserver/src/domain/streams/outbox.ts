import type { JsonObject } from 'federation-spec/events/event.ts';
import { insertOutbox } from '../../storage/federation-outbox.ts';
import type { StreamRow } from './log-batch.ts';

/**
 * A row that queues an EDU for other servers, in the same commit as what it tells of. `contents` may differ per destination.
 * https://spec.matrix.org/latest/server-server-api/#edus
 */
export function outboxRow(eduType: string, contents: readonly { destination: string; content: JsonObject }[]): StreamRow {
  return {
    write: (sql, position) =>
      insertOutbox(sql, {
        position,
        eduType,
        contents: contents.map(({ destination, content }) => ({ destination, content: JSON.stringify(content) })),
      }),
    wakes: { destinations: contents.map((entry) => entry.destination) },
  };
}
