import { type JsonObject, numberIn, objectIn, stringIn } from 'client/matrix/json.ts';
import { objectsIn } from './json-lists.ts';
import { bold, code, cut, join, lines, link, list, plain, quote, type Rich } from './rich-text.ts';

const MAX_COMMITS = 10;
const MAX_TITLE_CHARACTERS = 200;
const MAX_EXCERPT_CHARACTERS = 400;
const SHORT_SHA = 7;

type Render = (payload: JsonObject, action: string | undefined) => Rich | undefined;

/** What is worth a message of each event. Those not named, and actions that are only bookkeeping, say nothing. */
const EVENTS: { readonly [event: string]: Render } = {
  push: renderPush,
  pull_request: (payload, action) => {
    const request = objectIn(payload, 'pull_request');
    const verb = action === 'closed' && request?.['merged'] === true ? 'merged' : verbOf(action, PULL_REQUEST_VERBS);
    return verb === undefined ? undefined : renderSubject(payload, verb, 'pull request', request, action === 'opened');
  },
  pull_request_review: (payload, action) => {
    const review = objectIn(payload, 'review');
    const verb = verbOf(stringIn(review, 'state')?.toLowerCase(), REVIEW_VERBS);
    if (action !== 'submitted' || verb === undefined) return undefined;
    return renderComment(payload, verb, 'pull request', objectIn(payload, 'pull_request'), review);
  },
  pull_request_review_comment: (payload, action) =>
    action === 'created'
      ? renderComment(payload, 'commented on', 'pull request', objectIn(payload, 'pull_request'), objectIn(payload, 'comment'))
      : undefined,
  issues: (payload, action) => {
    const verb = verbOf(action, ISSUE_VERBS);
    return verb === undefined ? undefined : renderSubject(payload, verb, 'issue', objectIn(payload, 'issue'), action === 'opened');
  },
  issue_comment: (payload, action) => {
    const issue = objectIn(payload, 'issue');
    const kind = issue?.['pull_request'] === undefined ? 'issue' : 'pull request';
    return action === 'created' ? renderComment(payload, 'commented on', kind, issue, objectIn(payload, 'comment')) : undefined;
  },
  commit_comment: (payload) => {
    const comment = objectIn(payload, 'comment');
    const sha = code(stringIn(comment, 'commit_id')?.slice(0, SHORT_SHA) ?? '');
    return lines(sentence(payload, 'commented on', link(stringIn(comment, 'html_url') ?? '', sha)), excerpt(comment));
  },
  discussion: (payload, action) => {
    const verb = verbOf(action, DISCUSSION_VERBS);
    return verb === undefined
      ? undefined
      : renderSubject(payload, verb, 'discussion', objectIn(payload, 'discussion'), action === 'created');
  },
  discussion_comment: (payload, action) =>
    action === 'created'
      ? renderComment(payload, 'commented on', 'discussion', objectIn(payload, 'discussion'), objectIn(payload, 'comment'))
      : undefined,
  release: (payload, action) => {
    const release = objectIn(payload, 'release');
    if (action !== 'published' && action !== 'released') return undefined;
    // A first publication comes as both; one of them is enough.
    if (action === 'released') return undefined;
    const name = stringIn(release, 'name') || stringIn(release, 'tag_name') || 'release';
    return lines(
      sentence(payload, 'published release', link(stringIn(release, 'html_url') ?? '', cut(name, MAX_TITLE_CHARACTERS))),
      excerpt(release),
    );
  },
  create: (payload) => sentence(payload, `created ${stringIn(payload, 'ref_type') ?? 'ref'}`, code(stringIn(payload, 'ref') ?? '')),
  delete: (payload) => sentence(payload, `deleted ${stringIn(payload, 'ref_type') ?? 'ref'}`, code(stringIn(payload, 'ref') ?? '')),
  fork: (payload) => {
    const fork = objectIn(payload, 'forkee');
    return sentence(payload, 'forked it to', link(stringIn(fork, 'html_url') ?? '', stringIn(fork, 'full_name')));
  },
  star: (payload, action) => (action === 'created' ? sentence(payload, 'starred it ⭐', undefined) : undefined),
  member: (payload, action) =>
    sentence(payload, `${action ?? 'changed'} the collaborator`, plain(stringIn(objectIn(payload, 'member'), 'login') ?? '')),
  workflow_run: (payload, action) =>
    action === 'completed' ? renderRun(payload, 'workflow', objectIn(payload, 'workflow_run')) : undefined,
  check_run: (payload, action) => (action === 'completed' ? renderRun(payload, 'check', objectIn(payload, 'check_run')) : undefined),
  check_suite: (payload, action) =>
    action === 'completed' ? renderRun(payload, 'check suite', objectIn(payload, 'check_suite')) : undefined,
  deployment_status: (payload) => {
    const status = objectIn(payload, 'deployment_status');
    const state = stringIn(status, 'state') ?? 'unknown';
    const where = plain(`${stringIn(status, 'environment') ?? 'deployment'}: ${state}`);
    return sentence(payload, `${iconOf(state)} deployed to`, link(stringIn(status, 'target_url') ?? '', where));
  },
  dependabot_alert: (payload, action) =>
    renderSecurity(payload, action, 'Dependabot alert', stringIn(objectIn(objectIn(payload, 'alert'), 'security_advisory'), 'summary')),
  code_scanning_alert: (payload, action) =>
    renderSecurity(payload, action, 'code scanning alert', stringIn(objectIn(objectIn(payload, 'alert'), 'rule'), 'description')),
  secret_scanning_alert: (payload, action) =>
    renderSecurity(payload, action, 'secret scanning alert', stringIn(objectIn(payload, 'alert'), 'secret_type')),
  repository_vulnerability_alert: (payload, action) =>
    renderSecurity(payload, action, 'vulnerability alert', stringIn(objectIn(payload, 'alert'), 'affected_package_name')),
};

