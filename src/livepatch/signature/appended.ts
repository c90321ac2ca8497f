/** What stands at the end of a signed module (scripts/sign-file.c, include/linux/module_signature.h). */
export const SIGNATURE_MARK = '~Module signature appended~\n';
/** `struct module_signature`: algo, hash, id_type, signer_len, key_id_len, three zeros, sig_len (big endian). */
export const DESCRIPTION_BYTES = 12;
/** PKEY_ID_PKCS7, the one kind that kernels since 4.3 take. */
export const ID_TYPE_PKCS7 = 2;

export interface SignedParts {
  /** What the signature covers; the whole file where there is none. */
  readonly module: Buffer;
  /** The PKCS#7 message, DER; null: not signed. */
  readonly signature: Buffer | null;
  /** It claims to be signed, and is damaged: why. Null otherwise. */
  readonly damage: string | null;
}

/** Takes a module and its appended signature apart, as the kernel does (kernel/module/signing.c, mod_verify_sig). */
export function splitSignature(file: Buffer): SignedParts {
  const mark = Buffer.from(SIGNATURE_MARK);
  if (file.length < mark.length || !file.subarray(-mark.length).equals(mark))
    return { module: file, signature: null, damage: null };
  const damaged = (damage: string): SignedParts => ({ module: file, signature: null, damage });
  const end = file.length - mark.length - DESCRIPTION_BYTES;
  if (end < 0) return damaged('the description of the signature is cut off');
  const description = file.subarray(end, end + DESCRIPTION_BYTES);
  const size = description.readUInt32BE(8);
  if (size === 0 || size > end) return damaged('the signature is longer than the file');
  if (description[2] !== ID_TYPE_PKCS7) return damaged(`signatures of kind ${description[2]} are not taken by kernels`);
  if ([0, 1, 3, 4, 5, 6, 7].some((at) => description[at] !== 0)) return damaged('the description is not one of PKCS#7');
  return { module: file.subarray(0, end - size), signature: file.subarray(end - size, end), damage: null };
}

/** The file with its signature behind it. */
export function appendSignature(module: Buffer, signature: Buffer): Buffer {
  const description = Buffer.alloc(DESCRIPTION_BYTES);
  description[2] = ID_TYPE_PKCS7;
  description.writeUInt32BE(signature.length, 8);
  return Buffer.concat([module, signature, description, Buffer.from(SIGNATURE_MARK)]);
}
