/* SPDX-License-Identifier: MIT */

/* What the members of contract.json must be to each other, and what stands in
 * for refusals that it does not word itself. */

#include "contract_parts.h"
#include "xmalloc.h"

#include <stdio.h>

#define CLOSE_POLICY 1008

/* Routes that the relay itself answers on the public listener. */
static const char *const own_paths[] = { "/health", "/ready", "/metrics",
	"/console", "/api/v1/contract", "/api/v1/auth/ws-ticket",
	"/api/v1/sessions" };

struct complete {
	const struct contract *contract;
	const struct contract_files *files;
	struct error *err;
};

static int
refuse(const struct complete *complete,
    const struct contract_endpoint *endpoint, const char *member,
    const char *message)
{
	char pointer[CONTRACT_POINTER];
	snprintf(pointer, sizeof(pointer), "/endpoints/%s%s", endpoint->name,
	    member);
	return contract_files_error(
	    complete->files, CONTRACT_FILE, pointer, complete->err, message);
}

/* --- paths --- */

static bool
is_well_formed(const char *path)
{
	size_t plain = strspn(path,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~/");
	return path[0] == '/' && path[plain] == '\0' && !strstr(path, "//") &&
	    !strstr(path, "/./") && !strstr(path, "/../");
}

static bool
is_own(const char *path)
{
	for (size_t i = 0; i < sizeof(own_paths) / sizeof(own_paths[0]); i++) {
		size_t length = strlen(own_paths[i]);
		if (strncmp(path, own_paths[i], length) == 0 &&
		    (path[length] == '\0' || path[length] == '/'))
			return true;
	}
	return false;
}

static int
check_path(
    const struct complete *complete, const struct contract_endpoint *endpoint)
{
	const struct contract *contract = complete->contract;
	char message[400];
	if (!is_well_formed(endpoint->path))
		return refuse(complete, endpoint, "/path",
		    "wants a path: '/', then letters, digits and -._~/");
	if (is_own(endpoint->path))
		return refuse(complete, endpoint, "/path",
		    "is a path on which the relay itself answers");
	for (size_t i = 0; &contract->endpoints[i] != endpoint; i++) {
		if (strcmp(contract->endpoints[i].path, endpoint->path) != 0)
			continue;
		snprintf(message, sizeof(message),
		    "is the path of the endpoint \"%s\" already: %.200s",
		    contract->endpoints[i].name, endpoint->path);
		return refuse(complete, endpoint, "/path", message);
	}
	return 0;
}

/* --- the two kinds of endpoint --- */

static int
check_both(
    const struct complete *complete, const struct contract_endpoint *endpoint)
{
	if (!endpoint->has_client)
		return refuse(complete, endpoint, "/direction",
		    "is \"both\", but there is no member \"client\"");
	if (endpoint->session_query || endpoint->missing_session)
		return refuse(complete, endpoint,
		    endpoint->session_query ? "/session_query"
					    : "/missing_session",
		    "belongs to an endpoint of direction \"server\"");
	if (endpoint->refuse_client)
		return refuse(complete, endpoint, "/refuse_client",
		    "belongs to an endpoint of direction \"server\"");
	if (endpoint->client.default_message && endpoint->client.missing_type)
		return refuse(complete, endpoint, "/client/missing_type",
		    "is never said: without a type it is \"default_type\"");
	return 0;
}

static int
check_server_only(
    const struct complete *complete, const struct contract_endpoint *endpoint)
{
	if (endpoint->has_client)
		return refuse(complete, endpoint, "/client",
		    "belongs to an endpoint of direction \"both\"");
	if (endpoint->no_session)
		return refuse(complete, endpoint, "/no_session",
		    "belongs to an endpoint of direction \"both\"");
	if (!endpoint->session_query)
		return refuse(complete, endpoint, "",
		    "lacks the member \"session_query\"");
	for (size_t i = 0; i < endpoint->refuse_query_count; i++)
		if (strcmp(endpoint->refuse_query[i].name,
			endpoint->session_query) == 0)
			return refuse(complete, endpoint, "/refuse_query",
			    "refuses the parameter that session_query wants");
	return 0;
}

/* --- what is left to us --- */

static void
add_refusal(
    struct contract_refusal **refusal, const char *code, const char *message)
{
	if (*refusal)
		return;
	*refusal = xcalloc(1, sizeof(**refusal));
	(*refusal)->code = xstrdup(code);
	(*refusal)->message = xstrdup(message);
}

static void
add_close(struct contract_refusal *refusal)
{
	if (refusal && refusal->close == 0)
		refusal->close = CLOSE_POLICY;
}

static void
fill_server_only(struct contract_endpoint *endpoint)
{
	char message[300];
	snprintf(message, sizeof(message),
	    "Missing required query param: %.200s", endpoint->session_query);
	add_refusal(&endpoint->missing_session, "missing_session_id", message);
	add_close(endpoint->missing_session);
	add_refusal(&endpoint->refuse_client, "passive_subscription_only",
	    "This endpoint only sends; frames from clients are rejected.");
	add_close(endpoint->refuse_client);
}

static void
fill(struct contract_endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->refuse_query_count; i++)
		add_close(&endpoint->refuse_query[i]);
	if (endpoint->direction == CONTRACT_SERVER_ONLY) {
		fill_server_only(endpoint);
		return;
	}
	add_refusal(&endpoint->no_session, "initial_message_required",
	    "The first frame must name or create a session.");
	add_close(endpoint->no_session);
}

int
contract_complete(struct contract *contract, const struct contract_files *files,
    struct error *err)
{
	struct complete complete = { contract, files, err };
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		struct contract_endpoint *endpoint = &contract->endpoints[i];
		int status = check_path(&complete, endpoint);
		if (status == 0 && endpoint->direction == CONTRACT_BOTH)
			status = check_both(&complete, endpoint);
		else if (status == 0)
			status = check_server_only(&complete, endpoint);
		if (status == -1)
			return -1;
		fill(endpoint);
	}
	return 0;
}
