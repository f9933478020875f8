import { setTyping as setTypingEndpoint } from 'federation-spec/api/client/typing.ts';
import type { MatrixHttp } from '../http/matrix-http.ts';
import type { Room } from './room.ts';

/** How long the server shows us as typing, and how soon before that we say it again. */
const TYPING_TIMEOUT_MS = 20_000;
const REPEAT_AFTER_MS = 10_000;

type Deps = { http: MatrixHttp; roomId: string; ownUserId: string; now: () => number };

/** Tells the room that we type: at the first key stroke and then at most every few seconds. */
export function createTyping({ http, roomId, ownUserId, now }: Deps): Pick<Room, 'setTyping'> {
  let toldAtMs: number | undefined;

  return {
    setTyping(isTyping) {
      if (isTyping && toldAtMs !== undefined && now() - toldAtMs < REPEAT_AFTER_MS) return;
      if (!isTyping && toldAtMs === undefined) return;
      toldAtMs = isTyping ? now() : undefined;
      const body = isTyping ? { typing: true, timeout: TYPING_TIMEOUT_MS } : { typing: false };
      // Nobody misses a typing notice that was lost.
      http.request(setTypingEndpoint, { params: { roomId, userId: ownUserId }, body }).catch(() => undefined);
    },
  };
}
