import { parseUserId } from 'federation-spec/identifiers/user-id.ts';

/** Whether the text is a whole user id, such as `@juliet:example.org`. */
export function isUserId(text: string): boolean {
  return parseUserId(text) !== undefined;
}
