import { type FieldError, HttpException, type RouteSchemas, type Schema } from '@forinda/kickjs-core'
import type { RequestContext } from './context.js'

type Failure = Extract<ReturnType<Schema['safeParse']>, { success: false }>
type Issue = Failure['error']['issues'][number]

/** So that a hostile body cannot make a response larger than itself. */
const maxErrors = 50

/**
 * Replaces the context's params, query and body by what the route's schemas make of them.
 * Errors: one 422 `VALIDATION_ERROR` that names every field at fault, in all three.
 */
export function validate(ctx: RequestContext<unknown, unknown, unknown>, schemas: RouteSchemas): void {
  const errors: FieldError[] = []
  for (const part of ['params', 'query', 'body'] as const) {
    const parsed = schemas[part]?.safeParse(ctx[part] ?? {})
    if (parsed?.success) ctx[part] = parsed.data
    else if (parsed) errors.push(...parsed.error.issues.slice(0, maxErrors).flatMap(toErrors(part)))
  }
  if (errors.length === 0) return
  throw HttpException.unprocessable(sentence(errors), {
    code: 'VALIDATION_ERROR',
    errors: errors.slice(0, maxErrors),
  })
}

function sentence([first, ...others]: readonly FieldError[]): string {
  const more = others.length > 0 ? ` (and ${others.length} more)` : ''
  return first ? `${first.path}: ${first.message}${more}` : 'The request is not what this route takes'
}

function toErrors(at: string) {
  return (issue: Issue): FieldError[] => {
    const path = [at, ...issue.path.map(String)].join('.')
    const inOption = closestOption(issue)
    if (inOption) return inOption.flatMap(toErrors(path))
    return (
      unknownKeys(issue)?.map(key => ({ path: `${path}.${key}`, message: 'Unknown field' })) ?? [
        { path, message: issue.message },
      ]
    )
  }
}

/**
 * Of a union of objects, what is wrong with the one that the value comes closest to: the one whose own
 * fields fit best. Undefined where no option names a field.
 */
function closestOption(issue: Issue): readonly Issue[] | undefined {
  if (!('errors' in issue) || !Array.isArray(issue.errors)) return undefined
  const options = issue.errors.filter(isIssues).filter(option => option.some(namesField))
  const [closest] = options.toSorted((one, other) => misfits(one) - misfits(other))
  return closest?.slice(0, maxErrors)
}

function isIssues(option: unknown): option is Issue[] {
  return Array.isArray(option) && option.every(issue => Array.isArray(Object(issue).path))
}

function namesField(issue: Issue): boolean {
  return issue.path.length > 0 || unknownKeys(issue) !== undefined
}

/** How many of an object's own fields are missing or wrong, and twice how many it does not know. */
function misfits(option: readonly Issue[]): number {
  const own = option.filter(({ path }) => path.length <= 1)
  return own.reduce((sum, issue) => {
    const unknown = issue.path.length === 0 ? unknownKeys(issue) : undefined
    return sum + (unknown === undefined ? 1 : 2 * unknown.length)
  }, 0)
}

/** A strict zod object reports its unknown keys in one issue at the parent; we name each field. */
function unknownKeys(issue: Issue): string[] | undefined {
  return 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.slice(0, maxErrors).map(String) : undefined
}
