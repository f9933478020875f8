import type { Clock } from '../../platform/clock.ts';
import { notFound, tooLarge } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';

/** What two devices have written for each other, and until when it is kept. */
export type Rendezvous = { data: string; version: string; changedAt: number; expiresAt: number };

/**
 * Places where two devices meet, of whom one lets the other in by QR code: whoever knows the id reads and writes one short text there.
 * They live in memory: after a restart people scan again. https://github.com/matrix-org/matrix-spec-proposals/pull/4388
 */
export type RendezvousSessions = {
  /** @throws M_TOO_LARGE */
  open(data: string): { id: string; session: Rendezvous };
  /** @throws M_NOT_FOUND when it was never there, is over, or was closed */
  load(id: string): Rendezvous;
  /**
   * Replaces the text, if nobody did since the version the writer has seen; the same text again is no change. Undefined when the other
   * device was faster.
   *
   * @throws M_NOT_FOUND, M_TOO_LARGE
   */
  write(id: string, seen: string, data: string): Rendezvous | undefined;
  /** @throws M_NOT_FOUND */
  close(id: string): void;
};

const MAX_DATA_BYTES = 4_096;
const LIFETIME_MS = 120_000;
/** When there are more, the oldest is forgotten. */
const MAX_SESSIONS = 2_000;
const ID_BITS = 160;
const VERSION_BITS = 96;

type Deps = { clock: Clock; random: Random };

export function createRendezvousSessions({ clock, random }: Deps): RendezvousSessions {
  const sessions = new Map<string, Rendezvous>();

  function makeRoom(): void {
    for (const [id, { expiresAt }] of sessions) {
      if (expiresAt > clock.now() && sessions.size < MAX_SESSIONS) return; // in the order in which they were opened, all live equally long
      sessions.delete(id);
    }
  }

  function load(id: string): Rendezvous {
    const session = sessions.get(id);
    if (session === undefined || session.expiresAt <= clock.now()) throw notFound('There is no such session, or it is over');
    return session;
  }

  return {
    load,
    open(data) {
      checkSize(data);
      makeRoom();
      const id = random.text(ID_BITS);
      const now = clock.now();
      const session = { data, version: random.text(VERSION_BITS), changedAt: now, expiresAt: now + LIFETIME_MS };
      sessions.set(id, session);
      return { id, session };
    },
    write(id, seen, data) {
      const session = load(id);
      checkSize(data);
      if (seen !== session.version) return data === session.data ? session : undefined;
      const written = { ...session, data, version: random.text(VERSION_BITS), changedAt: clock.now() };
      sessions.set(id, written);
      return written;
    },
    close(id) {
      load(id);
      sessions.delete(id);
    },
  };
}

function checkSize(data: string): void {
  if (Buffer.byteLength(data) > MAX_DATA_BYTES) throw tooLarge(`A session holds at most ${MAX_DATA_BYTES} bytes`);
}
