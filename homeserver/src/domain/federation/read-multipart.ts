import { Readable } from 'node:stream';

/** Most bytes before the file itself: the boundary lines, the headers of both parts and the JSON between them. */
const MAX_HEAD_BYTES = 64 * 1024;
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
const LINE = '\r\n';

/** The second part of an answer: the file, or (by a `location` header) where it is. */
export type MultipartFile = { headers: Readonly<Record<string, string>>; stream: Readable };

/**
 * Reads a `multipart/mixed` answer of two parts, metadata and file, handing the file on while it arrives.
 * Throws when the answer is not of that form. https://spec.matrix.org/latest/server-server-api/#content-repository
 */
export async function readMultipart(contentType: string, body: Readable): Promise<MultipartFile> {
  const match = /^multipart\/mixed\b/i.test(contentType) ? BOUNDARY.exec(contentType) : null;
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new Error('the answer is not multipart/mixed with a boundary');

  const chunks = body[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (;;) {
    const file = splitHead(head, boundary);
    if (file !== undefined)
      return { headers: file.headers, stream: Readable.from(untilBoundary(file.rest, chunks, boundary), { objectMode: false }) };
    if (head.length > MAX_HEAD_BYTES) throw new Error(`the answer's parts begin after more than ${MAX_HEAD_BYTES} bytes`);
    const next = await chunks.next();
    if (next.done === true) throw new Error('the answer ended before its file began');
    head = Buffer.concat([head, next.value as Buffer]);
  }
}

/** Where the second part's content begins, once all of what stands before it has arrived. */
function splitHead(head: Buffer, boundary: string): { headers: Record<string, string>; rest: Buffer } | undefined {
  const delimiter = `--${boundary}`;
  const first = head.indexOf(delimiter);
  const second = first === -1 ? -1 : head.indexOf(`${LINE}${delimiter}${LINE}`, first + delimiter.length);
  if (second === -1) return undefined;
  const from = second + LINE.length + delimiter.length;
  const end = head.indexOf(LINE + LINE, from);
  if (end === -1) return undefined;
  return { headers: parseHeaders(head.subarray(from, end).toString('latin1')), rest: head.subarray(end + 2 * LINE.length) };
}

function parseHeaders(text: string): Record<string, string> {
  const lines = text.split(LINE).filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

/** The bytes up to the closing boundary. One that never comes means that the answer was cut short. */
async function* untilBoundary(start: Buffer, chunks: AsyncIterator<unknown>, boundary: string): AsyncGenerator<Buffer> {
  const delimiter = Buffer.from(`${LINE}--${boundary}`);
  let held = start;
  for (;;) {
    const end = held.indexOf(delimiter);
    if (end !== -1) {
      yield held.subarray(0, end);
      await chunks.return?.();
      return;
    }
    const safe = Math.max(0, held.length - delimiter.length);
    if (safe > 0) yield held.subarray(0, safe);
    const next = await chunks.next();
    if (next.done === true) throw new Error('the answer ended in the middle of its file');
    held = Buffer.concat([held.subarray(safe), next.value as Buffer]);
  }
}
