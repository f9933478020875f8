import type { HookAnswer, HookRequest } from '../inbound/hook-request.ts';

export const DIALECTS = ['slack', 'grafana', 'alertmanager', 'github', 'discord', 'gitlab', 'generic'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** A message for a room: plain text, and the same as HTML made by us from escaped text (never a sender's own). */
export type HookMessage = {
  text: string;
  html: string;
  /** Messages of one key are one message, edited in place: an alert that fires, then is resolved. */
  threadKey?: string;
  /** The last word on its key: the next one begins a new message. */
  isFinal?: boolean;
};

/** What a request asks to be posted. `invalid` tells the sender why not. */
export type Rendering = { kind: 'messages'; messages: readonly HookMessage[] } | { kind: 'nothing' } | { kind: 'invalid'; reason: string };

/** Why a request was refused; each dialect has its own words for it. */
export type HookProblem = 'unknown' | 'bad-payload' | 'no-text' | 'bad-signature' | 'too-large' | 'rate-limited' | 'not-in-room' | 'busy';

/** One way that senders speak. */
export type Adapter = {
  dialect: Dialect;
  /** Whether a request without a dialect in its address speaks so. */
  recognises(request: HookRequest): boolean;
  render(request: HookRequest): Rendering;
  /** Checks the sender's signature; there only where senders can sign. */
  verify?(request: HookRequest, signingSecret: string, nowMs: number): boolean;
  /** What tells a delivery from another one; a redelivery has the same. */
  deliveryId?(request: HookRequest): string | undefined;
  accepted: HookAnswer;
  refused(problem: HookProblem): HookAnswer;
};
