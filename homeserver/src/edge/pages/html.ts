import { escapeHtml } from '../../domain/accounts/account-mails.ts';

/** Markup in which everything that came from outside has been escaped. Only the `html` tag makes it. */
export type Html = { readonly markup: string };
type Part = string | number | Html | undefined | false | readonly Html[];

/** Markup with values in it: text is escaped, markup is taken as it is, `undefined` and `false` leave nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return { markup: strings.reduce((text, string, index) => text + write(parts[index - 1]) + string) };
}

function write(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'markup' in part ? part.markup : part.map((each) => each.markup).join('');
}
