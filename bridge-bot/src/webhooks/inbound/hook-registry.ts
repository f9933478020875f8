import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Hook, HookStore } from '../../storage/hook-store.ts';
import type { Dialect } from '../adapters/adapter.ts';

const ID_BYTES = 9;
const SECRET_BYTES = 32;
const MAX_HOOKS_PER_ROOM = 50;

export type NewHook = { roomId: string; name: string; dialect: Dialect | undefined; createdBy: string };

/** The hooks of all rooms. Secrets are kept as hashes: an address is told once, when its hook is made. */
export type HookRegistry = {
  /** Throws when the room has too many. */
  create(hook: NewHook): { hook: Hook; secret: string };
  /** The hook, when the secret is right and it is enabled; takes as long whatever is wrong. */
  authenticate(hookId: string, secret: string): Hook | undefined;
  list(roomId: string): Hook[];
  /** A room's hook by its id or name. */
  find(roomId: string, idOrName: string): Hook | undefined;
  /** From now on senders must sign. Makes a secret when none is given; the secret. */
  requireSignature(hookId: string, signingSecret?: string): string;
  delete(hookId: string): void;
};

export function createHookRegistry(store: HookStore, now: () => number): HookRegistry {
  const nobodysHash = randomBytes(32);
  const list = (roomId: string): Hook[] => store.list(roomId);
  return {
    create({ roomId, name, dialect, createdBy }) {
      if (list(roomId).length >= MAX_HOOKS_PER_ROOM) throw new Error(`A room has at most ${MAX_HOOKS_PER_ROOM} hooks; delete one first`);
      const secret = randomBytes(SECRET_BYTES).toString('base64url');
      const hookId = randomBytes(ID_BYTES).toString('base64url');
      const hook: Hook = {
        hookId,
        roomId,
        name,
        dialect,
        secretHash: hashOf(secret),
        signingSecret: undefined,
        createdBy,
        createdAtMs: now(),
        isEnabled: true,
      };
      store.put(hook);
      return { hook, secret };
    },
    authenticate(hookId, secret) {
      const hook = store.find(hookId);
      const isRight = timingSafeEqual(hashOf(secret), hook?.secretHash ?? nobodysHash);
      return isRight && hook?.isEnabled === true ? hook : undefined;
    },
    list,
    find: (roomId, idOrName) => list(roomId).find((hook) => hook.hookId === idOrName || hook.name === idOrName),
    requireSignature(hookId, signingSecret = randomBytes(SECRET_BYTES).toString('base64url')) {
      store.setSigningSecret(hookId, signingSecret);
      return signingSecret;
    },
    delete: (hookId) => store.delete(hookId),
  };
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
