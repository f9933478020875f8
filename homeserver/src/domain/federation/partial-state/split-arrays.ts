/** An element of one of the arrays, as it was written. */
export type ArrayElement = { name: string; json: Uint8Array };

type Limits = { maxBytes: number; maxElementBytes: number };

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
/** How deep the elements of the arrays stand: the document, the array. */
const ELEMENT_DEPTH = 2;

/**
 * Reads a JSON object as it arrives and gives the objects in those of its arrays that are asked for, one by one, so that an answer of any
 * length is never held as a whole. What it gives is not checked to be JSON: whoever reads it does that.
 *
 * Throws when the document is longer than it may be, an element is, or the stream ends within it.
 */
export async function* splitArrays(
  stream: AsyncIterable<Uint8Array>,
  names: readonly string[],
  { maxBytes, maxElementBytes }: Limits,
): AsyncGenerator<ArrayElement> {
  let total = 0;
  let depth = 0;
  let hasBegun = false;
  let inString = false;
  let isEscaped = false;
  let text: number[] = [];
  let key = '';
  let array: string | undefined;
  let element: Uint8Array[] | undefined;
  let elementBytes = 0;

  for await (const chunk of stream) {
    total += chunk.length;
    if (total > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    let start = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inString = false;
        else if (depth === 1 && text.length < MAX_KEY_BYTES) text.push(byte);
        continue;
      }
      if (byte === QUOTE) {
        inString = true;
        text = [];
      } else if (byte === COLON && depth === 1) key = String.fromCharCode(...text);
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        hasBegun = true;
        if (depth === 1 && byte === OPEN_BRACKET && names.includes(key)) array = key;
        if (depth === ELEMENT_DEPTH && array !== undefined && byte === OPEN_BRACE) {
          element = [];
          elementBytes = 0;
          start = index;
        }
        depth += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth === ELEMENT_DEPTH && element !== undefined && array !== undefined) {
          element.push(chunk.slice(start, index + 1));
          yield { name: array, json: Buffer.concat(element) };
          element = undefined;
        }
        if (depth === 1) array = undefined;
      }
    }
    if (element !== undefined) {
      element.push(chunk.slice(start));
      elementBytes += chunk.length - start;
      if (elementBytes > maxElementBytes) throw new Error(`an element of the answer is longer than ${maxElementBytes} bytes`);
    }
  }
  if (!hasBegun || depth !== 0) throw new Error('the answer breaks off');
}

/** Keys of the document that are longer are none of those asked for. */
const MAX_KEY_BYTES = 100;
