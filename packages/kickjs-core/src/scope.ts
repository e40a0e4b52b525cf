/** How long an instance lives: one for the container, or a new one for each resolve. */
export const Scope = { SINGLETON: 'singleton', TRANSIENT: 'transient' } as const
export type Scope = (typeof Scope)[keyof typeof Scope]

/** A class that can be constructed, with whatever arguments. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every constructor signature
export type Class<T = unknown> = new (...args: any[]) => T

/** The name a dependency goes by: its class, a string or a symbol. */
export type Token<T = unknown> = Class<T> | string | symbol

/**
 * Who a request or a socket event comes from. Empty here: an application declares its fields by
 * augmenting this interface, and every transport's `ctx.user` then has them.
 */
// biome-ignore lint/suspicious/noEmptyInterface: made to be augmented
export interface ContextUser {}
