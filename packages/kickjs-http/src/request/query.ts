/** The fields that clients may filter and sort by; all of them where a list is left out. */
export interface QueryFieldConfig {
  filterable?: readonly string[]
  sortable?: readonly string[]
  searchable?: readonly string[]
}

const operators = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'between',
  'in',
  'contains',
  'starts',
  'ends',
] as const

export type FilterOperator = (typeof operators)[number]

export interface ParsedQuery {
  filters: { field: string; operator: FilterOperator; value: string }[]
  sort: { field: string; direction: 'asc' | 'desc' }[]
  /** `page` counts from 1, `limit` is 1–100, `offset` is rows to skip. */
  pagination: { page: number; limit: number; offset: number }
  /** Free text, at most 200 characters. */
  search: string
}

const defaultLimit = 20
const maxLimit = 100
const maxSearchLength = 200

/**
 * Reads `?filter=field:operator:value &sort=field:asc &page= &limit= &q=`; filters and sorts repeat,
 * a value may hold colons. What is malformed or not in the lists of `config` is left out.
 */
export function parseQuery(query: Record<string, unknown>, config: QueryFieldConfig = {}): ParsedQuery {
  const page = wholeNumber(query.page, 1)
  const limit = Math.min(wholeNumber(query.limit, defaultLimit), maxLimit)
  return {
    filters: textsOf(query.filter).flatMap(parseFilter).filter(allowedBy(config.filterable)),
    sort: textsOf(query.sort).flatMap(parseSort).filter(allowedBy(config.sortable)),
    pagination: { page, limit, offset: (page - 1) * limit },
    search: (textsOf(query.q)[0] ?? '').slice(0, maxSearchLength),
  }
}

function parseFilter(text: string): ParsedQuery['filters'] {
  const [, field = '', name, value = ''] = /^([^:]+):([^:]+):(.*)$/s.exec(text) ?? []
  const operator = operators.find(known => known === name)
  return operator ? [{ field, operator, value }] : []
}

function parseSort(text: string): ParsedQuery['sort'] {
  const [, field = '', direction] = /^([^:]+):(asc|desc)$/.exec(text) ?? []
  return direction === 'asc' || direction === 'desc' ? [{ field, direction }] : []
}

function allowedBy(fields: readonly string[] | undefined) {
  return ({ field }: { field: string }) => fields?.includes(field) ?? true
}

function textsOf(value: unknown): string[] {
  return [value].flat().filter(text => typeof text === 'string')
}

function wholeNumber(value: unknown, fallback: number): number {
  const number = Number(value)
  return Number.isSafeInteger(number) && number > 0 ? number : fallback
}
