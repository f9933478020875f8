/** How far into a page it may say how it is written. https://html.spec.whatwg.org/multipage/semantics.html#charset */
const PRESCAN_BYTES = 1024;
const FALLBACK = 'windows-1252';

/**
 * The text of a page: by its byte order mark, else by what the server said, else by what the page says, else UTF-8 where it is that.
 * What cannot be read becomes replacement characters.
 */
export function decodePage(bytes: Uint8Array, contentType: string): string {
  const said = markOf(bytes) ?? labelIn(contentType) ?? labelIn(Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString('latin1'));
  const decoder = said === undefined ? undefined : createDecoder(said);
  if (decoder !== undefined) return decoder.decode(bytes);
  try {
    // A page may have been cut in the middle of a character.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder(FALLBACK).decode(bytes);
  }
}

function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return undefined;
}

/** `charset=…` of a content type or a meta tag, or `encoding="…"` of an XML declaration. */
function labelIn(text: string): string | undefined {
  return /(?:charset|<\?xml[^>]{0,200}encoding)\s*=\s*["']?\s*([\w.:-]{2,40})/i.exec(text)?.[1];
}

/** Undefined for names of encodings that browsers do not know either. */
function createDecoder(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
