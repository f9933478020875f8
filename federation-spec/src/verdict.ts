/** What a rule says about an event: allowed, or refused with a reason a person can act on. */
export type Verdict = { allowed: true } | { allowed: false; reason: string };

const ALLOWED: Verdict = Object.freeze({ allowed: true });

/** The verdict that lets something pass. */
export function allow(): Verdict {
  return ALLOWED;
}

/** The verdict that stops something; `reason` says what was wrong and with which value. */
export function refuse(reason: string): Verdict {
  return { allowed: false, reason };
}
