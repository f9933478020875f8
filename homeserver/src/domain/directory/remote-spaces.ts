import type { RoomSummary, SpaceRoom } from 'federation-spec/api/schemas/room-directory.ts';
import { LRUCache } from 'lru-cache';

/** Most questions to other servers for one page, and servers asked about one room. */
const MAX_REMOTE_QUESTIONS = 20;
export const MAX_SERVERS = 3;
/** How much of answers is kept, and for how long: the next page of a walk needs not ask again what the last one did. */
const MAX_KEPT_ANSWERS = 1_000;
const MAX_KEPT_CHARACTERS = 8 * 1024 * 1024;
const KEPT_MS = 300_000;

export type RemoteSpace = { room: SpaceRoom; children: RoomSummary[]; inaccessible_children: string[] };
/** Asks another server for a space and what is right below it; undefined when it cannot or will not say. */
export type QueryRemoteSpace = (server: string, roomId: string, suggestedOnly: boolean) => Promise<RemoteSpace | undefined>;

/** What one walk through a tree learns of rooms in which this server has no part. */
export type RemoteWalk = {
  /** The room as other servers tell it, `undefined` when none does. `isLeaf`: what is below it is not wanted. */
  look: (roomId: string, via: readonly string[], isLeaf: boolean) => Promise<SpaceRoom | undefined>;
};

type Deps = { serverName: string; queryRemote: QueryRemoteSpace };

/**
 * Asks other servers about the rooms of a space, each as seldom as can be: a server that tells of a space tells of the rooms in it, and
 * which of them nobody here may enter. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export function createRemoteSpaces({ serverName, queryRemote }: Deps) {
  const kept = new LRUCache<string, RemoteSpace>({
    max: MAX_KEPT_ANSWERS,
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: (answer) => JSON.stringify(answer).length,
    ttl: KEPT_MS,
  });

  return function startWalk({ suggestedOnly, isFirstPage }: { suggestedOnly: boolean; isFirstPage: boolean }): RemoteWalk {
    const told = new Map<string, RoomSummary>();
    const closed = new Set<string>();
    let questions = 0;

    async function ask(roomId: string, via: readonly string[]): Promise<RemoteSpace | undefined> {
      const key = `${suggestedOnly} ${roomId}`;
      const earlier = isFirstPage ? undefined : kept.get(key);
      if (earlier !== undefined) return earlier;
      for (const server of via.filter((name) => name !== serverName).slice(0, MAX_SERVERS)) {
        if (questions >= MAX_REMOTE_QUESTIONS) return undefined;
        questions += 1;
        const answer = await queryRemote(server, roomId, suggestedOnly);
        if (answer?.room.room_id !== roomId) continue;
        kept.set(key, answer);
        return answer;
      }
      return undefined;
    }

    return {
      look: async (roomId, via, isLeaf) => {
        if (closed.has(roomId)) return undefined;
        const summary = told.get(roomId);
        if (summary !== undefined && (isLeaf || summary.room_type !== 'm.space')) return { ...summary, children_state: [] };
        const answer = await ask(roomId, via);
        if (answer === undefined) return summary === undefined ? undefined : { ...summary, children_state: [] };
        const named = new Set(answer.room.children_state.map((child) => child.state_key));
        for (const child of answer.children) if (named.has(child.room_id) && !told.has(child.room_id)) told.set(child.room_id, child);
        for (const childId of answer.inaccessible_children) if (named.has(childId)) closed.add(childId);
        return answer.room;
      },
    };
  };
}
