import type { HttpMethod } from '@forinda/kickjs-core'
import type { IRoute, RequestHandler } from 'express'

/** A route as it was added: the earlier of two that fit is the one that takes a request. */
interface Entry {
  order: number
  parameters: readonly { name: string; at: number }[]
  route: IRoute
  handler: RequestHandler
}

/** What may come after some segments of a path. */
class Branch {
  readonly fixed = new Map<string, Branch>()
  parameter: Branch | undefined
  /** By the method. */
  readonly entries = new Map<string, Entry>()

  next(segment: string): Branch {
    if (segment.startsWith(':')) {
      this.parameter ??= new Branch()
      return this.parameter
    }
    const known = this.fixed.get(segment.toLowerCase())
    if (known) return known
    const fresh = new Branch()
    this.fixed.set(segment.toLowerCase(), fresh)
    return fresh
  }
}

/** A segment that is no pattern, and a parameter that is a whole segment. What else Express knows closes the index. */
const fixedSegment = /^[\w.~-]+$/
const parameterSegment = /^:[A-Za-z_]\w*$/

/**
 * Leads a request to its route by the segments of its path. Express tries one route after the other, which for
 * the last of a hundred takes longer than all else that it does.
 *
 * It is mounted in front of the same routes in an Express router and takes what it is sure about: a method and a
 * path without escapes that fit. All else goes on to the router, which knows about HEAD and OPTIONS, escapes that
 * are malformed, and 404 and 405.
 */
export class RouteIndex {
  private readonly root = new Branch()
  private count = 0
  private isClosed = false

  /** Adds a route after all others. */
  add(method: HttpMethod, route: IRoute, handler: RequestHandler): void {
    const [, ...segments] = route.path === '/' ? [''] : route.path.split('/')
    if (!segments.every(segment => fixedSegment.test(segment) || parameterSegment.test(segment))) this.close()
    if (this.isClosed) return
    const parameters: { name: string; at: number }[] = []
    let branch = this.root
    for (const [index, segment] of segments.entries()) {
      if (segment.startsWith(':')) parameters.push({ name: segment.slice(1), at: index + 1 })
      branch = branch.next(segment)
    }
    const { entries } = branch
    const name = method.toUpperCase()
    if (!entries.has(name)) entries.set(name, { order: this.count++, parameters, route, handler })
  }

  /** Takes no more routes: before them comes something that may want their requests. */
  close(): void {
    this.isClosed = true
  }

  readonly handler: RequestHandler = (req, res, next) => {
    const { method, path } = req
    if (path.includes('%')) return next()
    const segments = path.split('/')
    // Express lets a path end in a slash.
    const end = segments.at(-1) === '' ? segments.length - 1 : segments.length
    const entry = segments[0] === '' ? find(this.root, method, segments, 1, end) : undefined
    if (!entry) return next()
    req.params = parametersOf(entry, segments)
    req.route = entry.route
    return entry.handler(req, res, next)
  }
}

/** The first that was added of all that fit the segments from `at` on. */
function find(
  branch: Branch,
  method: string,
  segments: readonly string[],
  at: number,
  end: number,
): Entry | undefined {
  if (at === end) return branch.entries.get(method)
  const segment = segments[at] ?? ''
  const fixed = branch.fixed.get(segment.toLowerCase())
  const one = fixed && find(fixed, method, segments, at + 1, end)
  const { parameter } = branch
  const other = parameter && segment !== '' ? find(parameter, method, segments, at + 1, end) : undefined
  return !other || (one && one.order < other.order) ? one : other
}

function parametersOf({ parameters }: Entry, segments: readonly string[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null)
  for (const { name, at } of parameters) values[name] = segments[at] ?? ''
  return values
}
