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
export type { CloseReason, WsObserver } from './observer.js'
export type { WsAdapterOptions } from './options.js'
export type { Ack, WsError } from './session/answer.js'
export type { Guard, GuardedCall } from './session/session.js'
export { addressOf } from './transport/address.js'
export type { AdmissionRequest, Admit } from './transport/admission.js'
export { backlogOf } from './transport/readers.js'
export { WsAdapter } from './ws-adapter.js'
