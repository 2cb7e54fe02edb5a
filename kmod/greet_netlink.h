/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * The numbers that the module and its clients share. It needs no kernel header:
 * a user-space C program includes it next to <linux/netlink.h>.
 */
#ifndef _GREET_NETLINK_H
#define _GREET_NETLINK_H

/* Third argument of socket(AF_NETLINK, SOCK_RAW, ...); the last of the 32. */
#define NETLINK_TEST_PROTOCOL	31

/* Size of a reply's payload in bytes: text, padded with zeros. */
#define GREET_REPLY_SIZE	256

/* Message types. Those below NLMSG_MIN_TYPE (16) are netlink's own. */
enum greet {
	NLMSG_GREET = 20,
};

#endif /* _GREET_NETLINK_H */
