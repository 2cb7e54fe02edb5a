// SPDX-License-Identifier: GPL-2.0-only
/*
 * NetlinkGreetingsLKM - a kernel module that answers greetings over netlink
 *
 * A client sends a text to port 0 of protocol NETLINK_TEST_PROTOCOL. The kernel
 * runs netlink_recv_msg_fn() inside the client's sendmsg(); if the message has
 * NLM_F_ACK set, the reply is in the client's receive queue when sendmsg()
 * returns.
 *
 * Context of the callback, and why nothing can be freed under it (af_netlink.c
 * of 6.1, 6.12 and 7.2):
 *
 * - It runs in the sender's task with no lock held and outside RCU, so it may
 *   sleep and allocate with GFP_KERNEL.
 * - The sender's socket holds the module: netlink_create() takes a reference to
 *   nl_table[protocol].module, netlink_release() drops it. A socket outlives
 *   every sendmsg() on it, so rmmod fails (EAGAIN) while a callback runs.
 * - The sender's socket holds its network namespace, and the message can only
 *   reach the kernel socket of that namespace: no namespace is cleaned up while
 *   a callback runs in it.
 * - The look-up of port 0 holds the kernel socket until the callback is done.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/netlink.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/sysfs.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "greet_netlink.h"

/* Number of bytes of a text that are logged. */
#define GREET_LOG_TEXT		64
/* Upper limit of reply_delay_us. */
#define GREET_DELAY_MAX_US	USEC_PER_SEC

/**
 * struct greet_net - state of one network namespace
 * @sk: the kernel's socket, bound to port 0
 */
struct greet_net {
	struct sock *sk;
};

static unsigned int greet_net_id __read_mostly;
static bool greet_listening;
static unsigned int greet_reply_delay_us;

/*
 * Every message is counted in exactly one of the last four, so at rest
 * received = answered + unanswered + refused + answer_failed.
 *
 * They are exposed as parameters (/sys/module/NetlinkGreetingsLKM/parameters/):
 * these exist as long as the module, are documented in modinfo, are the same in
 * every namespace, and survive the exit of a namespace.
 */
static atomic64_t greet_received;
static atomic64_t greet_answered;
static atomic64_t greet_unanswered;
static atomic64_t greet_refused;
static atomic64_t greet_answer_failed;

/*
 * The client chooses the text: it may have any length, contain line feeds or
 * terminal control bytes, and lack a NUL. Only its start is logged, with every
 * byte that is not printable ASCII escaped, and only a few messages per 5 s.
 */
static void greet_log(const struct nlmsghdr *nlh, u32 portid, const char *text,
		      size_t len)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	/* An escape takes up to four bytes. */
	char escaped[GREET_LOG_TEXT * 4 + 1];
	int n;

	if (!__ratelimit(&limit))
		return;

	n = string_escape_mem(text, min_t(size_t, len, GREET_LOG_TEXT), escaped,
			      sizeof(escaped) - 1, ESCAPE_ANY | ESCAPE_NAP, NULL);
	escaped[n] = '\0';
	pr_info("port %u: type %u, flags %#x, seq %u, pid %u, %zu bytes of text: \"%s\"%s\n",
		portid, nlh->nlmsg_type, nlh->nlmsg_flags, nlh->nlmsg_seq,
		nlh->nlmsg_pid, len, escaped, len > GREET_LOG_TEXT ? "..." : "");
}

static void greet_refuse(u32 portid, const char *why)
{
	atomic64_inc(&greet_refused);
	pr_notice_ratelimited("port %u: message refused: %s\n", portid, why);
}

/*
 * Spends a known time in the callback. Only a fatal signal cuts it short, so
 * the time is exact for every client that survives, and a client can always be
 * killed. Once per datagram, so that one sendmsg() sleeps for at most a second.
 */
static void greet_delay(void)
{
	unsigned int us = READ_ONCE(greet_reply_delay_us);
	ktime_t until;

	if (!us)
		return;

	until = ktime_add_us(ktime_get(), us);
	do {
		set_current_state(TASK_KILLABLE);
	} while (schedule_hrtimeout(&until, HRTIMER_MODE_ABS) &&
		 !fatal_signal_pending(current));
}

