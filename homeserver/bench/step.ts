import type { OwnTarget, Target } from './http-user.ts';
import type { Figures } from './measure.ts';

/**
 * One thing that is measured; the letters and numbers are those by which results are compared over time. Steps with servers of their own
 * need a homeserver that trusts the authority of those: that is the one which is started here.
 */
export type Step =
  | { id: string; about: string; needsOwn?: false; run: (target: Target) => Promise<Figures> }
  | { id: string; about: string; needsOwn: true; run: (target: OwnTarget) => Promise<Figures> };
