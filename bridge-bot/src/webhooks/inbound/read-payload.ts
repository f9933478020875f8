import { isJsonObject } from 'client/matrix/json.ts';

/** Reads a body by its content type; what claims to be nothing in particular is tried as JSON. Nothing when it cannot be read. */
export function readPayload(contentType: string, body: Uint8Array): { value: unknown } | undefined {
  const text = decodeUtf8(body);
  if (text === undefined) return undefined;
  if (contentType.startsWith('application/x-www-form-urlencoded')) return readForm(text);
  const parsed = parseJson(text);
  if (parsed !== undefined) return parsed;
  return /json/.test(contentType) ? undefined : { value: text };
}

/** Form fields; the field `payload` holds JSON where Slack and GitHub are spoken. */
function readForm(text: string): { value: unknown } | undefined {
  const fields: Record<string, unknown> = Object.fromEntries(new URLSearchParams(text));
  const { payload } = fields;
  if (typeof payload !== 'string') return { value: fields };
  const parsed = parseJson(payload);
  return isJsonObject(parsed?.value) ? parsed : undefined;
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function decodeUtf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
