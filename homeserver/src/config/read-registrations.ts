import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { Appservice } from '../domain/appservices/appservice.ts';
import { readRegistration } from '../domain/appservices/read-registration.ts';

const MAX_FILE_CHARACTERS = 1_000_000;
/** A registration has no aliases of YAML worth expanding. */
const MAX_YAML_ALIASES = 10;

/**
 * Reads the registration files of application services.
 *
 * @throws one error that names every fault of every file: the server does not start with half of its services
 */
export async function readRegistrations(files: readonly string[], serverName: string): Promise<Appservice[]> {
  const appservices: Appservice[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const read = await readFileOf(file, serverName);
    if (read.ok) appservices.push(read.appservice);
    else problems.push(...read.problems.map((problem) => `${file} ${problem}`));
  }
  problems.push(...listDoubled(appservices));
  if (problems.length > 0) throw new Error(`BLINKCHAT_APPSERVICES names registrations that cannot be used:\n  ${problems.join('\n  ')}`);
  return appservices;
}

async function readFileOf(file: string, serverName: string): Promise<ReturnType<typeof readRegistration>> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > MAX_FILE_CHARACTERS) return { ok: false, problems: [`is longer than ${MAX_FILE_CHARACTERS} characters`] };
    return readRegistration(parse(text, { maxAliasCount: MAX_YAML_ALIASES }), serverName);
  } catch (error) {
    return { ok: false, problems: [`cannot be read as YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`] };
  }
}

/** Ids and tokens tell the services apart. */
function listDoubled(appservices: readonly Appservice[]): string[] {
  const twice = (key: 'id' | 'asToken' | 'senderId') =>
    [...Map.groupBy(appservices, (appservice) => appservice[key])].filter(([, of]) => of.length > 1).map(([, of]) => of);
  const names = (of: readonly Appservice[]) => of.map(({ id }) => id).join(', ');
  return [
    ...twice('id').map((of) => `the id ${of[0]?.id} is used by ${of.length} registrations`),
    ...twice('asToken').map((of) => `the same as_token is used by ${names(of)}`),
    ...twice('senderId').map((of) => `the same sender_localpart is used by ${names(of)}`),
  ];
}