/**
 * greet_answer() - reply to one message
 * @sk: kernel socket that received the message
 * @portid: port ID of the socket that sent it
 * @seq: sequence number of the message
 *
 * netlink_unicast() always consumes the buffer: it queues it, or frees it if it
 * cannot. Freeing it here after a failure, as some tutorials advise, would be a
 * double free.
 *
 * Return: 0, -ENOMEM, -EAGAIN if the client's receive queue is full (its next
 * recv() returns ENOBUFS), or -ECONNREFUSED if the client accepts no replies.
 */
static int greet_answer(struct sock *sk, u32 portid, u32 seq)
{
	struct nlmsghdr *nlh;
	struct sk_buff *skb;

	skb = nlmsg_new(GREET_REPLY_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;

	nlh = nlmsg_put(skb, 0, seq, NLMSG_DONE, GREET_REPLY_SIZE, 0);
	if (!nlh) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}

	/* The buffer goes to user space: leave no byte uninitialized. */
	memset(nlmsg_data(nlh), 0, GREET_REPLY_SIZE);
	scnprintf(nlmsg_data(nlh), GREET_REPLY_SIZE,
		  "Hello from the kernel! Msg from process %u has been processed by kernel",
		  portid);

#ifdef GREET_TEST_DOUBLE_FREE
	{
		int err = nlmsg_unicast(sk, skb, portid);

		/* The tutorials' bug, deliberately; see kmod/README.md. */
		if (err < 0) {
			kfree_skb(skb);
			/* Newer allocators only notice when they reuse the buffer. */
			BUG();
		}
		return err;
	}
#else
	return nlmsg_unicast(sk, skb, portid);
#endif
}

/* @nlh has passed nlmsg_ok(): the header and nlmsg_len bytes are present. */
static void greet_message(const struct sk_buff *skb, const struct nlmsghdr *nlh)
{
	/*
	 * Not nlmsg_pid, which the client fills in: it could name another client,
	 * or 0, and the reply would come back here.
	 */
#ifdef GREET_TEST_DOUBLE_FREE
	/* As in the tutorials: whatever port the message names. */
	u32 portid = nlh->nlmsg_pid ?: NETLINK_CB(skb).portid;
#else
	u32 portid = NETLINK_CB(skb).portid;
#endif
	const char *text = nlmsg_data(nlh);
	size_t len = strnlen(text, nlmsg_len(nlh));
	int err;

	if (!len) {
		greet_refuse(portid, "no text");
		return;
	}

	greet_log(nlh, portid, text, len);

	if (!(nlh->nlmsg_flags & NLM_F_ACK)) {
		atomic64_inc(&greet_unanswered);
		return;
	}

	err = greet_answer(skb->sk, portid, nlh->nlmsg_seq);
	if (err) {
		atomic64_inc(&greet_answer_failed);
		pr_notice_ratelimited("port %u: cannot reply: error %d\n",
				      portid, err);
		return;
	}
	atomic64_inc(&greet_answered);
}

/*
 * The callback. It does not use netlink_rcv_skb(), which replies with
 * NLMSG_ERROR and skips types below 16 and messages without NLM_F_REQUEST:
 * greetings have always been sent with type 0 or 1 and only NLM_F_ACK.
 *
 * skb->data is linear, aligned and the kernel's own copy, whatever its size.
 * After a message with a wrong length the start of the next one is unknown, so
 * it is refused with everything after it, and counted as one.
 *
 * Tracers attach to this function by name.
 */
static void netlink_recv_msg_fn(struct sk_buff *skb)
{
	const struct nlmsghdr *nlh = nlmsg_hdr(skb);
	int rest = skb->len;

	greet_delay();

	while (rest > 0) {
		atomic64_inc(&greet_received);
		if (!nlmsg_ok(nlh, rest)) {
			greet_refuse(NETLINK_CB(skb).portid,
				     "too short, or wrong length");
			return;
		}
		greet_message(skb, nlh);
		/* Steps by the aligned length: rest may fall below 0. */
		nlh = nlmsg_next(nlh, &rest);
		cond_resched();
	}
}

