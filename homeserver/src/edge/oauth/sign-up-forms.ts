import { CAPTCHA_STAGE, TERMS_STAGE } from '../../domain/accounts/sign-up-conditions.ts';
import { DUMMY_STAGE, EMAIL_STAGE, REGISTRATION_TOKEN_STAGE } from '../../domain/accounts/uia-stages.ts';
import { MatrixError } from '../../platform/matrix-error.ts';
import type { RawResponse } from '../http/route.ts';
import { captchaField, policiesField } from '../pages/condition-fields.ts';
import { type Html, html } from '../pages/html.ts';
import { page } from '../pages/page.ts';
import type { SignInDeps, SignInPlace } from './sign-in-place.ts';

type Form = Readonly<Record<string, string>>;
type SignUpPlace = Pick<SignInPlace, 'visitor' | 'reason'> & { signInUrl: string };
/** What a form is shown with again. */
type Again = { failure?: string | undefined; form?: Form };

export type SignUpForms = {
  show(place: SignUpPlace): RawResponse;
  /** A page, or the account that was made; undefined when the form is another's. */
  submit(place: SignUpPlace & { isLoopback: boolean }, form: Form): Promise<RawResponse | { userId: string } | undefined>;
};

const FIRST_ATTEMPT = 1;

/** Making an account on our own pages, by the steps that the server's registration asks for. */
export function createSignUpForms({ accounts, oauth, registration }: Omit<SignInDeps, 'visitors' | 'sso'>): SignUpForms {
  const { policies, captcha } = accounts.uiaFallback.conditions;

  function show({ visitor, reason, signInUrl }: SignUpPlace, { failure, form = {} }: Again, fields: Html, button: Html): RawResponse {
    const isLast = registration !== 'email' || form['sid'] !== undefined;
    return page({
      status: failure === undefined ? 200 : 400,
      title: 'Create an account',
      cookies: visitor.cookies,
      captcha: captcha !== undefined && isLast,
      body: html`<p>${reason}</p>
${failure !== undefined && html`<p role="alert">${failure}</p>`}
<form method="post">${visitor.formToken}${form['sid'] !== undefined && hidden('sid', form['sid'])}${form['email'] !== undefined && form['sid'] !== undefined && hidden('email', form['email'])}
${fields}${policies !== undefined && isLast && policiesField(policies)}${captcha !== undefined && isLast && captchaField(captcha)}${button}</form>
<p>Already have an account? <a href="${signInUrl}">Sign in</a></p>`,
    });
  }

  const hasAccepted = (form: Form) => Object.keys(policies ?? {}).every((name) => form[`accept_${name}`] === 'yes');

  const showAddress = (place: SignUpPlace, again: Again = {}) =>
    show(
      place,
      again,
      html`<label>E-mail address
<input name="email" type="email" autocomplete="email" required autofocus value="${again.form?.['email'] ?? ''}"></label>`,
      html`<button class="main" name="do" value="mail-code">Send me a code</button>`,
    );

  const showDetails = (place: SignUpPlace, again: Again = {}) =>
    show(
      place,
      again,
      html`${again.form?.['sid'] !== undefined && codeField(again.form['email'] ?? '')}${registration === 'token' && tokenField(again.form)}
<label>User name
<input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${again.form?.['username'] ?? ''}"></label>
<label>Password
<input name="password" type="password" autocomplete="new-password" minlength="8" required></label>`,
      html`<button class="main" name="do" value="sign-up">Create account</button>`,
    );

  async function mailCode(place: SignUpPlace & { isLoopback: boolean }, form: Form): Promise<RawResponse> {
    const email = form['email'] ?? '';
    try {
      accounts.register.checkEmailOffered();
      const clientSecret = place.visitor.secret;
      const { isLoopback } = place;
      const { sid } = await accounts.emailValidations.request({
        purpose: 'register',
        email,
        clientSecret,
        sendAttempt: FIRST_ATTEMPT,
        isLoopback,
      });
      return showDetails(place, { form: { sid, email } });
    } catch (error) {
      return showAddress(place, { failure: messageOf(error), form: { email } });
    }
  }

  async function signUp(place: SignUpPlace & { isLoopback: boolean }, form: Form): Promise<RawResponse | { userId: string }> {
    const { sid, username = '', password = '', code = '', token } = form;
    const clientSecret = place.visitor.secret;
    try {
      if (sid !== undefined) await accounts.emailValidations.submitCode({ sid, clientSecret, code });
      const proofs = {
        [DUMMY_STAGE]: {},
        ...(hasAccepted(form) ? { [TERMS_STAGE]: {} } : {}),
        ...(captcha === undefined ? {} : { [CAPTCHA_STAGE]: { response: form['g-recaptcha-response'] ?? '' } }),
        ...(sid === undefined ? {} : { [EMAIL_STAGE]: { threepid_creds: { sid, client_secret: clientSecret } } }),
        ...(token === undefined ? {} : { [REGISTRATION_TOKEN_STAGE]: { token } }),
      };
      return { userId: await oauth.signUp({ username: username.trim(), password, isLoopback: place.isLoopback, proofs }) };
    } catch (error) {
      return showDetails(place, { failure: messageOf(error), form });
    }
  }

  return {
    show: (place) => (registration === 'email' ? showAddress(place) : showDetails(place)),
    async submit(place, form) {
      if (form['do'] === 'mail-code') return await mailCode(place, form);
      return form['do'] === 'sign-up' ? await signUp(place, form) : undefined;
    },
  };
}

function codeField(email: string): Html {
  return html`<p role="status">We have sent a code to <strong>${email}</strong>.</p>
<label>Code from the mail
<input name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus></label>`;
}

function tokenField(form: Form | undefined): Html {
  return html`<label>Registration token
<input name="token" autocomplete="off" required value="${form?.['token'] ?? ''}"></label>`;
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

/** What a refusal says; anything that is no refusal goes on its way. */
function messageOf(error: unknown): string {
  if (!(error instanceof MatrixError)) throw error;
  return error.message === '' ? 'Something is missing. Please fill in every field.' : error.message;
}
