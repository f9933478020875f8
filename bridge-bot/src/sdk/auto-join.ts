import type { MatrixClient } from 'client/matrix/client.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { BotLog } from './bot-options.ts';

/** How often one invite is tried: the server that made the room may be down. */
const MAX_TRIES = 5;
const RETRY_MS = 30_000;

/** Whether an invite of this user is welcome: the list names users, servers, or everybody (`*`). */
export function isAllowed(allow: readonly string[], userId: string): boolean {
  return allow.includes('*') || allow.includes(userId) || allow.includes(serverNameOf(userId) ?? '');
}

/** Accepts invites of those allowed, those that wait at the start included. Returns how to stop. */
export function joinWhenInvited(client: MatrixClient, allow: readonly string[], log: BotLog): () => void {
  const tries = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();

  async function join(roomId: string, inviter: string): Promise<void> {
    tries.set(roomId, (tries.get(roomId) ?? 0) + 1);
    try {
      await client.room(roomId)?.join();
      log.info(`Joined ${roomId}, invited by ${inviter}`);
    } catch (error) {
      log.warn(`The invite to ${roomId} could not be accepted`, error);
      if ((tries.get(roomId) ?? 0) >= MAX_TRIES) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        if (client.room(roomId)?.summary.get().membership === 'invite') void join(roomId, inviter);
      }, RETRY_MS);
      timers.add(timer);
    }
  }

  function lookAround(): void {
    for (const { roomId, membership, inviterUserId } of client.rooms.get()) {
      if (membership === 'join') tries.delete(roomId);
      if (membership !== 'invite' || tries.has(roomId) || inviterUserId === undefined) continue;
      if (isAllowed(allow, inviterUserId)) {
        void join(roomId, inviterUserId);
      } else {
        tries.set(roomId, MAX_TRIES);
        log.warn(`Left the invite to ${roomId} alone: ${inviterUserId} is not allowed to invite this bot`);
      }
    }
  }

  const unsubscribe = client.rooms.subscribe(lookAround);
  lookAround();
  return () => {
    unsubscribe();
    for (const timer of timers) clearTimeout(timer);
  };
}
