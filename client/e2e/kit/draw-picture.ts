import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const BIT_DEPTH = 8;
const RGB = 2;

/** A PNG with a gradient, and a word in its text chunk by which an unencrypted copy would be known. */
export function drawPicture({ widthPx, heightPx, word }: { widthPx: number; heightPx: number; word: string }): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(widthPx, 0);
  header.writeUInt32BE(heightPx, 4);
  header.set([BIT_DEPTH, RGB, 0, 0, 0], 8);
  const rows = Buffer.concat(Array.from({ length: heightPx }, (_, y) => drawRow(widthPx, y, heightPx)));
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from(`Comment\0${word}`)),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** One scan line: its filter byte, then red, green and blue of each pixel. */
function drawRow(widthPx: number, y: number, heightPx: number): Buffer {
  const row = Buffer.alloc(1 + widthPx * 3);
  for (let x = 0; x < widthPx; x += 1) row.set([Math.floor((255 * x) / widthPx), Math.floor((255 * y) / heightPx), 140], 1 + x * 3);
  return row;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
