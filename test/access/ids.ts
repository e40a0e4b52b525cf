import { type Class, type RouteSchemas, routesOf, type Schema } from '@forinda/kickjs-core'
import { declarationsOf } from '@forinda/kickjs-ws'
import { controllers, socketControllers } from '../../src/app.js'
import { type JsonSchema, jsonSchema } from '../../src/modules/openapi/json-schema.js'

/** An id that a client may send, and where: `params.taskId`, `body.assigneeIds`. */
export interface IdField {
  /** `PATCH /tasks/:taskId`, or the name of a socket event. */
  entry: string
  part: 'params' | 'query' | 'body' | 'data'
  name: string
  /** The field of the body that holds an object, or a list of them, with this one. */
  within?: string
  isMany: boolean
}

const parts = ['params', 'query', 'body'] as const

/** All ids that requests and socket events take, by their contracts. */
export const idFields: IdField[] = [
  ...controllers.flatMap((controller: Class) =>
    routesOf(controller).flatMap(({ method, path, schemas }) =>
      parts.flatMap(part => idsIn(`${method.toUpperCase()} ${path}`, part, schemaOf(schemas, part))),
    ),
  ),
  ...socketControllers.flatMap(controller =>
    declarationsOf(controller).flatMap(declaration =>
      declaration.on === 'message' ? idsIn(declaration.event, 'data', declaration.schema) : [],
    ),
  ),
]

function schemaOf(schemas: RouteSchemas, part: (typeof parts)[number]): Schema | undefined {
  return schemas[part]
}

function idsIn(entry: string, part: IdField['part'], schema: Schema | undefined): IdField[] {
  const found = schema ? idsOf(jsonSchema(schema)).map(field => ({ entry, part, ...field })) : []
  const places = found.map(({ within, name }) => `${within} ${name}`)
  // What several bodies of a route have is one and the same.
  return found.filter((_, index) => places.indexOf(places[index] ?? '') === index)
}

type Found = Omit<IdField, 'entry' | 'part'>

function idsOf(described: JsonSchema, within?: string): Found[] {
  const options = described.anyOf ?? [described]
  return options.flatMap(option =>
    Object.entries(Object(option).properties ?? {}).flatMap(([name, field]) =>
      idsAt(name, Object(field), within),
    ),
  )
}

function idsAt(name: string, described: JsonSchema, within: string | undefined): Found[] {
  const inner = [described, Object(described.items)].find(({ properties }) => properties !== undefined)
  if (inner) return idsOf(inner, name)
  const text = JSON.stringify(described)
  const isId = text.includes('"format":"uuid"') || (/Ids?$/.test(name) && text.includes('"type":"string"'))
  return isId ? [{ name, isMany: isArray(described), ...(within !== undefined && { within }) }] : []
}

function isArray(described: JsonSchema | boolean): boolean {
  return typeof described === 'object' && described.type === 'array'
}
