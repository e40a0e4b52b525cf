import { errorTable } from '../../errors.js'
import { ACCESS_COOKIE } from '../../http/access-cookie.js'
import type { JsonSchema } from './json-schema.js'

const text: JsonSchema = { type: 'string' }

const problem: JsonSchema = {
  type: 'object',
  description:
    'What went wrong (RFC 9457). `code` is one of a fixed table; `errors` names the fields at fault.',
  properties: {
    success: { const: false },
    type: text,
    title: text,
    status: { type: 'integer' },
    code: { type: 'string', examples: Object.keys(errorTable) },
    detail: text,
    errors: {
      type: 'array',
      items: { type: 'object', properties: { path: text, message: text }, required: ['path', 'message'] },
    },
    requestId: text,
    retryAfterMs: { type: 'integer' },
  },
  required: ['success', 'type', 'title', 'status', 'code', 'detail', 'requestId'],
}

const pageMeta: JsonSchema = {
  type: 'object',
  properties: {
    nextCursor: { type: ['string', 'null'], description: 'Give it as `cursor` to get the next page' },
    limit: { type: 'integer' },
    total: { type: 'integer', description: 'With `count=exact` only' },
    missingNodes: {
      type: 'array',
      items: text,
      description: 'Nodes that did not say what they have; only where nodes are asked',
    },
  },
  required: ['nextCursor', 'limit'],
}

/** What many operations share. */
export const components: Record<string, Record<string, object>> = {
  schemas: { Problem: problem, PageMeta: pageMeta },
  responses: {
    Problem: {
      description: 'Refused, or failed',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
  parameters: {
    IdempotencyKey: {
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: 'The same key with the same request carries it out once, and gives its first answer again',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  },
  securitySchemes: {
    bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    cookie: {
      type: 'apiKey',
      in: 'cookie',
      name: ACCESS_COOKIE,
      description: 'Set by a sign-in; for GET alone',
    },
    ticket: {
      type: 'apiKey',
      in: 'query',
      name: 'ticket',
      description: 'From POST /api/v1/auth/stream-tickets, for one stream',
    },
  },
}
