import { LRUCache } from 'lru-cache';
import type { Requester } from './requester.ts';

type Known = { requester: Requester; expiresAt: number | undefined };

/** The access tokens this process has verified, by their SHA-256, so that each is verified once. */
export type KnownTokens = {
  find(hash: Uint8Array): Known | undefined;
  /** Remembers a token, unless tokens were forgotten since `asOf`: it may have been among them. */
  remember(hash: Uint8Array, known: Known, asOf: number): void;
  /** Changes whenever something is forgotten. */
  revision(): number;
  forgetTokens(hashes: readonly Uint8Array[]): void;
  /** Forgets all tokens of a person, or of one of their devices. */
  forgetUser(userNid: number, deviceId?: string): void;
};

const MAX_KNOWN_TOKENS = 50_000;

export function createKnownTokens(): KnownTokens {
  const byUser = new Map<number, Set<string>>();
  const tokens = new LRUCache<string, Known>({
    max: MAX_KNOWN_TOKENS,
    dispose: ({ requester }, key) => {
      const keys = byUser.get(requester.userNid);
      keys?.delete(key);
      if (keys?.size === 0) byUser.delete(requester.userNid);
    },
  });
  let revision = 0;

  return {
    find: (hash) => tokens.get(keyOf(hash)),
    remember(hash, known, asOf) {
      if (asOf !== revision) return;
      const key = keyOf(hash);
      tokens.set(key, known);
      const keys = byUser.get(known.requester.userNid) ?? new Set();
      byUser.set(known.requester.userNid, keys.add(key));
    },
    revision: () => revision,
    forgetTokens(hashes) {
      revision += 1;
      for (const hash of hashes) tokens.delete(keyOf(hash));
    },
    forgetUser(userNid, deviceId) {
      revision += 1;
      for (const key of [...(byUser.get(userNid) ?? [])]) {
        if (deviceId === undefined || tokens.peek(key)?.requester.deviceId === deviceId) tokens.delete(key);
      }
    },
  };
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('latin1');
}
