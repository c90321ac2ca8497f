// config: X=y
// expect: IS_ENABLED(CONFIG_Y) && ready(a) | false by if
int f(int a)
{
	if (IS_ENABLED(CONFIG_Y) && ready(a)) {
		for (;;) {
			one(); /*@*/
		}
	}
}
