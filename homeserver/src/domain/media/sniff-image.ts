/** How many bytes at the front of a file tell what it is. */
export const SNIFFED_BYTES = 32;

const STARTS: readonly [type: string, at: number, bytes: readonly number[]][] = [
  ['image/png', 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['image/jpeg', 0, [0xff, 0xd8, 0xff]],
  ['image/gif', 0, [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', 8, [0x57, 0x45, 0x42, 0x50]],
  ['image/avif', 4, [0x66, 0x74, 0x79, 0x70, 0x61, 0x76, 0x69]],
];

/** The type of an image by its first bytes, among those that may reach the decoder; undefined for anything else. */
export function sniffImage(head: Uint8Array): string | undefined {
  return STARTS.find(([, at, bytes]) => bytes.every((byte, index) => head[at + index] === byte))?.[0];
}
