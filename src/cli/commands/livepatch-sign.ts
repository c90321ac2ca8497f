import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { readLimited } from '#host';
import { keySigner, readSignature, type SigningHash } from '#livepatch';
import { signLivepatch } from '#pipeline';
import type { Context } from '../context.ts';
import { inert } from '../text.ts';

const MAX_KEY_BYTES = 64 << 10;
const MAX_MODULE_BYTES = 256 << 20;

interface SignOptions {
  readonly key: string;
  readonly certificate: string;
  readonly hash: SigningHash;
}

/** `tuxtape livepatch sign`: for kernels with CONFIG_MODULE_SIG; the module key is never the release key. */
export function registerSign(livepatch: Command, context: Context): void {
  livepatch
    .command('sign')
    .description('sign the module for kernels that ask for module signatures; it must be proved again')
    .argument('<livepatch>', 'id or module name')
    .requiredOption('--key <file>', 'private key (PEM, or PKCS #8 DER)')
    .requiredOption('--certificate <file>', 'X.509 certificate of the key, which the kernel trusts (PEM or DER)')
    .addOption(new Option('--hash <name>', 'hash to sign').choices(['sha256', 'sha384', 'sha512']).default('sha256'))
    .addHelpText(
      'after',
      '\nExample:\n  tuxtape livepatch sign ID --key signing_key.pem --certificate signing_key.x509',
    )
    .action(async (id: string, { key, certificate, hash }: SignOptions) => {
      const read = (path: string): Promise<Buffer> => readLimited(resolve(path), MAX_KEY_BYTES);
      const signer = keySigner(await read(key), await read(certificate), hash);
      const row = await signLivepatch(await context.store(), id, signer);
      const { signature } = readSignature(await readLimited(`${row.directory}/module.ko`, MAX_MODULE_BYTES));
      context.print({ ...row, signature }, () =>
        [
          `module    ${row.moduleName}, sha256 ${row.moduleSha256}`,
          `signed    by ${inert(signature?.signer ?? 'nobody')}, key ${signature?.keyId ?? 'none'}, ${hash}`,
          `next: tuxtape livepatch verify ${row.id}`,
        ].join('\n'),
      );
    });
}
