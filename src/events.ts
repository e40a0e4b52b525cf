import { Logger, Service } from '@forinda/kickjs-core'
import type { Unread } from './modules/channels/channels.contract.js'
import type { Message } from './modules/messages/messages.contract.js'
import type { Task } from './modules/tasks/tasks.contract.js'

/** What happened, told after the commit to whoever wants to react: broadcasters, statistics, caches. */
export interface DomainEvents {
  'workspace.updated': { workspaceId: string }
  'workspace.deleted': { workspaceId: string }
  'member.added': { workspaceId: string; userId: string }
  'member.role_changed': { workspaceId: string; userId: string }
  'member.removed': { workspaceId: string; userId: string }
  'project.created': { workspaceId: string; projectId: string }
  'project.updated': { workspaceId: string; projectId: string }
  'project.deleted': { workspaceId: string; projectId: string }
  'project.member_added': { workspaceId: string; projectId: string; userId: string }
  'project.member_removed': { workspaceId: string; projectId: string; userId: string }
  'task.created': { task: Task }
  'task.updated': { task: Task }
  'task.moved': { task: Task }
  'task.deleted': { workspaceId: string; projectId: string; taskId: string; seq: number }
  'channel.created': { workspaceId: string; channelId: string }
  'channel.updated': { workspaceId: string; channelId: string }
  'channel.deleted': { workspaceId: string; channelId: string }
  'channel.member_added': { workspaceId: string; channelId: string; userId: string }
  'channel.member_removed': { workspaceId: string; channelId: string; userId: string }
  'channel.read': { userId: string; unread: Unread }
  'message.created': Message
  'message.edited': Message
  'message.deleted': Message
  'session.revoked': { userId: string; sessionId: string }
  'user.updated': { userId: string }
  /** A wake-up that does not say what changed: a node that serves the channel reads it from the database. */
  'channel.advanced': { channelId: string; lastSeq: number }
  'project.advanced': { workspaceId: string; projectId: string; lastSeq: number }
  'presence.online': { userId: string; userName: string; workspaceIds: readonly string[] }
  'presence.offline': { userId: string; workspaceIds: readonly string[] }
}

export type DomainEvent = keyof DomainEvents
type Listener<E extends DomainEvent> = (event: DomainEvents[E]) => void | Promise<void>

const logger = Logger.for('Events')

/** Whoever carries events to the other nodes. */
export type Relay = <E extends DomainEvent>(name: E, event: DomainEvents[E]) => void

/** Passes domain events on to their listeners. A listener that fails is logged and disturbs nobody else. */
@Service()
export class Events {
  private readonly listeners = new Map<DomainEvent, Set<Listener<never>>>()
  private relay: Relay = () => {}

  /** From now on the other nodes are told, too. */
  relayTo(relay: Relay): void {
    this.relay = relay
  }

  /** Calls `listener` on each such event; returns the way to stop. */
  on<E extends DomainEvent>(name: E, listener: Listener<E>): () => void {
    const listeners = this.listeners.get(name) ?? new Set()
    this.listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
    }
  }

  /** Tells the listeners of every node. */
  emit<E extends DomainEvent>(name: E, event: DomainEvents[E]): void {
    this.relay(name, event)
    this.deliver(name, event)
  }

  /** Tells the listeners of the other nodes only. */
  emitElsewhere<E extends DomainEvent>(name: E, event: DomainEvents[E]): void {
    this.relay(name, event)
  }

  /** Tells the listeners of this node only. */
  deliver<E extends DomainEvent>(name: E, event: DomainEvents[E]): void {
    for (const listener of this.listeners.get(name) ?? [])
      void this.tell(name, listener as Listener<E>, event)
  }

  private async tell<E extends DomainEvent>(name: E, listener: Listener<E>, event: DomainEvents[E]) {
    try {
      await listener(event)
    } catch (error) {
      logger.error({ err: error, event: name }, 'a listener failed')
    }
  }
}
