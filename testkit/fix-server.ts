import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server of fixes answers, in order; the last answer is given again and again. */
export type Answer = (response: ServerResponse, url: string) => void;

export interface FixServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
}

/** A real HTTP server on the loopback address that answers as a test tells it to, well or not. */
export async function serveAnswers(answers: readonly Answer[]): Promise<FixServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    requests.push(url);
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    answer?.(response, url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/linux.git`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A commit as cgit's `/patch/` shows it. */
export function cgitMail(commit: string, diff: string): string {
  const head = `From ${commit} Mon Sep 17 00:00:00 2001\nFrom: T <t@example.org>\nDate: Tue, 4 Aug 2026 10:00:00 +0200\nSubject: sample: fix it\n\nFixes it.\n`;
  return `${head}---\n kernel/sample.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n${diff}-- \ncgit 1.2.3-korg\n\n`;
}
