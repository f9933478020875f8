import type { JsonObject, JsonValue } from '../events/event.ts';

/** What an `Authorization: X-Matrix` header says. Old servers leave out the destination. `signature` is base64. */
export type XMatrix = { origin: string; destination?: string; keyId: string; signature: string };

/** A request between servers, as it is signed: `uri` is path and query, `content` the parsed body where there is one. */
export type SignedRequest = { method: string; uri: string; origin: string; destination: string; content?: JsonValue };

/** Far more than four parameters of 255 bytes need. */
const MAX_HEADER_LENGTH = 4_096;

/** One `name=value`. A value is quoted, or a token, in which we also let colons and what base64 uses stand. */
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;\\]+))[ \t]*(?:,[ \t,]*|$)/y;

/**
 * The object whose signature authenticates a request: sign it with `signJson`, check it with `verifyJson`.
 *
 * https://spec.matrix.org/latest/server-server-api/#request-authentication
 */
export function requestToSign({ method, uri, origin, destination, content }: SignedRequest): JsonObject {
  return { method, uri, origin, destination, ...(content === undefined ? {} : { content }) };
}

/** The value of the `Authorization` header. Server names and key ids hold nothing that would need escaping. */
export function buildXMatrix({ origin, destination, keyId, signature }: XMatrix): string {
  const target = destination === undefined ? '' : `destination="${destination}",`;
  return `X-Matrix origin="${origin}",${target}key="${keyId}",sig="${signature}"`;
}

/**
 * Parses the value of an `Authorization` header in every form the specification allows; `undefined` when it is none, names a parameter
 * twice, or lacks one we need. Parameters we do not know are passed over.
 */
export function parseXMatrix(header: string): XMatrix | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const scheme = /^x-matrix +/i.exec(header);
  if (scheme === null) return undefined;
  const parameters = parseParameters(header.slice(scheme[0].length));
  if (parameters === undefined) return undefined;
  const origin = parameters.get('origin');
  const destination = parameters.get('destination');
  const keyId = parameters.get('key');
  const signature = parameters.get('sig') ?? parameters.get('signature');
  if (origin === undefined || keyId === undefined || signature === undefined) return undefined;
  return { origin, keyId, signature, ...(destination === undefined ? {} : { destination }) };
}

function parseParameters(text: string): Map<string, string> | undefined {
  const parameters = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(text);
    if (match === null) return undefined;
    const name = (match[1] ?? '').toLowerCase();
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '');
    at = PARAMETER.lastIndex;
  }
  return parameters;
}
