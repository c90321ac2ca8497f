/** What the page of a kernel keeps in the address. */
export const KERNEL_VIEW = { status: 'affected', q: '', cve: '', map: '' };
export type KernelView = typeof KERNEL_VIEW;