type Verbs = { readonly [action: string]: string };
const PULL_REQUEST_VERBS: Verbs = { opened: 'opened', closed: 'closed', reopened: 'reopened', ready_for_review: 'marked ready for review' };
const ISSUE_VERBS: Verbs = { opened: 'opened', closed: 'closed', reopened: 'reopened', transferred: 'transferred', deleted: 'deleted' };
const DISCUSSION_VERBS: Verbs = { created: 'started', answered: 'answered', closed: 'closed', reopened: 'reopened', deleted: 'deleted' };
const REVIEW_VERBS: Verbs = { approved: 'approved ✅', changes_requested: 'requested changes to', commented: 'reviewed' };

/** What to post about an event; nothing when it is not worth a message. */
export function renderGithubEvent(event: string, action: string | undefined, payload: JsonObject): Rich | undefined {
  const render = Object.hasOwn(EVENTS, event) ? EVENTS[event] : undefined;
  return render?.(payload, action);
}

function verbOf(action: string | undefined, verbs: Verbs): string | undefined {
  return action !== undefined && Object.hasOwn(verbs, action) ? verbs[action] : undefined;
}

/** `[owner/repository] somebody did it: object` */
function sentence(payload: JsonObject, verb: string, object: Rich | undefined): Rich {
  const repository = objectIn(payload, 'repository') ?? objectIn(payload, 'organization');
  const name = stringIn(repository, 'full_name') ?? stringIn(repository, 'login') ?? 'GitHub';
  const sender = stringIn(objectIn(payload, 'sender'), 'login') ?? 'somebody';
  const where = join(['[', link(stringIn(repository, 'html_url') ?? '', name), ']']);
  return join([where, bold(sender), plain(verb), object], ' ');
}

/** A pull request, issue or discussion with its number and title, and the beginning of its text when it is new. */
function renderSubject(payload: JsonObject, verb: string, kind: string, subject: JsonObject | undefined, isNew: boolean): Rich {
  return lines(sentence(payload, `${verb} ${kind}`, titleOf(subject)), isNew ? excerpt(subject) : undefined);
}

