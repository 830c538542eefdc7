/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of MCP for tools that modules give the model: answers initialize, ping and
 * tools/list by itself and hands tools/call on. Pure JSON-RPC in and out (MCP 2024-11-05 and
 * later).
 */
#ifndef RUNNER_MCP_SERVER_H
#define RUNNER_MCP_SERVER_H

#include <koine/base.h>
#include <stdbool.h>

struct mcp_tool {
    char *name;
    char *description;
    char *input_schema; /* JSON object text */
    bool alone;         /* no other is to be called while a call of it waits */
};

/* What a message asks for. */
struct mcp_request {
    enum {
        MCP_ANSWERED,     /* `response` is to be sent */
        MCP_NOTIFICATION, /* nothing to answer */
        MCP_CALL          /* call tool `tool`; answer later with mcp_call_response */
    } what;
    char *response;    /* malloc'd JSON, free it */
    size_t tool;       /* index into tools */
    char *id;          /* of the JSON-RPC request as JSON text, malloc'd */
    char *arguments;   /* JSON object text, malloc'd */
    char *tool_use_id; /* malloc'd, or NULL */
};

/* Reads one JSON-RPC message. 0, or -1 when memory is short. mcp_request_finish frees the parts. */
int mcp_request_read(struct mcp_request *request, struct koine_text message,
                     const char *server_name, const struct mcp_tool *tools, size_t tool_count);
void mcp_request_finish(struct mcp_request *request);

/* The answer to a call: plain text, or `content` (JSON array of MCP content blocks) when not none.
 * malloc'd JSON text; NULL when memory is short or `content` is no array of objects with a type. */
char *mcp_call_response(const char *id, struct koine_text text, struct koine_text content,
                        bool is_error);
/* A JSON-RPC error. */
char *mcp_error_response(const char *id, int code, const char *message);

#endif
