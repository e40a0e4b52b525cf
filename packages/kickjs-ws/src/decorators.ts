import { type Class, Injectable, type Schema } from '@forinda/kickjs-core'
import type { MessageContext, WsContext } from './context.js'

export interface MessageOptions {
  /**
   * Lets handlers of one socket overlap: this one waits for earlier events that are not concurrent, and
   * starts after earlier ones that are. Without it an event waits until all earlier ones are done.
   */
  concurrent?: boolean
}

/** What a decorator wrote of one method. */
export type Declaration = { method: string } & (
  | { on: 'connect' | 'disconnect' | 'error' }
  | { on: 'message'; event: string; schema: Schema | undefined; concurrent: boolean }
)

const namespaces = new Map<Class, string>()
const declarations = new WeakMap<object, Declaration[]>()

/** Marks a class whose methods handle the sockets of a namespace; several may share one. */
export function WsController(namespace = '/') {
  return (target: Class): void => {
    Injectable()(target)
    namespaces.set(target, namespace.startsWith('/') ? namespace : `/${namespace}`)
  }
}

/** Fits methods that a `Handler` could stand for, so that a context of the wrong type does not compile. */
type HandlerDecorator<Handler> = <H extends Handler>(
  prototype: object,
  method: string,
  descriptor: TypedPropertyDescriptor<H>,
) => void

/**
 * Runs `(ctx)` when a socket has connected, before any of its events. A throw reaches the client as
 * event `error` and keeps later `@OnConnect` handlers from running; the socket stays open.
 */
export function OnConnect(): HandlerDecorator<(ctx: WsContext) => unknown> {
  return hook('connect')
}

/** Runs `(ctx)` when a socket is gone, after all that it sent: the last thing that happens to it. */
export function OnDisconnect(): HandlerDecorator<(ctx: WsContext) => unknown> {
  return hook('disconnect')
}

/**
 * Runs `(ctx, error)` when a handler of the namespace failed or refused, after the client was told. Not
 * for events that were never taken on, since too many wait or the server stops.
 */
export function OnError(): HandlerDecorator<(ctx: WsContext, error: unknown) => unknown> {
  return hook('error')
}

function hook(on: 'connect' | 'disconnect' | 'error') {
  return (prototype: object, method: string) => declare(prototype, { on, method })
}

/**
 * Handles an event, or with `'*'` every event that has no handler of its own. What the method returns
 * is the ack's `data`, what it throws the ack's `error`. With a schema, `ctx.data` is what the schema
 * gave back, and input that it refuses is answered with `VALIDATION_ERROR`.
 *
 * @example @OnMessage('message:send', z.object({ channelId: z.uuid(), content: z.string() }))
 */
export function OnMessage<S extends Schema = Schema<WsContext['data']>>(
  event: string,
  schema?: S,
  { concurrent = false }: MessageOptions = {},
): HandlerDecorator<(ctx: MessageContext<S>) => unknown> {
  return (prototype, method) => declare(prototype, { on: 'message', event, schema, concurrent, method })
}

function declare(prototype: object, declaration: Declaration): void {
  const own = declarations.get(prototype.constructor) ?? []
  declarations.set(prototype.constructor, [...own, declaration])
}

/** Every class that `@WsController` has marked so far. */
export function knownControllers(): Class[] {
  return [...namespaces.keys()]
}

export function namespaceOf(controller: Class): string {
  const namespace = namespaces.get(controller)
  if (namespace === undefined) throw new Error(`${controller.name} is not marked with @WsController`)
  return namespace
}

/** The handlers of a class and its ancestors; a method that is decorated again replaces its parent's. */
export function declarationsOf(target: object): Declaration[] {
  const parent: unknown = Object.getPrototypeOf(target)
  const inherited = typeof parent === 'function' ? declarationsOf(parent) : []
  const own = declarations.get(target) ?? []
  return [...inherited.filter(({ method }) => own.every(other => other.method !== method)), ...own]
}
