import type { Mail } from '../../platform/mailer.ts';
import type { EmailPurpose } from '../../storage/email-validations.ts';

type CodeMail = { to: string; purpose: EmailPurpose; code: string; link: string; serverName: string; lifetimeMinutes: number };

const OCCASIONS: Record<EmailPurpose, { subject: string; because: string }> = {
  register: { subject: 'is your sign-up code', because: 'Somebody, hopefully you, is making an account' },
  'reset-password': { subject: 'is your code for a new password', because: 'Somebody, hopefully you, wants to set a new password' },
  'add-address': { subject: 'is your code', because: 'Somebody, hopefully you, wants to add this address to an account' },
};

/** The mail that carries a one-time code, and a link for clients without a field to type the code into. */
export function codeMail({ to, purpose, code, link, serverName, lifetimeMinutes }: CodeMail): Mail {
  const { subject, because } = OCCASIONS[purpose];
  const paragraphs = [
    `${because} on ${serverName}.`,
    `The code is ${code}. It is good for ${lifetimeMinutes} minutes.`,
    `If there is nowhere to type it, open this link instead: ${link}`,
    'If it was not you, do nothing, and tell the code to nobody.',
  ];
  const html = [
    `<p>${escapeHtml(because)} on ${escapeHtml(serverName)}.</p>`,
    `<p>The code is <strong style="font-size:1.5em;letter-spacing:.15em">${escapeHtml(code)}</strong>. It is good for ${lifetimeMinutes} minutes.</p>`,
    `<p>If there is nowhere to type it, <a href="${escapeHtml(link)}">open this link instead</a>.</p>`,
    '<p>If it was not you, do nothing, and tell the code to nobody.</p>',
  ];
  return { to, subject: `${code} ${subject}`, text: `${paragraphs.join('\n\n')}\n`, html: html.join('\n') };
}

/** The mail to somebody who has an account already: the sign-up form must not tell strangers so. */
export function alreadyRegisteredMail({ to, userId, serverName }: { to: string; userId: string; serverName: string }): Mail {
  const text = [
    `Somebody, perhaps you, tried to use this address on ${serverName}, where it belongs to the account ${userId} already.`,
    'You can log in with that account, or ask for a new password where you log in. If it was not you, do nothing.',
  ];
  return {
    to,
    subject: `You already have an account on ${serverName}`,
    text: `${text.join('\n\n')}\n`,
    html: text.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`).join('\n'),
  };
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it stands in HTML, in an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
