import { timingSafeEqual } from 'node:crypto';
import { isJsonObject, type JsonObject, numberIn, objectIn, stringIn } from 'client/matrix/json.ts';
import type { Adapter } from './adapter.ts';
import { jsonAnswer, plainRefusal } from './answers.ts';
import { objectsIn } from './json-lists.ts';
import { bold, code, cut, join, lines, link, list, plain, quote, type Rich } from './rich-text.ts';

const MAX_COMMITS = 10;
const MAX_TITLE_CHARACTERS = 200;
const MAX_EXCERPT_CHARACTERS = 400;
const SHORT_SHA = 8;
const VERBS: { readonly [action: string]: string } = { open: 'opened', close: 'closed', reopen: 'reopened', merge: 'merged' };

/** GitLab's webhooks. https://docs.gitlab.com/user/project/integrations/webhook_events/ */
export const gitlabAdapter: Adapter = {
  dialect: 'gitlab',
  recognises: ({ headers }) => headers['x-gitlab-event'] !== undefined,
  render({ payload }) {
    if (!isJsonObject(payload)) return { kind: 'invalid', reason: 'a JSON object was expected' };
    const content = renderEvent(stringIn(payload, 'object_kind') ?? '', payload);
    return content === undefined ? { kind: 'nothing' } : { kind: 'messages', messages: [content] };
  },
  /** GitLab sends the secret itself. */
  verify({ headers }, secret) {
    const [given, expected] = [Buffer.from(headers['x-gitlab-token'] ?? ''), Buffer.from(secret)];
    return given.length === expected.length && timingSafeEqual(given, expected);
  },
  deliveryId: ({ headers }) => headers['idempotency-key'] ?? headers['x-gitlab-event-uuid'],
  accepted: jsonAnswer(200, { ok: true }),
  refused: plainRefusal,
};

function renderEvent(kind: string, payload: JsonObject): Rich | undefined {
  const subject = objectIn(payload, 'object_attributes');
  switch (kind) {
    case 'push':
    case 'tag_push':
      return renderPush(payload);
    case 'issue':
    case 'merge_request':
      return renderSubject(payload, kind.replace('_', ' '), subject);
    case 'note':
      return lines(
        sentence(payload, 'commented:', link(stringIn(subject, 'url') ?? '', stringIn(subject, 'noteable_type') ?? 'note')),
        quote(cut(stringIn(subject, 'note') ?? '', MAX_EXCERPT_CHARACTERS)),
      );
    case 'pipeline':
      return renderOutcome(payload, 'pipeline', stringIn(subject, 'status'), stringIn(subject, 'url'), stringIn(subject, 'ref'));
    case 'build':
      return renderOutcome(
        payload,
        `job ${stringIn(payload, 'build_name') ?? ''}`,
        stringIn(payload, 'build_status'),
        undefined,
        stringIn(payload, 'ref'),
      );
    case 'deployment':
      return renderOutcome(
        payload,
        'deployment',
        stringIn(payload, 'status'),
        stringIn(payload, 'deployable_url'),
        stringIn(payload, 'environment'),
      );
    case 'release':
      return sentence(
        payload,
        `release ${stringIn(payload, 'action') ?? ''}:`,
        link(stringIn(payload, 'url') ?? '', stringIn(payload, 'name')),
      );
    case 'wiki_page':
      return sentence(
        payload,
        `wiki page ${stringIn(subject, 'action') ?? ''}:`,
        link(stringIn(subject, 'url') ?? '', stringIn(subject, 'title')),
      );
    default:
      return undefined;
  }
}

function sentence(payload: JsonObject, verb: string, object: Rich | undefined): Rich {
  const project = objectIn(payload, 'project');
  const name = stringIn(objectIn(payload, 'user'), 'name') ?? stringIn(payload, 'user_name') ?? 'GitLab';
  const where = join(['[', link(stringIn(project, 'web_url') ?? '', stringIn(project, 'path_with_namespace') ?? 'GitLab'), ']']);
  return join([where, bold(name), plain(verb), object], ' ');
}

function renderPush(payload: JsonObject): Rich | undefined {
  const isTag = stringIn(payload, 'object_kind') === 'tag_push';
  const ref = code((stringIn(payload, 'ref') ?? '').replace(/^refs\/(?:heads|tags)\//, ''));
  if (isTag) return sentence(payload, stringIn(payload, 'checkout_sha') === undefined ? 'deleted tag' : 'pushed tag', ref);
  const commits = objectsIn(payload, 'commits');
  if (commits.length === 0) return undefined;
  const shown = commits.slice(-MAX_COMMITS).map((commit) => {
    const [title = ''] = (stringIn(commit, 'message') ?? '').split('\n', 1);
    const sha = code((stringIn(commit, 'id') ?? '').slice(0, SHORT_SHA));
    return join([
      link(stringIn(commit, 'url') ?? '', sha),
      ` ${cut(title, MAX_TITLE_CHARACTERS)} (${stringIn(objectIn(commit, 'author'), 'name') ?? ''})`,
    ]);
  });
  const total = numberIn(payload, 'total_commits_count') ?? commits.length;
  return lines(sentence(payload, `pushed ${total} commit${total === 1 ? '' : 's'} to`, ref), list(shown));
}

function renderSubject(payload: JsonObject, kind: string, subject: JsonObject | undefined): Rich | undefined {
  const action = stringIn(subject, 'action');
  if (action === undefined || action === 'update') return undefined;
  const mark = kind === 'issue' ? '#' : '!';
  const title = `${mark}${numberIn(subject, 'iid') ?? ''} ${cut(stringIn(subject, 'title') ?? '', MAX_TITLE_CHARACTERS)}`;
  const verb = Object.hasOwn(VERBS, action) ? VERBS[action] : action;
  return sentence(payload, `${verb} ${kind}`, link(stringIn(subject, 'url') ?? '', title));
}

/** Only how it ended: that it is pending or running is no news. */
function renderOutcome(
  payload: JsonObject,
  what: string,
  status: string | undefined,
  url: string | undefined,
  where: string | undefined,
): Rich | undefined {
  if (status !== 'success' && status !== 'failed' && status !== 'canceled') return undefined;
  const icon = status === 'success' ? '✅' : status === 'failed' ? '❌' : '⚪';
  return sentence(
    payload,
    `${icon} ${what}`,
    join([link(url ?? '', status), where === undefined ? undefined : join([' on ', code(where)])]),
  );
}
