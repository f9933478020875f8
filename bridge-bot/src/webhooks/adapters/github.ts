import { isJsonObject, stringIn } from 'client/matrix/json.ts';
import type { Adapter } from './adapter.ts';
import { jsonAnswer, plainRefusal } from './answers.ts';
import { renderGithubEvent } from './github-events.ts';
import { isHmacSha256 } from './signatures.ts';

const SIGNATURE_PREFIX = 'sha256=';

/** GitHub's webhooks; Gitea and Forgejo speak nearly the same. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export const githubAdapter: Adapter = {
  dialect: 'github',
  recognises: ({ headers }) => eventOf(headers) !== undefined,
  render({ headers, payload }) {
    const event = eventOf(headers);
    if (event === undefined) return { kind: 'invalid', reason: 'the header X-GitHub-Event is missing' };
    if (!isJsonObject(payload)) return { kind: 'invalid', reason: 'a JSON object was expected' };
    const content = renderGithubEvent(event, stringIn(payload, 'action'), payload);
    return content === undefined ? { kind: 'nothing' } : { kind: 'messages', messages: [content] };
  },
  verify({ headers, body }, secret) {
    const gitea = headers['x-gitea-signature'];
    const github = headers['x-hub-signature-256'];
    if (github !== undefined)
      return github.startsWith(SIGNATURE_PREFIX) && isHmacSha256(secret, [body], github.slice(SIGNATURE_PREFIX.length));
    return gitea !== undefined && isHmacSha256(secret, [body], gitea);
  },
  deliveryId: ({ headers }) => headers['x-github-delivery'] ?? headers['x-gitea-delivery'],
  accepted: jsonAnswer(200, { ok: true }),
  refused: plainRefusal,
};

/** Gitea sends GitHub's header beside its own. */
function eventOf(headers: Readonly<Record<string, string>>): string | undefined {
  return headers['x-github-event'] ?? headers['x-gitea-event'];
}
