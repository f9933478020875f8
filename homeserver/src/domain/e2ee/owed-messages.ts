import { resourceLimitExceeded } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { sumOutboxBytes } from '../../storage/federation-outbox.ts';

/** Most that one person's messages to devices may take while they wait for other servers. */
const MAX_OWED_BYTES = 1_073_741_824;
const MEGABYTE = 1_048_576;

/** What waits for devices on other servers: none of it is ever dropped, so there is a measure of what may be added. */
export type OwedMessages = {
  /** Counts what is about to be kept for other servers. Throws M_RESOURCE_LIMIT_EXCEEDED, counting nothing, when too much of this person's waits. */
  add: (sender: string, bytes: number) => void;
  /** It waits no more: it was taken by the other server, or never kept. */
  remove: (sender: string, bytes: number) => void;
};

/** The measure is each person's own, so that nobody can use up another's. It is counted in memory; what is on disk is added up once, at the start. */
export async function createOwedMessages({ pool, adminContact }: { pool: Pool; adminContact: string | undefined }): Promise<OwedMessages> {
  const owed = new Map((await sumOutboxBytes(pool)).map(({ sender, bytes }) => [sender, bytes]));

  return {
    add(sender, bytes) {
      const sum = (owed.get(sender) ?? 0) + bytes;
      if (sum > MAX_OWED_BYTES) {
        const message = `${MAX_OWED_BYTES / MEGABYTE} MB of your messages to devices wait for servers that cannot be reached: no more are taken until these are`;
        throw resourceLimitExceeded(message, adminContact);
      }
      owed.set(sender, sum);
    },
    remove(sender, bytes) {
      const rest = (owed.get(sender) ?? 0) - bytes;
      if (rest > 0) owed.set(sender, rest);
      else owed.delete(sender);
    },
  };
}