function renderComment(
  payload: JsonObject,
  verb: string,
  kind: string,
  subject: JsonObject | undefined,
  comment: JsonObject | undefined,
): Rich {
  const url = stringIn(comment, 'html_url') ?? stringIn(subject, 'html_url') ?? '';
  return lines(sentence(payload, `${verb} ${kind}`, link(url, titleOf(subject).text.replace(/ \(https?:[^ ]*\)$/, ''))), excerpt(comment));
}

function titleOf(subject: JsonObject | undefined): Rich {
  const number = numberIn(subject, 'number');
  const title = cut(stringIn(subject, 'title') ?? '', MAX_TITLE_CHARACTERS);
  return link(stringIn(subject, 'html_url') ?? '', `${number === undefined ? '' : `#${number} `}${title}`);
}

/** The beginning of what somebody wrote, as plain text. */
function excerpt(written: JsonObject | undefined): Rich | undefined {
  const body = stringIn(written, 'body')?.trim();
  return body === undefined || body === '' ? undefined : quote(cut(body, MAX_EXCERPT_CHARACTERS));
}

function renderPush(payload: JsonObject): Rich | undefined {
  const branch = (stringIn(payload, 'ref') ?? '').replace(/^refs\/(?:heads|tags)\//, '');
  const commits = objectsIn(payload, 'commits');
  // Creating and deleting a branch or tag come as events of their own.
  if (commits.length === 0) return payload['forced'] === true ? sentence(payload, 'force-pushed', code(branch)) : undefined;
  const count = `${commits.length} commit${commits.length === 1 ? '' : 's'}`;
  const verb = payload['forced'] === true ? 'force-pushed' : 'pushed';
  const head = sentence(payload, verb, join([link(stringIn(payload, 'compare') ?? '', count), ' to ', code(branch)]));
  const rest = commits.length > MAX_COMMITS ? plain(`and ${commits.length - MAX_COMMITS} more`) : undefined;
  return lines(head, list(commits.slice(0, MAX_COMMITS).map(renderCommit)), rest);
}

function renderCommit(commit: JsonObject): Rich {
  const [subject = ''] = (stringIn(commit, 'message') ?? '').split('\n', 1);
  const author = objectIn(commit, 'author');
  const name = stringIn(author, 'username') ?? stringIn(author, 'name') ?? 'somebody';
  const sha = code((stringIn(commit, 'id') ?? '').slice(0, SHORT_SHA));
  return join([link(stringIn(commit, 'url') ?? '', sha), ` ${cut(subject, MAX_TITLE_CHARACTERS)} (${name})`]);
}

function renderRun(payload: JsonObject, kind: string, run: JsonObject | undefined): Rich {
  const conclusion = stringIn(run, 'conclusion') ?? 'unknown';
  const name = stringIn(run, 'name') ?? stringIn(objectIn(run, 'app'), 'name') ?? kind;
  const branch = stringIn(run, 'head_branch') ?? stringIn(objectIn(run, 'check_suite'), 'head_branch');
  const label = link(stringIn(run, 'html_url') ?? '', cut(name, MAX_TITLE_CHARACTERS));
  const where = branch === undefined ? undefined : join([' on ', code(branch)]);
  return sentence(payload, `${iconOf(conclusion)} ${kind}`, join([label, where, `: ${conclusion.replaceAll('_', ' ')}`]));
}

function iconOf(outcome: string): string {
  if (outcome === 'success') return '✅';
  return outcome === 'failure' || outcome === 'error' || outcome === 'timed_out' ? '❌' : '⚪';
}

function renderSecurity(payload: JsonObject, action: string | undefined, kind: string, about: string | undefined): Rich {
  const alert = objectIn(payload, 'alert');
  const label = cut(about ?? `#${numberIn(alert, 'number') ?? ''}`, MAX_TITLE_CHARACTERS);
  return sentence(payload, `🛡️ ${kind} ${(action ?? 'changed').replaceAll('_', ' ')}:`, link(stringIn(alert, 'html_url') ?? '', label));
}
