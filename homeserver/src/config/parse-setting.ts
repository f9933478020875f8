import ipaddr from 'ipaddr.js';
import type { Parsed, Parser } from './setting.ts';

const good = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const bad = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

export const text: Parser<string> = (given) => good(given);
/** Like text; never shown when it is wrong. */
export const secret: Parser<string> = (given) => good(given);
export const filePath: Parser<string> = (given) => good(given);

export const onOff: Parser<boolean> = (given) => {
  if (given === 'on') return good(true);
  if (given === 'off') return good(false);
  return bad('on or off');
};

export function oneOf<const Values extends readonly string[]>(values: Values): Parser<Values[number]> {
  return (given) => {
    const value = values.find((candidate) => candidate === given);
    return value === undefined ? bad(`one of ${values.join(', ')}`) : good(value);
  };
}

export function wholeNumber(least: number, most: number): Parser<number> {
  return (given) => {
    const value = Number(given);
    const right = /^\d+$/.test(given) && value >= least && value <= most;
    return right ? good(value) : bad(`a whole number from ${least} to ${most}`);
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const MAX_DURATION_MS = 2 ** 50;

/** A length of time, such as `90d`, in milliseconds. */
export const duration: Parser<number> = (given) => {
  const [, count = '', unit = ''] = /^(\d{1,15})(ms|s|m|h|d|w)$/.exec(given) ?? [];
  const value = Number(count) * (UNITS_MS[unit] ?? Number.NaN);
  return value > 0 && value <= MAX_DURATION_MS ? good(value) : bad('a length of time, such as 90d (ms, s, m, h, d or w)');
};

/** https://spec.matrix.org/latest/appendices/#server-name */
export const serverName: Parser<string> = (given) => {
  const right = /^(?:[a-zA-Z0-9.-]{1,230}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/.test(given);
  return right ? good(given) : bad('a server name, such as example.org or example.org:8448');
};

/** A URL without its trailing slash. */
export const httpUrl: Parser<string> = (given) => {
  const url = URL.parse(given);
  const right = url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.search === '' && url.hash === '';
  return right ? good(given.replace(/\/+$/, '')) : bad('a URL that begins with http:// or https:// and has no query');
};

export const mailAddress: Parser<string> = (given) =>
  given.includes('@') ? good(given) : bad('a mail address, such as Chat <chat@example.org>');

/** Whom push services may write to. https://www.rfc-editor.org/rfc/rfc8292#section-2.1 */
export const contactUri: Parser<string> = (given) =>
  /^(?:mailto:.+@|https:\/\/).+/.test(given) ? good(given) : bad('an address that begins with mailto: or https://');

export const commaList: Parser<readonly string[]> = (given) =>
  good(
    given
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/** Several addresses of services, separated by commas. */
export const httpUrls: Parser<readonly string[]> = (given) => {
  const urls: string[] = [];
  for (const part of given.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const parsed = httpUrl(part);
    if (!parsed.ok) return bad('a list of URLs that begin with http:// or https:// and have no query');
    urls.push(parsed.value);
  }
  return good(urls);
};

/** Address ranges, such as `10.0.0.0/8`; a bare address is a range of one. */
export const cidrs: Parser<readonly string[]> = (given) => {
  const parts = given
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const wrong = parts.filter((part) => !ipaddr.isValidCIDR(part) && !ipaddr.isValid(part));
  if (wrong.length > 0) return bad(`addresses or CIDRs separated by commas; wrong: ${wrong.join(', ')}`);
  return good(parts.map((part) => (part.includes('/') ? part : `${part}/${part.includes(':') ? 128 : 32}`)));
};
