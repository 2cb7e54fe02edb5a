// SPDX-License-Identifier: GPL-2.0-only
/*
 * greet_fault - make a kernel function that returns a pointer return NULL when
 * NetlinkGreetingsLKM calls it
 *
 * Test only. Distribution kernels have neither FAULT_INJECTION nor
 * FUNCTION_ERROR_INJECTION, and a small GFP_KERNEL allocation does not fail by
 * itself. A kprobe at the function's first instruction sends the call to a
 * function that returns NULL, only for calls from the named module:
 *
 *   insmod greet_fault.ko function=__alloc_skb times=3
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#ifndef CONFIG_X86_64
#error "the caller's address is read from its x86-64 location"
#endif

static char *function;
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "Function to fail; it must return a pointer");

static char *caller = "[NetlinkGreetingsLKM]";
module_param(caller, charp, 0444);
MODULE_PARM_DESC(caller, "Part of the caller's symbol");

static int skip;
module_param(skip, int, 0444);
MODULE_PARM_DESC(skip, "Calls to let through first (default 0)");

static int times = 1;
module_param(times, int, 0444);
MODULE_PARM_DESC(times, "Calls to fail after those (default 1)");

static unsigned int delay_ms;
module_param(delay_ms, uint, 0444);
MODULE_PARM_DESC(delay_ms, "Milliseconds to spin before a call fails (default 0)");

static atomic_t calls;

static int failed_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n",
			  clamp(atomic_read(&calls) - skip, 0, times));
}

static int failed_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops failed_ops = {
	.set = failed_set,
	.get = failed_get,
};

module_param_cb(failed, &failed_ops, NULL, 0444);
MODULE_PARM_DESC(failed, "Calls failed so far (read only)");

static void *return_null(void)
{
	return NULL;
}

static int fault_pre(struct kprobe *p, struct pt_regs *regs)
{
	char symbol[KSYM_SYMBOL_LEN];
	int n;

	/* At a function's first instruction its return address is on top. */
	sprint_symbol(symbol, *(unsigned long *)kernel_stack_pointer(regs));
	if (!strstr(symbol, caller))
		return 0;

	n = atomic_inc_return(&calls);
	if (n <= skip || n > skip + times)
		return 0;

	mdelay(delay_ms);
	instruction_pointer_set(regs, (unsigned long)return_null);
	/* The instruction pointer has changed: nothing to single-step. */
	return 1;
}

/* Its presence keeps the probe from being optimized to a jump. */
static void fault_post(struct kprobe *p, struct pt_regs *regs,
		       unsigned long flags)
{
}

static struct kprobe fault_probe = {
	.pre_handler = fault_pre,
	.post_handler = fault_post,
};

static int __init greet_fault_init(void)
{
	if (!function)
		return -EINVAL;
	fault_probe.symbol_name = function;
	return register_kprobe(&fault_probe);
}

static void __exit greet_fault_exit(void)
{
	unregister_kprobe(&fault_probe);
}

module_init(greet_fault_init);
module_exit(greet_fault_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The netlink observatory authors");
MODULE_DESCRIPTION("Test only: makes kernel functions fail for NetlinkGreetingsLKM");
