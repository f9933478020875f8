import { isJsonObject, stringIn } from 'client/matrix/json.ts';
import type { Adapter } from './adapter.ts';
import { jsonAnswer, plainRefusal } from './answers.ts';
import { bold, codeBlock, cut, lines, plain } from './rich-text.ts';

const MAX_CHARACTERS = 4_000;

/** Anything else: `text` (and `username`) when the body has them, else the body as it is, in a block of code. */
export const genericAdapter: Adapter = {
  dialect: 'generic',
  recognises: () => true,
  render({ payload, body }) {
    if (body.length === 0) return { kind: 'nothing' };
    if (typeof payload === 'string') return { kind: 'messages', messages: [plain(cut(payload, MAX_CHARACTERS))] };
    const text = isJsonObject(payload) ? stringIn(payload, 'text') : undefined;
    if (text === undefined) return { kind: 'messages', messages: [codeBlock(cut(JSON.stringify(payload, null, 2), MAX_CHARACTERS))] };
    if (text.trim() === '') return { kind: 'nothing' };
    const name = stringIn(payload, 'username');
    return { kind: 'messages', messages: [lines(name === undefined ? undefined : bold(name), cut(text, MAX_CHARACTERS))] };
  },
  deliveryId: ({ headers }) => headers['idempotency-key'] ?? headers['webhook-id'],
  accepted: jsonAnswer(200, { ok: true }),
  refused: plainRefusal,
};
