import { badJson, tooLarge } from '../../platform/matrix-error.ts';
import { readWhole } from '../../platform/read-whole.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { isStorableText } from '../http/read-json-body.ts';

/** A file that stands in a form. */
export type UploadedFile = { bytes: Uint8Array; fileName: string };
export type UploadForm = { fields: Record<string, string>; file: UploadedFile | undefined };

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_FIELDS = 50;
const MULTIPART = 'multipart/form-data';

export function isUploadForm(request: HttpRequest): boolean {
  return request.headers['content-type']?.toLowerCase().startsWith(MULTIPART) === true;
}

/**
 * Reads a form that may carry a file. https://www.rfc-editor.org/rfc/rfc7578
 *
 * @throws M_TOO_LARGE, M_BAD_JSON for what is no such form
 */
export async function readUploadForm(request: HttpRequest): Promise<UploadForm> {
  const bytes = await readWhole(request.stream, MAX_BYTES, () => tooLarge(`A picture may have at most ${MAX_BYTES} bytes`));
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const data = await new Response(new Uint8Array(bytes), { headers }).formData().catch(() => {
    throw badJson('The form cannot be read');
  });
  return await toForm(data);
}

async function toForm(data: FormData): Promise<UploadForm> {
  const fields: Record<string, string> = Object.create(null);
  let file: UploadedFile | undefined;
  let count = 0;
  for (const [name, value] of data) {
    count += 1;
    if (count > MAX_FIELDS) throw badJson(`A form may have at most ${MAX_FIELDS} fields`);
    if (typeof value !== 'string') {
      if (value.size > 0) file ??= { bytes: new Uint8Array(await value.arrayBuffer()), fileName: value.name.toWellFormed().slice(0, 255) };
      continue;
    }
    if (!isStorableText(name) || !isStorableText(value)) throw badJson('A form may hold neither NUL nor half a surrogate pair');
    fields[name] = value;
  }
  return { fields, file };
}
