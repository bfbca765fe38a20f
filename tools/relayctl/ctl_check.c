/* SPDX-License-Identifier: MIT */
#include "ctl_check.h"

#include "redis_link.h"

#include <string.h>

static bool
is_port(const char *text)
{
	uint64_t port;
	return view_decimal(view_of(text), 5, &port) && port >= 1 &&
	    port <= 65535;
}

static bool
is_address(const char *text)
{
	static const char scheme[] = "unix:";
	if (strncmp(text, scheme, strlen(scheme)) == 0)
		return text[strlen(scheme)] != '\0';
	const char *colon = strrchr(text, ':');
	return colon && colon != text && !strpbrk(text, "/@") &&
	    is_port(colon + 1);
}

static int
check_relay(struct ctl *ctl)
{
	if (!ctl->relay || is_address(ctl_relay(ctl)))
		return 0;
	return ctl_fail(ctl, CTL_USAGE, "usage",
	    "--relay: wants ADDR:PORT, [ADDR6]:PORT or unix:PATH of the admin "
	    "listener, with or without http://");
}

static int
check_redis(struct ctl *ctl)
{
	struct error err = { "", "" };
	if (!ctl->redis || !*ctl->redis ||
	    redis_target_check(view_of(ctl->redis), &err) == 0)
		return 0;
	return ctl_fail(ctl, CTL_USAGE, "usage", "--redis: %s", err.message);
}

int
ctl_check_addresses(struct ctl *ctl)
{
	int status = check_relay(ctl);
	return status ? status : check_redis(ctl);
}

int
ctl_check_url(struct ctl *ctl, const char *option, const char *url,
    const char *scheme, const char *form)
{
	if (!url)
		return 0;
	size_t length = strlen(scheme);
	const char *host = url + length + strlen("://");
	if (strncmp(url, scheme, length) == 0 &&
	    strncmp(url + length, "://", 3) == 0 && strcspn(host, "/?") > 0 &&
	    !memchr(host, '@', strcspn(host, "/?")))
		return 0;
	return ctl_fail(ctl, CTL_USAGE, "usage",
	    "%s: wants %s, without TLS, user and password", option, form);
}

int
ctl_check_count(struct ctl *ctl, const char *option, const char *text)
{
	uint64_t count;
	if (!text || view_decimal(view_of(text), 9, &count))
		return 0;
	return ctl_fail(ctl, CTL_USAGE, "usage",
	    "%s wants a number below 1000000000", option);
}
