// config: X=m
// expect: IS_ENABLED(CONFIG_X) && !IS_BUILTIN(CONFIG_X) && defined(CONFIG_X_MODULE) | true
#if IS_ENABLED(CONFIG_X) && \
	!IS_BUILTIN(CONFIG_X) /* over
two lines */ && defined(CONFIG_X_MODULE)
int one; /*@*/
#endif
