import {
  type FinalSlidingSyncRequest,
  type FinalSlidingSyncResponse,
  FinalSlidingSyncResponseSchema,
} from 'federation-spec/api/schemas/final-sliding-sync.ts';
import { type SlidingSyncRequest, type SlidingSyncResponse, SlidingSyncResponseSchema } from 'federation-spec/api/schemas/sliding-sync.ts';
import { Compile } from 'typebox/compile';
import type { TestUser } from './test-user.ts';

/** Sliding sync in the form that clients in use call, and in the accepted one. */
export const SLIDING_PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
export const FINAL_SLIDING_PATH = '/_matrix/client/v4/sync';

const inUse = Compile(SlidingSyncResponseSchema);
const final = Compile(FinalSlidingSyncResponseSchema);

/** One request of a connection, which goes on from `pos`; it waits for news no longer than `timeoutMs`. */
export async function slide(user: TestUser, body: SlidingSyncRequest, pos?: string, timeoutMs = 0): Promise<SlidingSyncResponse> {
  const query = new URLSearchParams({ timeout: String(timeoutMs), ...(pos === undefined ? {} : { pos }) });
  return inUse.Parse(await user.call('POST', `${SLIDING_PATH}?${query}`, body));
}

/** The same in the accepted form. */
export async function slideFinal(user: TestUser, body: FinalSlidingSyncRequest): Promise<FinalSlidingSyncResponse> {
  return final.Parse(await user.call('POST', FINAL_SLIDING_PATH, body));
}
