/** Text as PostgreSQL stores it: it has no zero character (documentation 8.3), which hostile text may hold. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\u{fffd}');
}

/**
 * JSON as `jsonb` takes it (documentation 8.14): no zero characters and no half surrogate pairs, both of which hostile
 * text may hold. Each becomes U+FFFD.
 */
export function storableJson(value: unknown): string {
  // JSON.stringify writes exactly these characters as escapes. A pair of backslashes is matched to be stepped over.
  return JSON.stringify(value).replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (found) =>
    found === '\\\\' ? found : '\u{fffd}',
  );
}

const ROWS_PER_BATCH = 1_000;
/** A jsonb array holds at most 256 MiB; a batch stays far below it, however long the rows are. */
const BYTES_PER_BATCH = 8 << 20;

/** Packs rows into JSON arrays for `jsonb_to_recordset`: one statement a batch is as fast as it gets without COPY. */
export function* jsonBatches(rows: Iterable<unknown>): Generator<string> {
  let batch: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const text = storableJson(row);
    if (batch.length > 0 && (batch.length >= ROWS_PER_BATCH || bytes + text.length > BYTES_PER_BATCH)) {
      yield `[${batch.join(',')}]`;
      batch = [];
      bytes = 0;
    }
    batch.push(text);
    bytes += text.length;
  }
  if (batch.length > 0) yield `[${batch.join(',')}]`;
}
