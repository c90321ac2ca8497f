/* Sleeps where no signal wakes it, in kernel_clone, for as long as its child lives. */
#include <unistd.h>

int main(void) {
	if (vfork() == 0)
		for (;;)
			pause();
	return 0;
}
