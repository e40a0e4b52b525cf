import type { JsonSchema } from './json-schema.js'

type AnySchema = JsonSchema | boolean | undefined

/** A schema as a reader of TypeScript would write it, with what else is known of a field behind it. */
export function shape(schema: AnySchema, indent = ''): string {
  if (schema === undefined || typeof schema === 'boolean') return 'unknown'
  const { anyOf, allOf, items, properties } = schema
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
  if (anyOf) return anyOf.map(option => shape(option, indent)).join(' | ')
  if (allOf) return allOf.map(part => shape(part, indent)).join(' & ')
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? 'unknown'
  if (items && !Array.isArray(items)) return arrayOf(shape(items, indent))
  if (properties) return fields(schema, indent)
  if (typeof schema.additionalProperties === 'object') {
    return `{ [key: string]: ${shape(schema.additionalProperties, indent)} }`
  }
  return schema.type === undefined ? 'unknown' : [schema.type].flat().join(' | ')
}

/** What a value has to be besides its type: `uuid, 1 to 100, default 50`. */
export function notes(schema: AnySchema): string {
  if (typeof schema !== 'object') return ''
  const { format, minimum, maximum, minLength, maxLength, maxItems } = schema
  return [
    format,
    span(minimum, maximum),
    span(minLength, maxLength, ' characters'),
    maxItems === undefined ? undefined : `at most ${maxItems}`,
    schema.default === undefined ? undefined : `default ${JSON.stringify(schema.default)}`,
  ]
    .filter(note => note !== undefined)
    .join(', ')
}

function fields({ properties = {}, required = [] }: JsonSchema, indent: string): string {
  const deeper = `${indent}  `
  const lines = Object.entries(properties).map(([name, field]) => {
    const note = notes(field)
    const optional = required.includes(name) ? '' : '?'
    return `${deeper}${name}${optional}: ${shape(field, deeper)}${note && `  // ${note}`}`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}

function arrayOf(item: string): string {
  return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
}

function span(from: number | undefined, to: number | undefined, unit = ''): string | undefined {
  if (to === undefined) return from === undefined ? undefined : `from ${from}${unit}`
  return from === undefined ? `up to ${to}${unit}` : `${from} to ${to}${unit}`
}
