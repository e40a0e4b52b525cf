import type { IncomingHttpHeaders } from 'node:http'
import { type ContextUser, HttpException, type RouteSchemas, type Schema } from '@forinda/kickjs-core'
import type { Request, Response } from 'express'
import { sendProblem } from '../errors/problem.js'
import { runtimeOf } from '../runtime.js'
import type { EventStream, EventStreamOptions } from '../sse/event-stream.js'
import { type ParsedQuery, parseQuery, type QueryFieldConfig } from './query.js'
import { requestIdOf } from './request-id.js'
import { sendJson } from './send-json.js'

// biome-ignore lint/suspicious/noExplicitAny: KickJS code reads an untyped context freely; RouteContext types it
type Untyped = Record<string, any>

/** One page of rows, and how many there are in all. */
export interface Page<T> {
  data: T[]
  total: number
}

/**
 * A request and the ways to answer it. One instance goes through guards, middleware and the handler.
 * `params`, `query` and `body` hold what the client sent until they are validated, then what the
 * route's schemas made of it.
 */
export class RequestContext<Params = Untyped, Query = Untyped, Body = Untyped> {
  private readonly values = new Map<string, unknown>()

  constructor(
    readonly req: Request,
    readonly res: Response,
    public params: Params,
    public query: Query,
    public body: Body,
  ) {}

  get headers(): IncomingHttpHeaders {
    return this.req.headers
  }

  /** The caller's `X-Request-Id`, or one made for this request. */
  get requestId(): string {
    return requestIdOf(this.req)
  }

  /** What a guard or middleware has `set`. */
  get<T = unknown>(key: string): T | undefined {
    return this.values.get(key) as T | undefined
  }

  set(key: string, value: unknown): void {
    this.values.set(key, value)
  }

  /** Who makes the request: what a guard has `set('user', …)`. Errors: 401 where none has. */
  get user(): ContextUser {
    const user = this.get<ContextUser>('user')
    if (!user) throw HttpException.unauthorized()
    return user
  }

  /** Answers with the data as it is, without the application's envelope. */
  json(data: unknown, status = 200): void {
    sendJson(this.req, this.res.status(status), data)
  }

  /** Answers 201 with the data in the application's envelope, and where it now is. */
  created(data: unknown, location?: string): void {
    if (location !== undefined) this.res.location(location)
    this.json(runtimeOf(this.req).envelope(data), 201)
  }

  noContent(): void {
    this.res.status(204).end()
  }

  notFound(message?: string): void {
    sendProblem(HttpException.notFound(message), this.req, this.res)
  }

  badRequest(message?: string): void {
    sendProblem(HttpException.badRequest(message), this.req, this.res)
  }

  html(text: string, status = 200): void {
    this.res.status(status).type('html').send(text)
  }

  /** Answers with a file to save. The browser is told not to guess another type. */
  download(content: Buffer, filename: string, contentType = 'application/octet-stream'): void {
    this.res.attachment(filename.replace(/\p{Cc}/gu, '_'))
    this.res.set({ 'Content-Type': contentType, 'X-Content-Type-Options': 'nosniff' }).send(content)
  }

  /** `?filter= &sort= &page= &limit= &q=` of the query string; see `parseQuery`. */
  qs(config?: QueryFieldConfig): ParsedQuery {
    return parseQuery(this.req.query, config)
  }

  /** Fetches the page that the query string asks for, answers with it and returns what it sent. */
  async paginate<T>(
    fetch: (query: ParsedQuery) => Page<T> | Promise<Page<T>>,
    config?: QueryFieldConfig,
  ): Promise<{ data: T[]; meta: PageMeta }> {
    const query = this.qs(config)
    const { data, total } = await fetch(query)
    const { page, limit } = query.pagination
    const totalPages = Math.ceil(total / limit)
    const meta = { page, limit, total, totalPages, hasNext: page < totalPages, hasPrev: page > 1 }
    this.json({ data, meta })
    return { data, meta }
  }

  /** Answers with a stream of Server-Sent Events, which stays open after the handler returns. */
  sse(options?: EventStreamOptions): EventStream {
    return runtimeOf(this.req).streams.open(this.req, this.res, options)
  }
}

/** Where a page stands; pages count from 1. */
export interface PageMeta {
  page: number
  limit: number
  total: number
  totalPages: number
  hasNext: boolean
  hasPrev: boolean
}

type OutputOf<S, Part extends keyof RouteSchemas, Fallback> =
  S extends Record<Part, Schema<infer Output>> ? Output : Fallback

/**
 * The context of a route with these schemas, its params, query and body typed by what they put out.
 *
 * @example list({ params, query }: RouteContext<typeof listComments>)
 */
export type RouteContext<S extends RouteSchemas> = RequestContext<
  OutputOf<S, 'params', Record<string, string>>,
  OutputOf<S, 'query', Record<string, string | string[] | undefined>>,
  OutputOf<S, 'body', unknown>
>
