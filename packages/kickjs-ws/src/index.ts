export type { Ack, WsError } from './answer.js'
export { type MessageContext, WsContext } from './context.js'
export {
  type Declaration,
  declarationsOf,
  type MessageOptions,
  OnConnect,
  OnDisconnect,
  OnError,
  OnMessage,
  WsController,
} from './decorators.js'
export type { Guard, GuardedCall } from './session.js'
export { WsAdapter, type WsAdapterOptions } from './ws-adapter.js'
