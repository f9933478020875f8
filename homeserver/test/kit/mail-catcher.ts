import { once } from 'node:events';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { freePort } from './free-port.ts';

const PATIENCE_MS = 10_000;

export type MailCatcher = AsyncDisposable & {
  /** For `smtpUrl` (`BLINKCHAT_SMTP_URL`). */
  url: string;
  mails: readonly ParsedMail[];
  /** The next mail to an address that was not asked for before; waits for it. */
  nextMail(to: string): Promise<ParsedMail>;
};

/** A real SMTP server that keeps what it is sent. */
export async function startMailCatcher(): Promise<MailCatcher> {
  const mails: ParsedMail[] = [];
  const taken = new Set<ParsedMail>();
  const waiting = new Set<() => void>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      simpleParser(stream).then((mail) => {
        mails.push(mail);
        done();
        for (const wake of [...waiting]) wake();
      }, done);
    },
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');

  const take = (to: string): ParsedMail | undefined => {
    const mail = mails.find((candidate) => !taken.has(candidate) && addressesOf(candidate).includes(to.toLowerCase()));
    if (mail !== undefined) taken.add(mail);
    return mail;
  };

  const nextMail = async (to: string): Promise<ParsedMail> => {
    const there = take(to);
    if (there !== undefined) return there;
    return await new Promise((resolve, reject) => {
      const look = () => {
        const mail = take(to);
        if (mail !== undefined) settle(() => resolve(mail));
      };
      const timer = setTimeout(() => settle(() => reject(new Error(`no mail to ${to} within ${PATIENCE_MS} ms`))), PATIENCE_MS);
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        waiting.delete(look);
        finish();
      };
      waiting.add(look);
    });
  };

  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `smtp://127.0.0.1:${port}`, mails, nextMail, [Symbol.asyncDispose]: close };
}

function addressesOf(mail: ParsedMail): string[] {
  const lists = mail.to === undefined ? [] : Array.isArray(mail.to) ? mail.to : [mail.to];
  return lists.flatMap((list) => list.value.map(({ address }) => (address ?? '').toLowerCase()));
}
