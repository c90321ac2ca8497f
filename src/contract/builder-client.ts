import {
  beatAnswerSchema,
  type JobFailureMessage,
  type JobResultMessage,
  type LeasedJob,
  type LeaseRequest,
  leaseAnswerSchema,
} from './builder.ts';

/** Posts JSON to a path below the server's address, and gives the answer's JSON. It throws where the server did not answer with success. */
export type Post = (path: string, body: unknown) => Promise<unknown>;

/** What a builder says to its server. Every answer is checked: a ZodError means that the server does not speak this language. */
export interface BuilderClient {
  /** Null: nothing waits that this builder can do. */
  lease(request: LeaseRequest): Promise<LeasedJob | null>;
  /** False: the job is this builder's no more. */
  beat(id: string, attempt: number, log: string): Promise<boolean>;
  finish(id: string, result: JobResultMessage): Promise<boolean>;
  fail(id: string, failure: JobFailureMessage): Promise<boolean>;
  giveBack(id: string, attempt: number): Promise<boolean>;
}

const BASE = '/api/v1/builder';

export function createBuilderClient(post: Post): BuilderClient {
  const tell = async (id: string, what: string, body: unknown): Promise<boolean> =>
    beatAnswerSchema.parse(await post(`${BASE}/jobs/${encodeURIComponent(id)}/${what}`, body)).wanted;
  return {
    lease: async (request) => leaseAnswerSchema.parse(await post(`${BASE}/lease`, request)).job,
    beat: (id, attempt, log) => tell(id, 'beat', { attempt, log }),
    finish: (id, result) => tell(id, 'result', result),
    fail: (id, failure) => tell(id, 'failure', failure),
    giveBack: (id, attempt) => tell(id, 'return', { attempt }),
  };
}
