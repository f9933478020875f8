import type { Sql } from '../../storage/database.ts';
import { markPairUsed, spendPair } from '../../storage/token-pairs.ts';

/**
 * The first use of a bought pair: the client has it safely, so the pair it was bought with is void from here on, and so is whatever
 * else was bought with that. The caller holds the locks.
 *
 * @returns the hashes of the access tokens that are void now
 */
export async function settleFirstUse(sql: Sql, pairId: number, boughtWith: number | null): Promise<Uint8Array[]> {
  await markPairUsed(sql, pairId);
  return boughtWith === null ? [] : await spendPair(sql, boughtWith, pairId);
}
