import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

export type Mail = {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Where mails of this kind are ended, by one click: https://www.rfc-editor.org/rfc/rfc8058 */
  unsubscribeUrl?: string;
};

/** Hands mail over to whoever delivers it. */
export type Mailer = {
  /** @throws when the mail could not be handed over */
  send(mail: Mail): Promise<void>;
  /** Where mail goes, in words for a log or a terminal. */
  description: string;
  close(): void;
};

const CONNECTION_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 2;

/** A mailer that speaks SMTP. The URL is as nodemailer takes it: `smtp://user:password@host:587`, `smtps://…`. */
export function createSmtpMailer({ smtpUrl, from }: { smtpUrl: string; from: string }): Mailer {
  const transport = createTransport(
    {
      url: smtpUrl,
      pool: true,
      maxConnections: MAX_CONNECTIONS,
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      greetingTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from },
  );
  return {
    async send(mail) {
      await transport.sendMail(toMessage(mail));
    },
    description: `SMTP server ${new URL(smtpUrl).host}`,
    close: () => transport.close(),
  };
}

function toMessage({ unsubscribeUrl, ...mail }: Mail) {
  if (unsubscribeUrl === undefined) return mail;
  const headers = { 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
  return { ...mail, headers };
}

/** A mailer that writes each mail as a file into a folder, for servers without SMTP. */
export function createOutboxMailer({ folder, from }: { folder: string; from: string }): Mailer {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' }, { from });
  let count = 0;
  return {
    async send(mail) {
      const { message } = await composer.sendMail(toMessage(mail));
      await mkdir(folder, { recursive: true });
      count += 1;
      await writeFile(join(folder, `${Date.now()}-${process.pid}-${count}.eml`), message, { mode: 0o600 });
    },
    description: `the folder ${folder}`,
    close: () => composer.close(),
  };
}
