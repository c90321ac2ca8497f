import { sql } from 'kysely';
import { addKernel, analyze, type Store } from '#store';

export interface Size {
  readonly cves: number;
  readonly kernels: number;
  readonly hosts: number;
}

/** Fills a database to a size: rows as the pipeline leaves them, made by the database itself so that it takes seconds. */
export async function fill({ db }: Store, { cves, kernels, hosts }: Size): Promise<void> {
  await sql`
    INSERT INTO cve (id, state, source, title, description, files, ranges, score, cvss_vector, refs, oid, announced_at)
    SELECT 'CVE-' || 2020 + n % 7 || '-' || 10000 + n, CASE n % 40 WHEN 0 THEN 'rejected' ELSE 'published' END, 'record',
      (ARRAY['net: ipv4: fix use-after-free in', 'fs: ext4: avoid out-of-bounds read in', 'drm/amdgpu: fix null dereference in',
        'bpf: reject wrong offsets in', 'usb: gadget: stop leaking memory in'])[1 + n % 5] || ' function_' || n,
      repeat('In the Linux kernel, the following vulnerability has been resolved: text of a record as long as most are. ', 8),
      ARRAY[(ARRAY['net/ipv4/', 'fs/ext4/', 'drivers/gpu/drm/amd/', 'kernel/bpf/', 'drivers/usb/gadget/'])[1 + n % 5] || n % 300 || '.c'],
      '[]', CASE n % 3 WHEN 0 THEN NULL ELSE (10 + n % 89) / 10.0 END, NULL, '{}', 'o' || n,
      now() - n * interval '3 hours'
    FROM generate_series(1, ${cves}) AS n`.execute(db);
  await sql`
    INSERT INTO priority (cve_id, class, class_rank, weight, origin, reach, epss, announced_at)
    SELECT id, CASE WHEN state = 'rejected' THEN 'rejected' WHEN hashtext(id) % 200 = 0 THEN 'exploited' ELSE 'open' END,
      CASE WHEN state = 'rejected' THEN 4 WHEN hashtext(id) % 200 = 0 THEN 0 ELSE 2 END, abs(hashtext(id) % 150) / 10.0,
      'scored', (ARRAY['remote-unauthenticated', 'local-unprivileged', 'unknown', 'root-only'])[1 + abs(hashtext(id) % 4)],
      0.01, announced_at
    FROM cve`.execute(db);
  for (let i = 0; i < kernels; i += 1)
    await addKernel(db, {
      ...{ id: `k${i}`, name: `kernel-${i}`, buildId: i.toString(16).padStart(40, '0'), release: `6.1.${i}-site` },
      ...{ version: `6.1.${i}`, arch: 'x86_64', state: 'built', treeDirectory: '', configSha256: '0'.repeat(64) },
      bundled: false,
      toolchain: { kind: 'host', root: null, compiler: 'gcc', linker: null },
    });
  await sql`
    INSERT INTO verdict (kernel_id, cve_id, status, justification, rung, evidence, decided_at)
    SELECT kernel.id, cve.id, s, CASE s WHEN 'not_affected' THEN 'vulnerable_code_not_present' END, 'build',
      jsonb_build_array(
        jsonb_build_object('rung', 'ranges', 'outcome', 'inconclusive', 'sentence', 'came in with 5.4, fixed in 6.9', 'facts', '{}'::jsonb),
        jsonb_build_object('rung', 'build', 'outcome', 'supports', 'sentence', cve.files[1] || ' is compiled', 'facts', '{}'::jsonb)),
      now()
    FROM kernel, cve, LATERAL (SELECT (ARRAY['affected', 'fixed', 'not_affected', 'not_affected', 'fixed', 'affected',
      'not_affected', 'under_investigation'])[1 + abs(hashtext(kernel.id || cve.id) % 8)] AS s) AS decided`.execute(db);
  await sql`
    INSERT INTO verdict_change (kernel_id, cve_id, at, before, after)
    SELECT kernel_id, cve_id, now() - abs(hashtext(cve_id) % 90) * interval '1 day', 'under_investigation', status
    FROM verdict WHERE hashtext(kernel_id || cve_id) % 10 = 0`.execute(db);
  await addHosts(db, hosts, kernels);
  await analyze(db);
  await sql`ANALYZE`.execute(db);
}

async function addHosts(db: Store['db'], hosts: number, kernels: number): Promise<void> {
  await sql`INSERT INTO enrolment (id, token_sha256, group_name, uses_left, expires_at, made_by, made_at)
    VALUES ('bench', 'bench', 'web', 0, now(), 'bench', now())`.execute(db);
  await sql`
    INSERT INTO host (id, name, group_name, public_key, enrolment_id, enrolled_at, seen_at, build_id, release, arch, ring, state, flags)
    SELECT gen_random_uuid(), 'host-' || lpad(n::text, 6, '0'), 'group-' || n % 20, decode(md5(n::text) || md5('x' || n), 'hex'),
      'bench', now(), now() - CASE n % 50 WHEN 0 THEN interval '1 day' ELSE interval '0' END,
      lpad(to_hex(n % ${kernels + 2}), 40, '0'), '6.1.' || n % ${kernels + 2} || '-site', 'x86_64', 'ring-' || n % 4,
      (ARRAY['accepted', 'idle', 'soaking', 'accepted'])[1 + n % 4], CASE n % 5000 WHEN 0 THEN ARRAY['clock'] ELSE '{}' END
    FROM generate_series(1, ${hosts}::integer) AS n`.execute(db);
  await sql`
    INSERT INTO host_report (host_id, key, kind, severity, title, blamed, said_at, first_at, last_at)
    SELECT id, 'key-' || abs(hashtext(name) % 300), 'warning', 'high', 'WARNING in function_' || abs(hashtext(name) % 300),
      hashtext(name) % 40 = 0, '', now(), now()
    FROM host WHERE hashtext(name) % 5 = 0`.execute(db);
}
