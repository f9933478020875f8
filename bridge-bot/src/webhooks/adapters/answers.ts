import type { HookAnswer } from '../inbound/hook-request.ts';
import type { HookProblem } from './adapter.ts';

const PROBLEMS: { readonly [Problem in HookProblem]: { status: number; message: string } } = {
  unknown: { status: 404, message: 'There is no such hook' },
  'bad-payload': { status: 400, message: 'The body could not be read; send JSON as this kind of hook expects it' },
  'no-text': { status: 400, message: 'The body holds nothing to show' },
  'bad-signature': { status: 401, message: 'The signature is missing, wrong or too old' },
  'too-large': { status: 413, message: 'The body is larger than 1 MB' },
  'rate-limited': { status: 429, message: 'Too many messages; try again later' },
  'not-in-room': { status: 410, message: 'The bot is no longer in the room of this hook' },
  busy: { status: 503, message: 'Too much waits to be posted; try again later' },
};

export function statusOf(problem: HookProblem): number {
  return PROBLEMS[problem].status;
}

export function messageOf(problem: HookProblem): string {
  return PROBLEMS[problem].message;
}

export function textAnswer(status: number, body: string): HookAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export function jsonAnswer(status: number, value: unknown): HookAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

/** A refusal for those that have no form of their own for it. */
export function plainRefusal(problem: HookProblem): HookAnswer {
  return jsonAnswer(statusOf(problem), { ok: false, error: messageOf(problem) });
}
