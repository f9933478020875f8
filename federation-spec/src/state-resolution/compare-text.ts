/**
 * Compares texts by Unicode code points, as the bytes of their UTF-8 compare. JavaScript's `<` compares UTF-16 units, which puts
 * U+10000 and above before U+E000; event ids of versions 1 and 2 may hold either.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    if (a[at] !== b[at]) return (a.codePointAt(at) ?? 0) - (b.codePointAt(at) ?? 0);
  }
  return a.length - b.length;
}
