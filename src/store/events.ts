import pg from 'pg';

const CHANNEL = 'tuxtape_event';

/** That something changed; what it is now has to be read. Written by the triggers of migration 0018. */
export interface StoreEvent {
  readonly topic: string;
  readonly id: string;
  /** Id of the kernel it is about; null: of none. */
  readonly kernel: string | null;
}

/** A connection of its own that hears what is committed. Errors: those of connecting. */
export async function listenFor(
  address: pg.ClientConfig,
  onEvent: (event: StoreEvent) => void,
  onLost: () => void,
): Promise<{ stop(): Promise<void> }> {
  const client = new pg.Client(address);
  let isOver = false;
  const lost = (): void => {
    if (!isOver) onLost();
    isOver = true;
  };
  client.on('error', lost).on('end', lost);
  client.on('notification', ({ payload }) => {
    const event = parse(payload ?? '');
    if (event !== null) onEvent(event);
  });
  await client.connect();
  await client.query(`LISTEN ${CHANNEL}`);
  const stop = async (): Promise<void> => {
    isOver = true;
    await client.end();
  };
  return { stop };
}

/** Everybody with the database can notify: what has another form is nothing. */
function parse(text: string): StoreEvent | null {
  try {
    const { topic, id, kernel } = JSON.parse(text) as Record<string, unknown>;
    if (typeof topic !== 'string' || typeof id !== 'string') return null;
    return { topic, id, kernel: typeof kernel === 'string' ? kernel : null };
  } catch {
    return null;
  }
}
