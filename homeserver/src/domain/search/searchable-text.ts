import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';
import type { SearchKey } from '../../storage/search.ts';

/** So much of a text is searched. */
const MAX_TEXT_LENGTH = 16_384;

/** The types of event that have something to be found. */
export const SEARCHED_TYPES: ReadonlySet<string> = new Set(['m.room.message', 'm.room.name', 'm.room.topic']);

/** The event type behind each key. */
export const TYPE_OF_KEY: Readonly<Record<SearchKey, string>> = {
  'content.body': 'm.room.message',
  'content.name': 'm.room.name',
  'content.topic': 'm.room.topic',
};

/** What can be found of an event, or of the edit that stands for it. https://spec.matrix.org/latest/client-server-api/#search-categories */
export function searchableText(
  { type, content, state_key: stateKey }: Pdu,
  edit?: Pdu,
): { key: SearchKey; text: string; hasUrl: boolean } | undefined {
  const edited = edit?.content['m.new_content'];
  const shown = isJsonObject(edited) ? edited : content;
  const found = findText(type, stateKey !== undefined, shown);
  if (found === undefined) return undefined;
  const text = found.text.replaceAll('\0', '').slice(0, MAX_TEXT_LENGTH).toWellFormed().trim();
  return text === '' ? undefined : { key: found.key, text, hasUrl: typeof shown['url'] === 'string' };
}

function findText(type: string, isState: boolean, content: JsonObject): { key: SearchKey; text: string } | undefined {
  const [body, name, topic] = [content['body'], content['name'], content['topic']];
  if (type === 'm.room.message' && !isState && typeof body === 'string') return { key: 'content.body', text: body };
  if (type === 'm.room.name' && isState && typeof name === 'string') return { key: 'content.name', text: name };
  if (type !== 'm.room.topic' || !isState) return undefined;
  const texts = [...(typeof topic === 'string' ? [topic] : []), ...plainTexts(content['m.topic'])];
  return texts.length === 0 ? undefined : { key: 'content.topic', text: [...new Set(texts)].join('\n') };
}

/** The plain representations of a topic. https://spec.matrix.org/latest/client-server-api/#mroomtopic */
function plainTexts(topic: unknown): string[] {
  const variants: unknown = isJsonObject(topic) ? topic['m.text'] : undefined;
  if (!Array.isArray(variants)) return [];
  return variants.flatMap((variant: unknown) => {
    if (!isJsonObject(variant) || typeof variant['body'] !== 'string') return [];
    return (variant['mimetype'] ?? 'text/plain') === 'text/plain' ? [variant['body']] : [];
  });
}
