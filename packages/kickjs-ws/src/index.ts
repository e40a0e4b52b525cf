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
export type { Ack, WsError } from './session/answer.js'
export type { Guard, GuardedCall } from './session/session.js'
export { WsAdapter, type WsAdapterOptions } from './ws-adapter.js'
