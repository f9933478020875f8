import { isJsonObject, type JsonObject } from '../events/event.ts';

/** What a server says when it refuses: `errcode` for programs, `error` for people, `fields` everything it sent. */
export type StandardError = { errcode: string; error: string; fields: JsonObject };

/**
 * Reads the body of a refusal, whatever a server may have put there; without a usable `errcode` it is `M_UNKNOWN`.
 *
 * https://spec.matrix.org/latest/client-server-api/#standard-error-response
 */
export function readStandardError(body: unknown): StandardError {
  const fields = isJsonObject(body) ? body : {};
  const { errcode, error } = fields;
  return { errcode: typeof errcode === 'string' ? errcode : 'M_UNKNOWN', error: typeof error === 'string' ? error : '', fields };
}
