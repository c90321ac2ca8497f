/* kexec KERNEL INITRD: loads another kernel with the command line of this one (kexec_file_load(2)) and jumps into it. */
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[4096];
	int kernel = argc > 2 ? open(argv[1], O_RDONLY) : -1, initrd = argc > 2 ? open(argv[2], O_RDONLY) : -1;
	int from = open("/proc/cmdline", O_RDONLY), length = read(from, line, sizeof(line) - 1);

	if (kernel < 0 || initrd < 0 || length < 1)
		return 2;
	line[length - 1] = 0;
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(line) + 1, line, 0)) {
		perror("kexec_file_load");
		return 1;
	}
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, 0);
	perror("reboot");
	return 1;
}
