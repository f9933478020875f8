import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { limitExceeded, MatrixError } from '../../../platform/matrix-error.ts';
import type { Sql } from '../../../storage/database.ts';
import { findUrlPreview, insertUrlPreview } from '../../../storage/url-previews.ts';
import { type FetchPreview, type Preview, parsePreviewUrl } from './fetch-preview.ts';

const GOOD_FOR_MS = 60 * 60 * 1000;
/** Links that did not answer are not asked again for so long. */
const FAILED_FOR_MS = 5 * 60 * 1000;
const MAX_FAILURES = 1_000;
/** Links looked at at once. */
const MAX_UNDER_WAY = 16;
const RETRY_AFTER_MS = 2_000;

/** What a link looks like, now or at a time. Throws M_INVALID_PARAM, M_FORBIDDEN, M_UNKNOWN (502), M_LIMIT_EXCEEDED. */
export type PreviewUrl = (url: string, at: number | undefined) => Promise<Preview>;

type Deps = { sql: Sql; clock: Clock; fetchPreview: FetchPreview };

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediapreview_url */
export function createPreviewUrl({ sql, clock, fetchPreview }: Deps): PreviewUrl {
  /** Links under way, so that many readers of one message cause one request. */
  const underWay = new Map<string, Promise<Preview>>();
  const failures = new LRUCache<string, MatrixError>({ max: MAX_FAILURES, ttl: FAILED_FOR_MS, perf: clock });

  return async function previewUrl(given, at) {
    const url = parsePreviewUrl(given);
    const then = at === undefined ? undefined : await findUrlPreview(sql, url, Math.min(at, clock.now()));
    if (then !== undefined) return JSON.parse(then);
    const begun = underWay.get(url);
    const finding = begun ?? findOrLook(url).finally(() => underWay.delete(url));
    underWay.set(url, finding);
    return await finding;
  };

  async function findOrLook(url: string): Promise<Preview> {
    const known = await findUrlPreview(sql, url, clock.now());
    if (known !== undefined) return JSON.parse(known);
    const failure = failures.get(url);
    if (failure !== undefined) throw failure;
    if (underWay.size > MAX_UNDER_WAY) throw limitExceeded(RETRY_AFTER_MS);
    return await look(url);
  }

  async function look(url: string): Promise<Preview> {
    try {
      const preview = await fetchPreview(url);
      const fetchedAt = clock.now();
      await insertUrlPreview(sql, { url, fetchedAt, expiresAt: fetchedAt + GOOD_FOR_MS, preview: JSON.stringify(preview) });
      return preview;
    } catch (error) {
      if (error instanceof MatrixError) failures.set(url, error);
      throw error;
    }
  }
}
