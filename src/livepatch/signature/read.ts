import type { GateCheck, ModuleSignature } from '#domain';
import { check } from '../verify/check.ts';
import { splitSignature } from './appended.ts';
import { type Der, DerError, dotted, readDer, TAG } from './der.ts';
import { HASHES } from './oids.ts';

/** Short names of the attributes of a name (RFC 4514, section 3); others are given as numbers. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** Who signed a module, as its file says; whether the kernel trusts the key is for the virtual machine to find out. */
export function readSignature(file: Buffer): { signature: ModuleSignature | null; check: GateCheck } {
  const name = 'its signature can be read';
  const { signature: message, damage } = splitSignature(file);
  if (damage !== null) return { signature: null, check: check('file', name, 'failed', damage) };
  if (message === null)
    return {
      signature: null,
      check: check('file', name, 'skipped', 'not signed: kernels that enforce signatures refuse it'),
    };
  try {
    const signature = signerOf(message);
    return {
      signature,
      check: check('file', name, 'passed', `${signature.signer}, key ${signature.keyId}, ${signature.hash}`),
    };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return { signature: null, check: check('file', name, 'failed', error.message) };
  }
}

/** ContentInfo → SignedData → the one SignerInfo (RFC 5652, sections 3, 5.1 and 5.3). Errors: DerError. */
export function signerOf(message: Buffer): ModuleSignature {
  const [, explicit] = inside(readDer(message)[0]);
  const signedData = inside(inside(explicit)[0]);
  const infos = signedData.at(-1);
  if (infos?.tag !== TAG.set) throw new DerError('the signature names no signer');
  const signers = readDer(infos.content);
  if (signers.length !== 1) throw new DerError(`the signature has ${signers.length} signers, not one`);
  const [, who, algorithm] = inside(signers[0]);
  const [hash] = inside(algorithm);
  if (who === undefined || hash === undefined) throw new DerError('the signer cannot be read');
  return { ...identityOf(who), hash: HASHES.get(dotted(hash.content)) ?? dotted(hash.content) };
}

function identityOf(who: Der): Pick<ModuleSignature, 'signer' | 'keyId'> {
  // [0]: a subject key identifier (sign-file -k); else issuer and serial number.
  if (who.tag === 0x80) return { signer: 'named by its key only', keyId: who.content.toString('hex') };
  const [issuer, serial] = inside(who);
  if (issuer === undefined || serial === undefined) throw new DerError('the signer cannot be read');
  return { signer: nameOf(issuer), keyId: serial.content.toString('hex') };
}

function nameOf(issuer: Der): string {
  const parts = inside(issuer)
    .flatMap((set) => inside(set))
    .map((attribute) => {
      const [type, value] = inside(attribute);
      if (type === undefined || value === undefined) throw new DerError('the name of the signer cannot be read');
      const key = dotted(type.content);
      return `${ATTRIBUTES[key] ?? key}=${value.content.toString('utf8')}`;
    });
  return parts.join(', ');
}

function inside(element: Der | undefined): Der[] {
  if (element === undefined) throw new DerError('a part of the signature is missing');
  return readDer(element.content);
}
