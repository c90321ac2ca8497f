export * from './builder.ts';
export * from './builder-client.ts';
export { ApiError, type Client, createClient, type Get } from './client.ts';
export * from './cves.ts';
export * from './host.ts';
export * from './identity.ts';
export * from './schemas.ts';
export * from './views/index.ts';
