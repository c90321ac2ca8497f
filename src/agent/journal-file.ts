import { join } from 'node:path';
import { hasCode } from '#domain';
import { readLimited, writeAtomic } from '#host';
import { AgentError } from './error.ts';
import { emptyJournal, type Journal } from './journal.ts';
import { parseJournal } from './journal-form.ts';

const MAX_JOURNAL_BYTES = 8 << 20;

/** Where the journal is kept. */
export interface JournalDoor {
  /** Errors: journal-damaged. */
  read(bootId: string): Promise<Journal>;
  /** On the disk when it returns: old content or new, never half. Errors: disk-full, those of the file system. */
  write(journal: Journal): Promise<void>;
}

export function journalFile(directory: string): JournalDoor {
  const path = join(directory, 'journal.json');
  return {
    async read(bootId) {
      let text: string;
      try {
        text = (await readLimited(path, MAX_JOURNAL_BYTES)).toString('utf8');
      } catch (error) {
        if (hasCode(error, 'file-missing')) return emptyJournal(bootId);
        throw damaged(path, error);
      }
      const journal = parseJournal(text, bootId);
      if (journal === undefined) throw damaged(path);
      return journal;
    },
    write: (journal) => writeAtomic(path, `${JSON.stringify(journal)}\n`, 0o600),
  };
}

/**
 * The file is replaced atomically: this is damage from outside, or a disk that does not answer. What failed here before
 * cannot be known, so nothing is loaded until a person has looked.
 */
function damaged(path: string, cause?: unknown): AgentError {
  return new AgentError('journal-damaged', 'input', {
    what: "the agent's journal cannot be read",
    where: path,
    remedy: 'look at what is loaded, then remove the file',
    cause,
  });
}
