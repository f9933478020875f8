import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export type ServiceRecord = { priority: number; weight: number; port: number; target: string };

/** A small name server on the loopback address that knows some services, and of nothing else. */
export type DnsServer = AsyncDisposable & {
  /** `address:port`, as resolvers are told it. */
  address: string;
  /** By full name, such as `_matrix-fed._tcp.example.test`. */
  services: Map<string, readonly ServiceRecord[]>;
  /** Every name that was asked for. */
  asked: string[];
};

const SRV = 33;
const HEADER_BYTES = 12;
const NO_SUCH_NAME = 3;

/** https://www.rfc-editor.org/rfc/rfc1035#section-4 and https://www.rfc-editor.org/rfc/rfc2782 */
export async function startDnsServer(): Promise<DnsServer> {
  const services: DnsServer['services'] = new Map();
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    asked.push(name);
    const records = type === SRV ? (services.get(name.toLowerCase()) ?? []) : [];
    const header = Buffer.alloc(HEADER_BYTES);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (records.length === 0 ? NO_SUCH_NAME : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const question = query.subarray(HEADER_BYTES, end + 4);
    socket.send(Buffer.concat([header, question, ...records.map(writeRecord)]), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    services,
    asked,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}

function writeRecord({ priority, weight, port, target }: ServiceRecord): Buffer {
  const name = Buffer.concat([...target.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
  const record = Buffer.alloc(18);
  record.writeUInt16BE(0xc000 | HEADER_BYTES, 0); // the name of the question
  record.writeUInt16BE(SRV, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(6 + name.length, 10);
  record.writeUInt16BE(priority, 12);
  record.writeUInt16BE(weight, 14);
  record.writeUInt16BE(port, 16);
  return Buffer.concat([record, name]);
}
