export { ApiError, type Client, createClient, type Get } from './client.ts';
export * from './schemas.ts';
