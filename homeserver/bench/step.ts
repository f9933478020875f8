import type { Target } from './http-user.ts';
import type { Figures } from './measure.ts';

/** One thing that is measured; the letters and numbers are those by which results are compared over time. */
export type Step = { id: string; about: string; run: (target: Target) => Promise<Figures> };
