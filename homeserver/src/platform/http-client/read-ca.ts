import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';

/** The certificates to trust when the operator names a file of more: the system's and those. None when there is no file. */
export async function readExtraCa(file: string | undefined): Promise<string[]> {
  return file === undefined ? [] : [...rootCertificates, await readFile(file, 'utf8')];
}
