/* SPDX-License-Identifier: MIT */
#ifndef SERVICE_H
#define SERVICE_H

/*
 * What a service manager is told, by sd_notify(3)'s protocol: one datagram each
 * to the Unix socket that NOTIFY_SOCKET names. Without it nothing happens.
 */

#include <stdint.h>

struct service;

/* Opens the socket; NULL without a service manager. Before the sandbox. */
struct service *service_new(void);
void service_free(struct service **service);

/* NULL is fine for all of these; what cannot be sent is lost. */
void service_ready(struct service *service);
void service_stopping(struct service *service);
void service_alive(struct service *service);

/* How often service_alive() must be called at least; 0: not at all. */
uint64_t service_watchdog_ms(const struct service *service);

#endif
