import { type Client, createClient, createReader, type Reader } from '#contract';

/** The API of the server that served this page. */
export const api: Client & Reader = {
  ...createClient((url) => fetch(url), ''),
  ...createReader((url) => fetch(url), ''),
};
