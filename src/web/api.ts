import { type Client, createClient } from '#contract';

/** The API of the server that served this page. */
export const api: Client = createClient((url) => fetch(url), '');
