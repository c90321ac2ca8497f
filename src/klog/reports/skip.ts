/**
 * Which functions are never guilty, and why: they report, or they do what any caller asked of them, and the one that asked is
 * at fault. Each group is one reason.
 */
const GROUPS: readonly (readonly [reason: string, names: string])[] = [
  [
    'they print the report (kernel/printk, kernel/panic.c, lib/dump_stack.c, mm/usercopy.c, lib/fault-inject.c)',
    'dump_stack.*|__dump_stack|show_stack.*|show_trace.*|show_regs|dump_backtrace.*|unwind_backtrace|walk_stackframe|__?panic|v?panic|nmi_panic|__warn.*|warn_.*|report_bug|fixup_bug|handle_bug|__report_bug|fortify_panic|__fortify_.*|__stack_chk_fail|usercopy_abort|usercopy_warn|__check_(?:heap_)?object.*|check_stack_object|report_usercopy|print_(?:address|report|trailer|tracking|track|section|vma_addr|stack_trace|tainted|modules|bad_pte|page_\\w+|slab_info|lock|held_|irq|deadlock|circular|\\w+_bug|\\w+_stall|unlock_|kernel_|shortest_|name|cpu_stall|other_cpu_stall|warning|tags|memory_metadata|usage)\\w*|__print_.*|v?_?printk.*|console_(?:unlock|flush.*|trylock)|dev_v?printk.*|dev_(?:warn|err|info|printk)|_dev_.*|__(?:dev|netdev)_printk|netdev_(?:info|warn|err|printk)|__dynamic_.*|call_console_drivers|bust_spinlocks|__might_.*|___might_.*|might_.*|check_preemption_disabled|debug_smp_processor_id|__this_cpu_preempt_check|__schedule_bug|debug_.*|__debug_.*|ODEBUG.*|lookup_object_or_alloc|assertfail|assert_fail|assfail|btrfs_assertfail|check_panic_on_.*|end_report|spin_(?:bug|dump)|rwlock_bug|should_fail.*|fail_dump|should_failslab|__should_failslab|\\w+_panic',
  ],
  [
    'they are the entry into the kernel and the handler of the fault (arch/*/entry, arch/*/kernel/traps.c, arch/*/mm/fault.c)',
    'do_error_trap|do_trap.*|do_invalid_op|invalid_op|exc_.*|asm_exc_.*|asm_sysvec.*|sysvec.*|die|__die.*|oops_(?:begin|end)|no_context|page_fault_oops|kernelmode_fixup.*|bad_area.*|__bad_area.*|page_fault|do_page_fault|__do_page_fault|async_page_fault|do_user_addr_fault|do_kern_addr_fault|bug_handler.*|brk_handler|call_break_hook|do_debug_exception|do_mem_abort|do_sp_pc_abort|do_translation_fault|do_bad_area|do_tag_check_fault|do_DataAbort|__do_kernel_fault.*|die_kernel_fault|el1_.*|el1h_.*|early_fixup.*|program_check_.*|data_access_.*|error_(?:entry|exit)|general_protection|do_general_protection|stack_segment|double_fault|do_double_fault|divide_error|int3|do_int3|ret_from_.*|restore_(?:all|nocheck|regs)\\w*|do_group_exit|search_extable',
  ],
  [
    'they belong to a checker (mm/kasan, mm/kmsan, mm/kfence, kernel/kcsan, lib/ubsan.c, lib/stackdepot.c, mm/kmemleak.c)',
    '_*k[am]san_.*|__kcsan.*|kcsan.*|__[ahm]w?san_.*|__hwasan.*|__tsan.*|hwasan.*|kfence_.*|__kfence.*|check_memory_region.*|memory_is_.*|check_region_.*|instrument_.*|ubsan_.*|__ubsan_.*|handle_(?:overflow|object_size).*|val_to_string.*|get_signed_val.*|__sanitizer_.*|__x86_indirect_.*|__x86_return_.*|srso_.*|retbleed_.*|__entry_text_.*|ref_tracker_.*|perf_trace_.*|trace_event_(?:reg|buffer)\\w*|trace_call_.*|zap_class|kcov_.*|write_comp_data.*|kmemleak_.*|lockdep_.*|trace_(?:hard|soft)irqs_.*|trace_irq_.*|__trace_(?:hard|soft)irqs_.*|trace_preempt.*|rcu_lockdep_.*|__bad_.*|stack_trace_.*|depot_.*|__?stack_depot.*|save_stack.*|set_track.*|arch_stack_walk',
  ],
  [
    'they copy, compare or fill what the caller named (lib/string.c, lib/vsprintf.c, lib/usercopy.c, arch/*/lib, lib/crc)',
    '_*memcpy.*|__pi_(?:mem|str)\\w+|mmio(?:cpy|set)|__memzero|arm_copy_\\w+|_*copy_tofrom_user\\w*|fallback_scalar_usercopy\\w*|__arch_clear_user|_*memset.*|_*memmove.*|_*memcmp.*|_*memchr.*|_*memscan.*|_*memdup.*|bcmp|_*str(?:n?len|n?cpy|n?cmp|l?cpy|scpy|r?chr|n?str|n?cat|l?cat|n?casecmp|spn|sep|n?dup)\\w*|sized_str\\w+|read_word_at_a_time|kstrdup.*|kmemdup.*|_*copy_(?:to|from)_(?:user|iter|page|sockptr|bpfptr|linear)\\w*|_*copy_in_user|_*copy_(?:user|mc)\\w*|copy_overflow|clear_user\\w*|rep_(?:movs|stos)\\w*|simple_copy_to_iter|copyin|copyout|_?copy_.*_iter\\w*|copy_page_(?:to|from)_iter.*|copy_(?:to|from)_iter.*|csum_(?:partial|and).*|_*(?:get|put)_user(?:_(?:\\d|no|asm|size|bad|fn)\\w*)?|__asm_copy\\w*|raw_copy_\\w+|__arch_copy_\\w+|check_copy_size|check_object_size|check_heap_object|vs(?:n|c)?n?printf|snprintf|sprintf|scnprintf|kvasprintf.*|kasprintf|string|string_nocheck|pointer|format_decode|number|hex_string|ip6?_string|bitmap_string|symbol_string|crc32_?[bl]e\\w*|crc32c_\\w+|__crc\\w*|find_(?:first|next|last)_(?:and_|zero_)?bit\\w*|_find_\\w*bit\\w*|__bitmap_.*|bitmap_(?:zero|fill|copy|set|clear|weight|equal|empty|full|and|or|andnot|parse\\w*|print_to\\w+|find_\\w+)|(?:test|set|clear|constant_test|variable_test|_?test_and_\\w+)_bit\\w*|__?raw_(?:read|write)[bwlqs]+|(?:read|write)[bwlq]|__read_once.*|__write_once.*|read_once.*|logic_(?:in|out)[bwl]|jhash\\w*',
  ],
  [
    'they are the allocators and say only that memory is wanted or given back (mm/slub.c, mm/slab_common.c, mm/page_alloc.c, mm/vmalloc.c, mm/percpu.c)',
    '(?:kv?z?|v)free(?:_(?:sensitive|const|atomic|nolock|bulk|huge_page)\\w*)?|__kfree|__vfree\\w*|k[mzvc]+alloc.*|__k[mzvc]*alloc.*|krealloc.*|__do_k?realloc.*|__do_krealloc|kmem_cache_.*|__kmem_.*|___?cache_.*|slab_.*|__slab_.*|___slab_.*|do_slab_free|cache_(?:alloc|free|grow|flush).*|new_slab.*|allocate_slab|free_slab.*|alloc_slab.*|discard_slab|quarantine_.*|kasan_quarantine.*|slob_.*|mempool_(?:alloc|kmalloc)\\w*|alloc_skb_with_frags|(?:__)?alloc_pages?(?:_\\w+)?|get_page_from_freelist|post_alloc_hook|get_zeroed_page.*|__get_free_pages|kmalloc_order.*|vmalloc.*|__vmalloc.*|vzalloc.*|__vunmap|vunmap.*|__kvmalloc.*|kvmalloc.*|pcpu_.*|__alloc_percpu.*|free_percpu|free_large_kmalloc|object_err|check_object|free_debug_processing|alloc_debug_processing|validate_slab.*|on_freelist|init_object|deactivate_slab|put_cpu_partial|__unfreeze.*|unfreeze_partials|get_partial.*|memcg_(?:slab|alloc)\\w*|__memcg_\\w*(?:charge|slab)\\w*|obj_cgroup_charge\\w*|dma_(?:alloc|free)\\w*|devm_k\\w+',
  ],
  [
    'they take or give a lock that the caller named (kernel/locking, include/linux/spinlock.h, kernel/rcu, net/core/sock.c)',
    '_raw_.*|__raw_.*|do_raw_.*|(?:native_|__pv_)?queued_.*|__pv_.*|native_queued.*|pv_(?:queued|wait|kick|hash)\\w*|arch_spin_.*|rcu_read_(?:un)?lock.*|lock_acquire.*|__lock_acquire.*|lock_release.*|__lock_release.*|lock_(?:is_held|set_|commit|acquired|contended|downgrade).*|lock_is_held.*|__lock_is_held|register_lock_class|find_(?:held_)?lock$|check_(?:no_?n?circular|prev_add|prevs_add|irq_usage|usage|noncircular|deadlock|wait_context|chain_key|flags|lock|unlock).*|validate_chain.*|mark_(?:lock|held|usage|irqflags).*|look_up_lock_class|assign_lock_key|spin_(?:un|try)?lock.*|__spin_lock.*|(?:read|write)_(?:un|try)?lock.*|mutex_.*|__mutex_.*|ww_mutex.*|rt_mutex_.*|__rt_mutex.*|rt_(?:spin|read|write|mutex).*|rtlock_.*|__ww_mutex.*|down|down_(?:read|write|trylock|interruptible|killable|timeout).*|__down.*|up|up_(?:read|write)|__up.*|rwsem_.*|__rwsem.*|call_rwsem_.*|percpu_down_.*|percpu_rwsem.*|lock_sock.*|release_sock|bh_(?:un)?lock_sock.*|lock_torture.*|seqcount_.*|(?:read|write)_seq.*|rcu_(?:is_watching|read_lock.*|dynticks.*|note_.*|preempt_.*|sync_.*|softirq_qs)|console_trylock|__down_trylock_console_sem|native_(?:save|restore|irq).*|arch_local_.*|local_irq_.*|osq_.*|(?:__)?task_rq_lock.*|raw_spin_rq_.*|perf_tp_event_init|perf_try_init_event|perf_event_alloc|inherit_(?:event|task_group|group).*|reiserfs_write_(?:un)?lock.*|debug_mutex_.*|mutex_optimistic.*|is_bpf_text.*',
  ],
  [
    'they only wait for what the caller wants (kernel/sched, kernel/time, kernel/workqueue.c, mm/filemap.c)',
    'schedule|schedule_(?:timeout|hrtimeout|preempt|idle|user|rtlock)\\w*|__schedule\\w*|preempt_schedule.*|_?cond_resched.*|__cond_resched.*|io_schedule.*|context_switch|__switch_to.*|switch_to.*|wait_for_(?:common|completion).*|__wait_for_.*|do_wait_for_common|wait_on_bit.*|__wait_on_.*|out_of_line_wait.*|bit_wait.*|wait_on_page_.*|folio_wait_bit.*|__?folio_lock.*|__lock_page.*|lock_page.*|wait_on_.*_bit.*|wait_event.*|msleep.*|_*call_rcu.*|rcu_barrier.*|do_read_cache_(?:page|folio).*|usleep.*|hrtimer_nanosleep|do_nanosleep|___preempt_.*|__?preempt_count.*|_?finish_task_switch.*|bit_wait_io|swait_.*|__flush_work|flush_work|flush_delayed_work|kthread_stop.*|kthread_(?:un)?park|__cancel_work.*|cancel_(?:delayed_)?work.*|lock_timer_base|__mod_timer|call_timer_fn',
  ],
  [
    'they keep lists, trees and counts for the caller (lib/list_debug.c, lib/refcount.c, lib/kobject.c, lib/xarray.c, drivers/base, fs/dcache.c)',
    '_*list_(?:add|del|move|splice)(?:_(?:tail|init|rcu|entry|valid|careful)\\w*)?|__list_(?:add|del)\\w*|list_.*_(?:valid|rcu|init)|hlist_.*|__hlist_.*|refcount_.*|__refcount.*|atomic\\w*_.*|atomic_.*|__atomic.*|arch_atomic.*|raw_atomic.*|kobject_(?!set_name).*|add_uevent_var|get_device_parent|(?:un)?register_netdevice.*|rollback_registered.*|kset_.*|device_(?:del|unregister|add|register)|__rb_.*|rb_.*_color.*|xas_.*|(?:\\w+_)?sysfs_(?:remove|create|add|delete|warn|merge|unmerge)\\w*|skb_(?:over_|under_)?panic|skb_(?:put|push|pull|copy_(?:bits|to|datagram)|trim)|pskb_.*|___pskb.*|dput|fast_dput|find_lock_entries|truncate_inode_pages.*|hwrng_unregister',
  ],
];

/** Functions that are never guilty, whatever the report. */
export const NEVER_GUILTY = new RegExp(`^(?:${GROUPS.map(([, names]) => names).join('|')})$`);

/** The locks inside are theirs: lockdep names them, though in a fault their caller is at fault. */
const OWN_LOCK = /^(?:__mod_timer|lock_timer_base|console_flush\w*)$/;

/** The function only takes a lock for its caller. The name is without suffixes of the compiler. */
export function isLockPrimitive(name: string): boolean {
  return isNeverGuilty(name) && !OWN_LOCK.test(name);
}

const known = new Map<string, boolean>();
/** The answers are kept: the same few names fill every trace. */
const KNOWN_MAX = 4096;

/** The function is never guilty. The name is without suffixes of the compiler. */
export function isNeverGuilty(name: string): boolean {
  const answer = known.get(name);
  if (answer !== undefined) return answer;
  const found = NEVER_GUILTY.test(name);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, found);
  return found;
}
