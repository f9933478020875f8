import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { TestUser } from '../kit/test-user.ts';
import { hasOtherSide, membersOf, otherSideName, roomPath, type Side, type Sides, startSides, WAIT } from './sides.ts';

/** A scene between somebody whose server made the room and somebody who comes to it from the other. */
export type Stage = {
  hosting: Side;
  visiting: Side;
  host: TestUser;
  guest: TestUser;
  /** Whether the host is ours. */
  weHost: boolean;
  via: { via: string[] };
  /** A public room with both in it. */
  sharedRoom: (options?: Record<string, unknown>) => Promise<string>;
  act: (user: TestUser, roomId: string, action: string, body?: object) => Promise<unknown>;
  /** Waits until somebody sees that somebody is a member so. */
  seen: (by: TestUser, roomId: string, userId: string, membership: string) => Promise<void>;
};

const TIMEOUT_MS = 120_000;

/** Plays scenes twice: the other side comes to us, and we go to the other side. The stage is there once the scenes run. */
export function describeBothWays(define: (stage: Stage) => void): void {
  describe.skipIf(!hasOtherSide).each([
    { direction: `${otherSideName} comes to us`, weHost: true },
    { direction: `we go to ${otherSideName}`, weHost: false },
  ])('$direction', { timeout: TIMEOUT_MS }, ({ weHost }) => {
    let sides: Sides;
    const stage = { weHost } as Stage;
    beforeAll(async () => {
      sides = await startSides();
      const [hosting, visiting] = weHost ? [sides.ours, sides.theirs] : [sides.theirs, sides.ours];
      Object.assign(stage, await setStage(hosting, visiting));
    });
    afterAll(async () => await sides[Symbol.asyncDispose]());
    define(stage);
  });
}

async function setStage(hosting: Side, visiting: Side): Promise<Omit<Stage, 'weHost'>> {
  const host = await hosting.user('host');
  const guest = await visiting.user('guest');
  const via = { via: [hosting.name] };
  const seen: Stage['seen'] = async (by, roomId, userId, membership) => {
    await expect.poll(() => membersOf(by, roomId), WAIT).toHaveProperty([userId], membership);
  };
  return {
    hosting,
    visiting,
    host,
    guest,
    via,
    seen,
    act: (user, roomId, action, body = {}) => user.call('POST', `${roomPath(roomId)}/${action}`, body),
    sharedRoom: async (options = {}) => {
      const roomId = await host.createRoom({ preset: 'public_chat', ...options });
      await guest.join(roomId, via);
      await seen(host, roomId, guest.id, 'join');
      return roomId;
    },
  };
}

/** Waits until what two users are told is equal, and gives it. */
export async function agreed<Told>(tell: (user: TestUser) => Promise<Told>, users: readonly TestUser[]): Promise<Told> {
  let told: Told[] = [];
  let failure: unknown;
  const count = async () => {
    told = [];
    try {
      told = await Promise.all(users.map(tell));
    } catch (error) {
      failure = error;
      throw error;
    }
    return new Set(told.map((entry) => JSON.stringify(entry))).size;
  };
  await expect
    .poll(count, WAIT)
    .toBe(1)
    .catch((error: unknown) => {
      if (told.length === 0) throw failure; // somebody could not tell at all
      expect(told[0]).toEqual(told[1]);
      throw error;
    });
  return told[0] as Told;
}
