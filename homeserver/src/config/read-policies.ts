import { readFile } from 'node:fs/promises';
import type { Policies, PolicyTranslation } from '../domain/accounts/sign-up-conditions.ts';

const MAX_FILE_CHARACTERS = 100_000;

/**
 * Reads the documents that a newcomer must accept, as `m.login.terms` has them:
 * `{"privacy_policy": {"version": "1.0", "en": {"name": "Privacy policy", "url": "https://…"}}}`.
 *
 * @throws when the file says anything else
 */
export async function readPolicies(file: string): Promise<Policies> {
  const wrong = (reason: string, cause?: unknown) => new Error(`BLINKCHAT_TERMS: ${file} ${reason}`, { cause });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong('cannot be read', error);
  });
  const given = text.length > MAX_FILE_CHARACTERS ? undefined : parse(text);
  if (given === undefined || Object.keys(given).length === 0) throw wrong('must be a JSON object with at least one document');
  const policies = Object.entries(given).map(([name, policy]) => {
    const { version, ...translations } = asObject(policy) ?? {};
    if (typeof version !== 'string' || Object.keys(translations).length === 0) throw wrong(`must give ${name} a version and a language`);
    const read = Object.entries(translations).map(([language, translation]) => {
      const found = readTranslation(translation);
      if (found === undefined) throw wrong(`must give ${name} in ${language} a name and an http or https url`);
      return [language, found] as const;
    });
    return [name, { version, translations: Object.fromEntries(read) }] as const;
  });
  return Object.fromEntries(policies);
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function readTranslation(value: unknown): PolicyTranslation | undefined {
  const { name, url } = asObject(value) ?? {};
  return typeof name === 'string' && typeof url === 'string' && /^https?:\/\//.test(url) ? { name, url } : undefined;
}
