const encoder = new TextEncoder();

/** The bytes of a string in UTF-8. A lone surrogate becomes U+FFFD: refuse it before. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** How many bytes a string takes in UTF-8, without making them. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(i + 1))) {
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** Whether every surrogate stands in a pair, so that the string has a form in UTF-8. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
