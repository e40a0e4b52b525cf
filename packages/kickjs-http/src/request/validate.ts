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

function toErrors(part: string) {
  return (issue: Issue): FieldError[] => {
    const path = [part, ...issue.path.map(String)].join('.')
    return (
      unknownKeys(issue)?.map(key => ({ path: `${path}.${key}`, message: 'Unknown field' })) ?? [
        { path, message: issue.message },
      ]
    )
  }
}

/** A strict zod object reports its unknown keys in one issue at the parent; we name each field. */
function unknownKeys(issue: Issue): string[] | undefined {
  return 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.slice(0, maxErrors).map(String) : undefined
}
