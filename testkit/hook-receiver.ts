import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HookReceiver {
  readonly url: string;
  readonly posts: ReceivedPost[];
  /** What it answers to the next. */
  answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };
}

/** A real HTTP receiver of webhooks on a free port of the loopback address. */
export async function hookReceiver(): Promise<HookReceiver> {
  const made: { url: string; posts: ReceivedPost[]; answer: HookReceiver['answer'] } = {
    ...{ url: '', posts: [], answer: { status: 204 } },
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      made.posts.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      response.writeHead(made.answer.status, made.answer.headers).end(made.answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  made.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return made;
}