static int __net_init greet_net_init(struct net *net)
{
	struct greet_net *gn = net_generic(net, greet_net_id);
	struct netlink_kernel_cfg cfg = {
		.input = netlink_recv_msg_fn,
	};

	gn->sk = netlink_kernel_create(net, NETLINK_TEST_PROTOCOL, &cfg);
	if (!gn->sk) {
		pr_err_ratelimited("cannot create the netlink socket\n");
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit greet_net_exit(struct net *net)
{
	struct greet_net *gn = net_generic(net, greet_net_id);

	netlink_kernel_release(gn->sk);
}

static struct pernet_operations greet_net_ops = {
	.init = greet_net_init,
	.exit = greet_net_exit,
	.id = &greet_net_id,
	.size = sizeof(struct greet_net),
};

static int greet_set_delay(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, GREET_DELAY_MAX_US);
}

static const struct kernel_param_ops greet_delay_ops = {
	.set = greet_set_delay,
	.get = param_get_uint,
};

static int greet_get_count(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%lld\n", atomic64_read(kp->arg));
}

/* Without it, "insmod NetlinkGreetingsLKM.ko received=1" would call NULL. */
static int greet_set_count(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops greet_count_ops = {
	.set = greet_set_count,
	.get = greet_get_count,
};

module_param_cb(reply_delay_us, &greet_delay_ops, &greet_reply_delay_us, 0644);
MODULE_PARM_DESC(reply_delay_us,
		 "Microseconds to sleep in the callback, once per datagram, before it is processed (0 to 1000000, default 0)");
module_param_cb(received, &greet_count_ops, &greet_received, 0444);
MODULE_PARM_DESC(received,
		 "Messages received (read only); each is also counted in one of the others");
module_param_cb(answered, &greet_count_ops, &greet_answered, 0444);
MODULE_PARM_DESC(answered, "Replies queued to the client (read only)");
module_param_cb(unanswered, &greet_count_ops, &greet_unanswered, 0444);
MODULE_PARM_DESC(unanswered,
		 "Messages without NLM_F_ACK, which request no reply (read only)");
module_param_cb(refused, &greet_count_ops, &greet_refused, 0444);
MODULE_PARM_DESC(refused,
		 "Messages refused: too short, wrong length, no text (read only)");
module_param_cb(answer_failed, &greet_count_ops, &greet_answer_failed, 0444);
MODULE_PARM_DESC(answer_failed,
		 "Replies that could not be sent: no memory, receive queue full, socket closed or connected to another port (read only)");

static int __init NetlinkGreetings_init(void)
{
	int err;

	pr_info("Hello from the kernel\n");
#ifdef GREET_TEST_DOUBLE_FREE
	pr_warn("BROKEN test build: frees the buffer twice if a reply fails\n");
#endif

	err = register_pernet_subsys(&greet_net_ops);
	if (!err) {
		greet_listening = true;
		pr_info("listening on netlink protocol %d\n",
			NETLINK_TEST_PROTOCOL);
		return 0;
	}

	pr_err("not listening: error %d\n", err);
	/*
	 * Some namespaces already had their socket, so a client may have opened
	 * one as well. It holds the module until it is closed (see above) and
	 * may even be in the callback, but a failed init frees the module
	 * whatever its references (one is init's own). No new ones can appear.
	 * So stay loaded, without a socket.
	 */
	if (module_refcount(THIS_MODULE) > 1) {
		pr_err("in use by a client: staying until rmmod\n");
		return 0;
	}
	return err;
}

static void __exit NetlinkGreetings_exit(void)
{
	if (greet_listening)
		unregister_pernet_subsys(&greet_net_ops);
	pr_info("Goodbye from the kernel\n");
}

module_init(NetlinkGreetings_init);
module_exit(NetlinkGreetings_exit);

/*
 * No MODULE_ALIAS_NET_PF_PROTO(): an unprivileged program's socket() must not
 * load a teaching module.
 */
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The netlink observatory authors");
#ifdef GREET_TEST_DOUBLE_FREE
MODULE_DESCRIPTION("BROKEN test build (double free), never load it on a real machine");
#else
MODULE_DESCRIPTION("Answers greetings over netlink, for teaching and tests");
#endif
