import type { RawResponse } from '../http/route.ts';
import { page } from '../pages/page.ts';

/** A small page of our own. `markup` is trusted, and so is the `script`, the only one that may run. */
export function htmlPage(status: number, title: string, markup: string, script?: string): RawResponse {
  return page({ status, title, body: { markup }, script });
}
