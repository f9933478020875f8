import { join } from 'node:path';
import type { Config } from './config/config.ts';
import { createOutboxMailer, createSmtpMailer, type Mailer } from './platform/mailer.ts';

/** Where mail goes by the settings: to an SMTP server, or into a folder. */
export function openMailer({ smtpUrl, mailFrom: from, dataDir }: Pick<Config, 'smtpUrl' | 'mailFrom' | 'dataDir'>): Mailer {
  return smtpUrl === undefined ? createOutboxMailer({ folder: join(dataDir, 'outbox'), from }) : createSmtpMailer({ smtpUrl, from });
}
