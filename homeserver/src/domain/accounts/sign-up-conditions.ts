/** A document in its languages: https://spec.matrix.org/latest/client-server-api/#terms-of-service-at-registration */
export type PolicyTranslation = { name: string; url: string };
export type Policy = { version: string; translations: Readonly<Record<string, PolicyTranslation>> };
/** By name, such as `privacy_policy`. */
export type Policies = Readonly<Record<string, Policy>>;

/** Something that tells people from machines. https://spec.matrix.org/latest/client-server-api/#google-recaptcha */
export type Captcha = {
  /** What the widget is shown with. */
  siteKey: string;
  /** Asks the service whether what the widget gave is right. */
  isSolved(response: string): Promise<boolean>;
};

/** What a newcomer must do beside proving an address or showing a token. */
export type SignUpConditions = { policies: Policies | undefined; captcha: Captcha | undefined };

export const TERMS_STAGE = 'm.login.terms';
export const CAPTCHA_STAGE = 'm.login.recaptcha';

/** The stages that come before those of a flow. */
export function conditionStages({ policies, captcha }: SignUpConditions): string[] {
  return [...(captcha === undefined ? [] : [CAPTCHA_STAGE]), ...(policies === undefined ? [] : [TERMS_STAGE])];
}

/** What a client needs to show the stages, in the wire's names. */
export function conditionParams({ policies, captcha }: SignUpConditions): Record<string, unknown> {
  return {
    ...(captcha === undefined ? {} : { [CAPTCHA_STAGE]: { public_key: captcha.siteKey } }),
    ...(policies === undefined ? {} : { [TERMS_STAGE]: { policies: describePolicies(policies) } }),
  };
}

function describePolicies(policies: Policies): Record<string, unknown> {
  const entries = Object.entries(policies).map(([name, { version, translations }]) => [name, { version, ...translations }]);
  return Object.fromEntries(entries);
}
