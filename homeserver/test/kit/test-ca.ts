import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const ONE_DAY_MS = 86_400_000;

export type TestCertificate = { certFile: string; keyFile: string };

export type TestCa = AsyncDisposable & {
  /** The authority's own certificate: what a server must be told to trust. */
  caFile: string;
  /** A certificate for host names and addresses. */
  issue(names: readonly string[]): Promise<TestCertificate>;
};

/** A certificate authority of one test. */
export async function createTestCa(): Promise<TestCa> {
  const dir = await mkdtemp(join(tmpdir(), 'bct-ca-'));
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validity = { notBefore: new Date(Date.now() - ONE_DAY_MS), notAfter: new Date(Date.now() + ONE_DAY_MS) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=BlinkChat test authority',
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  });
  const caFile = join(dir, 'ca.pem');
  await writeFile(caFile, authority.toString('pem'));
  let serial = 1;

  async function issue(names: readonly string[]): Promise<TestCertificate> {
    serial += 1;
    const leafKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, '0'),
      subject: `CN=${names[0]}`,
      issuer: authority.subject,
      ...validity,
      signingAlgorithm: ALGORITHM,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((name) => ({ type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name }) as const),
        ),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ],
    });
    const certFile = join(dir, `${serial}.cert.pem`);
    const keyFile = join(dir, `${serial}.key.pem`);
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey)).toString('base64');
    await writeFile(certFile, certificate.toString('pem'));
    await writeFile(keyFile, `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`);
    return { certFile, keyFile };
  }

  return { caFile, issue, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
