import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { readMultipart } from './read-multipart.ts';

const TYPE = 'multipart/mixed; boundary="cut here"';
const ANSWER = [
  '--cut here',
  'Content-Type: application/json',
  '',
  '{}',
  '--cut here',
  'Content-Type: text/plain',
  'Content-Disposition: attachment; filename="a.txt"',
  '',
  'line one\r\n--cut, but not here\r\nline two',
  '--cut here--',
  '',
].join('\r\n');

/** The same bytes in pieces of every size. */
function inPieces(answer: string, size: number): Readable {
  const bytes = Buffer.from(answer);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
  return Readable.from(pieces, { objectMode: false });
}

test('the file comes whole, however the answer is cut into pieces', async () => {
  for (const size of [1, 2, 3, 7, 16, 1_000]) {
    const { headers, stream } = await readMultipart(TYPE, inPieces(ANSWER, size));
    expect(headers).toMatchObject({ 'content-type': 'text/plain' });
    expect(await text(stream)).toBe('line one\r\n--cut, but not here\r\nline two');
  }
});

test('a file that is cut short is an error, not a shorter file', async () => {
  const { stream } = await readMultipart(TYPE, inPieces(ANSWER.slice(0, -20), 10));
  await expect(text(stream)).rejects.toThrow(/middle of its file/);
});

test('what is no such answer is refused, and so is one that never begins', async () => {
  await expect(readMultipart('text/plain', inPieces(ANSWER, 10))).rejects.toThrow(/multipart/);
  await expect(readMultipart(TYPE, inPieces('x'.repeat(100_000), 1_000))).rejects.toThrow(/begin after/);
  await expect(readMultipart(TYPE, inPieces('--cut here\r\n', 5))).rejects.toThrow(/before its file/);
});
