// config: HZ=250 PGTABLE_LEVELS=5 ILLEGAL=0xdead000000000000
// expect: CONFIG_HZ > 100 && (CONFIG_PGTABLE_LEVELS - 1) * 2 != 8 | false
#if CONFIG_HZ > 100 && (CONFIG_PGTABLE_LEVELS - 1) * 2 != 8
int one; /*@*/
#endif
