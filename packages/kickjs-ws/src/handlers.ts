import type { Class, Container, Schema } from '@forinda/kickjs-core'
import type { WsContext } from './context.js'
import { type Declaration, declarationsOf, namespaceOf } from './decorators.js'

/** A controller's method, bound to its instance. */
export type Call = (ctx: WsContext, error?: unknown) => unknown

export interface MessageHandler {
  controller: Class
  method: string
  schema: Schema | undefined
  concurrent: boolean
  call: Call
}

/** All that the controllers of one namespace do. `messages` are by event name, the catch-all as `*`. */
export interface Handlers {
  connect: Call[]
  disconnect: Call[]
  error: Call[]
  messages: Map<string, MessageHandler>
}

/** Makes the controllers and sorts their handlers by namespace. Throws where two handle the same event. */
export function handlersByNamespace(controllers: readonly Class[], container: Container) {
  const namespaces = new Map<string, Handlers>()
  for (const controller of controllers) {
    const namespace = namespaceOf(controller)
    const handlers = namespaces.get(namespace) ?? {
      connect: [],
      disconnect: [],
      error: [],
      messages: new Map(),
    }
    namespaces.set(namespace, handlers)
    const instance: object = Object(container.resolve(controller))
    for (const declaration of declarationsOf(controller)) add(handlers, declaration, controller, instance)
  }
  return namespaces
}

function add(handlers: Handlers, declaration: Declaration, controller: Class, instance: object): void {
  const { method } = declaration
  const call: Call = (...args) => Reflect.apply(Reflect.get(instance, method), instance, args)
  if (declaration.on !== 'message') {
    handlers[declaration.on].push(call)
    return
  }
  const { event, schema, concurrent } = declaration
  const other = handlers.messages.get(event)
  if (other) {
    const both = `${other.controller.name}.${other.method} and ${controller.name}.${method}`
    throw new Error(`${both} both handle "${event}" of ${namespaceOf(controller)}`)
  }
  handlers.messages.set(event, { controller, method, schema, concurrent, call })
}
