import type { Config } from './config/config.ts';
import { readPolicies } from './config/read-policies.ts';
import type { Captcha, SignUpConditions } from './domain/accounts/sign-up-conditions.ts';
import { createHttpClient, type HttpClient } from './platform/http-client/http-client.ts';
import { readExtraCa } from './platform/http-client/read-ca.ts';

/** A captcha service's answer is short, and soon. */
const VERIFY_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;

/** What newcomers must do, by the settings. */
export async function composeSignUp(config: Config): Promise<{ conditions: SignUpConditions; close: () => Promise<void> }> {
  const http = createHttpClient({ extraCa: await readExtraCa(config.outboundCa), verifyTls: config.outboundTlsVerify });
  const policies = config.terms === undefined ? undefined : await readPolicies(config.terms);
  return { conditions: { policies, captcha: composeCaptcha(config, http) }, close: http.close };
}

function composeCaptcha({ captchaSiteKey, captchaSecret, captchaVerifyUrl }: Config, http: HttpClient): Captcha | undefined {
  if (captchaSiteKey === undefined || captchaSecret === undefined) return undefined;
  return {
    siteKey: captchaSiteKey,
    async isSolved(response) {
      const { status, body } = await http.request({
        method: 'POST',
        url: captchaVerifyUrl,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ secret: captchaSecret, response }).toString(),
        timeoutMs: VERIFY_TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
      });
      if (status !== 200) throw new Error(`the captcha service answered ${status}`);
      const answer: unknown = JSON.parse(new TextDecoder().decode(body));
      return typeof answer === 'object' && answer !== null && 'success' in answer && answer.success === true;
    },
  };
}
