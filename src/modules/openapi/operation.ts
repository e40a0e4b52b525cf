import type { Class, RouteDefinition, RouteSchemas, Schema } from '@forinda/kickjs-core'
import { isRaw } from '../../http/raw-contract.js'
import { Public, Stream } from '../../http/route-flags.js'
import { type JsonSchema, jsonSchema } from './json-schema.js'

/** A route as it is mounted. */
export interface MountedRoute extends RouteDefinition {
  controller: Class
}

interface Parameter {
  name: string
  in: 'path' | 'query'
  required: boolean
  schema: JsonSchema
  explode?: boolean
}

export interface Media {
  content: Record<string, { schema: JsonSchema }>
}

/** An operation of OpenAPI 3.1, as far as we describe one. */
export interface Operation {
  operationId?: string
  tags: string[]
  summary: string
  security: Record<string, string[]>[]
  parameters: (Parameter | { $ref: string })[]
  requestBody?: Media & { required: true }
  responses: Record<string, { description: string; content?: Media['content'] } | { $ref: string }>
}

/** Describes a route by its contract and its flags. */
export function operationOf(route: MountedRoute): Operation {
  const { schemas, handler, controller, method } = route
  return {
    tags: [tagOf(controller)],
    summary: sentence(schemas.name ?? handler),
    security: securityOf(route),
    parameters: [
      ...pathParameters(route),
      ...queryParameters(schemas.query),
      ...(method === 'post' ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ],
    ...requestBody(schemas),
    responses: { ...successes(route), default: { $ref: '#/components/responses/Problem' } },
  }
}

function tagOf(controller: Class): string {
  return sentence(controller.name.replace(/Controller$/, ''))
}

/** `listProjectMembers` → `List project members`. */
function sentence(name: string): string {
  const words = name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`).trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function securityOf({ controller, handler, method }: MountedRoute): Operation['security'] {
  if (Public.of(controller, handler)) return []
  const ways = [{ bearer: [] }, ...(method === 'get' ? [{ cookie: [] }] : [])]
  return Stream.of(controller, handler) ? [...ways, { ticket: [] }] : ways
}

function pathParameters({ path, schemas }: MountedRoute): Parameter[] {
  const { properties = {} } = schemas.params ? jsonSchema(schemas.params) : {}
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return names.map(name => ({ name, in: 'path', required: true, schema: object(properties[name]) }))
}

/** What is made of a query tells more than its text (`?limit=` is a number), unless it cannot be described. */
function queryParameters(query: Schema | undefined): Parameter[] {
  if (!query) return []
  const [sent, made] = [jsonSchema(query, 'input'), jsonSchema(query, 'output')]
  return Object.entries(sent.properties ?? {})
    .filter(([name]) => name !== 'ticket')
    .map(([name, asSent]) => {
      const asMade = object(made.properties?.[name])
      const schema = Object.keys(asMade).length > 0 ? asMade : object(asSent)
      const required = sent.required?.includes(name) ?? false
      return { name, in: 'query', required, schema, ...(schema.type === 'array' && { explode: false }) }
    })
}

function requestBody({ body, consumes }: RouteSchemas): Pick<Operation, 'requestBody'> {
  if (body) return { requestBody: { required: true, ...json(jsonSchema(body)) } }
  return consumes === undefined ? {} : { requestBody: { required: true, content: { [consumes]: form } } }
}

/** What a form holds where we take one: a file. */
const form: { schema: JsonSchema } = {
  schema: {
    type: 'object',
    properties: { file: { type: 'string', contentMediaType: 'application/octet-stream' } },
    required: ['file'],
  },
}

function successes({ method, schemas, controller, handler }: MountedRoute): Operation['responses'] {
  const { response } = schemas
  if (isRaw(schemas)) return raw(schemas.statuses ?? [200], schemas.produces, response)
  if (!response) return { 204: { description: 'Done' } }
  if (Stream.of(controller, handler)) return raw([200], 'text/event-stream', response)
  const content = json(enveloped(jsonSchema(response), schemas))
  // A creation answers with 201 and where it is, any other POST with 200.
  return method === 'post'
    ? { '2XX': { description: 'Done', ...content } }
    : { 200: { description: 'OK', ...content } }
}

function raw(
  statuses: readonly number[],
  produces: string,
  response: Schema | undefined,
): Operation['responses'] {
  const content = { [produces]: { schema: response ? jsonSchema(response) : {} } }
  const description = produces === 'text/event-stream' ? 'Events with this as their data' : 'OK'
  return Object.fromEntries(statuses.map(status => [status, { description, content }]))
}

/** Lists that can be paged come with their `meta`. */
function enveloped(data: JsonSchema, { query }: RouteSchemas): JsonSchema {
  const isPage = query !== undefined && jsonSchema(query).properties?.cursor !== undefined
  const properties: Record<string, JsonSchema> = { success: { const: true }, data }
  if (isPage) properties.meta = { $ref: '#/components/schemas/PageMeta' }
  return { type: 'object', properties, required: Object.keys(properties) }
}

function json(schema: JsonSchema): Media {
  return { content: { 'application/json': { schema } } }
}

/** JSON Schema also allows `true` and `false` where we only have objects. */
function object(schema: JsonSchema | boolean | undefined): JsonSchema {
  return typeof schema === 'object' ? schema : {}
}
