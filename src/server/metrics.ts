import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { freshness } from '#pipeline';
import { countBuilds, type Db } from '#store';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface MetricsOptions {
  readonly db: Db;
  readonly sources: ReadonlyMap<string, number>;
  readonly readers: () => number;
  readonly now: () => Date;
}

/** Figures for Prometheus at /metrics: this process, its requests, and what of the installation somebody should be woken for. */
export function registerMetrics(app: FastifyInstance, { db, sources, readers, now }: MetricsOptions): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'tuxtape_http_request_duration_seconds',
    help: 'Seconds until a request was answered, by route',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  // The route's pattern: what stands in addresses would make a series each.
  app.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    requests.observe({ method, route: routeOptions.url ?? 'none', status: statusCode }, elapsedTime / 1000);
  });
  for (const gauge of gauges({ db, sources, readers, now })) registry.registerMetric(gauge);
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}

function gauges({ db, sources, readers, now }: MetricsOptions): Gauge[] {
  const streams = new Gauge({
    name: 'tuxtape_event_streams',
    help: 'Readers of the stream of events',
    registers: [],
    collect() {
      this.set(readers());
    },
  });
  const ages = new Gauge({
    name: 'tuxtape_feed_age_seconds',
    help: 'Seconds since a source was read; no value: never',
    labelNames: ['source'],
    registers: [],
    async collect() {
      this.reset();
      const at = now();
      for (const { source, at: read } of await freshness(db, sources, at))
        if (read !== null) this.set({ source }, (at.getTime() - read.getTime()) / 1000);
    },
  });
  const builds = new Gauge({
    name: 'tuxtape_kernel_builds',
    help: 'Builds of kernels, by state',
    labelNames: ['state'],
    registers: [],
    async collect() {
      this.reset();
      for (const [state, count] of await countBuilds(db)) this.set({ state }, count);
    },
  });
  return [streams, ages, builds];
}
