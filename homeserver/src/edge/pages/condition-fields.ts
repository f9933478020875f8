import type { Captcha, Policies } from '../../domain/accounts/sign-up-conditions.ts';
import { type Html, html } from './html.ts';

const FIRST_LANGUAGE = 'en';

/** The documents to accept, each with a box to tick, in English where there is such a translation. */
export function policiesField(policies: Policies): Html {
  const boxes = Object.entries(policies).map(([name, { translations }]) => {
    const shown = translations[FIRST_LANGUAGE] ?? Object.values(translations)[0];
    return html`<label class="check"><input type="checkbox" name="accept_${name}" value="yes" required>I accept the <a href="${shown?.url ?? ''}" target="_blank" rel="noreferrer noopener">${shown?.name ?? name}</a></label>`;
  });
  return html`${boxes}`;
}

/** Where the captcha's script puts its widget. */
export function captchaField({ siteKey }: Captcha): Html {
  return html`<div class="g-recaptcha" data-sitekey="${siteKey}"></div>`;
}
