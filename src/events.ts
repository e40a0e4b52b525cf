import { Logger, Service } from '@forinda/kickjs-core'
import type { Unread } from './modules/channels/channels.contract.js'
import type { ChannelVisit } from './modules/chat/chat.contract.js'
import type { Message, Reacted } from './modules/messages/messages.contract.js'
import type { Notification } from './modules/notifications/notifications.contract.js'
import type { Present } from './modules/presence/presence.contract.js'
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
  /** `origin` is what the client that caused it calls itself. */
  'task.created': { task: Task; origin?: string }
  'task.updated': { task: Task; origin?: string }
  'task.moved': { task: Task; origin?: string }
  'task.deleted': { workspaceId: string; projectId: string; taskId: string; seq: number; origin?: string }
  'comment.created': CommentPlace
  'comment.edited': CommentPlace
  'comment.deleted': CommentPlace
  'attachment.added': AttachmentPlace
  'attachment.removed': AttachmentPlace
  /** A workspace's activity has come this far: who follows it reads it from the database. */
  'activity.recorded': { workspaceId: string; seq: number }
  'channel.created': { workspaceId: string; channelId: string }
  'channel.updated': { workspaceId: string; channelId: string }
  'channel.deleted': { workspaceId: string; channelId: string }
  'channel.member_added': { workspaceId: string; channelId: string; userId: string }
  'channel.member_removed': { workspaceId: string; channelId: string; userId: string }
  'channel.read': { userId: string; unread: Unread }
  'message.created': Message
  'message.edited': Message
  'message.deleted': Message
  /** By an emoji that came or went, or by a reply. */
  'message.reacted': Reacted
  'notification.created': Notification
  'session.revoked': { sessionId: string; userId?: string }
  'user.updated': { userId: string }
  /** A wake-up that does not say what changed: a node that serves the channel reads it from the database. */
  'channel.advanced': { channelId: string; lastSeq: number }
  'project.advanced': { workspaceId: string; projectId: string; lastSeq: number }
  /** Others came to a node or went from it, in the order of its versions since it took its lease; without them there are too many to tell. */
  'presence.changed': {
    nodeId: string
    startedAt: string
    version: number
    came?: Present[]
    went?: string[]
  }
  /** The nodes that hold a lease, and how often their presence has changed. */
  'nodes.seen': { nodes: { id: string; startedAt: string; presenceVersion: number }[] }
  'node.left': { nodeId: string }
  /** What a node let through of a limit that all nodes share, since it told last. */
  'limits.spent': { limit: string; spent: [key: string, points: number][] }
  /** How many connections a node has of those who have many: all of them, each time. */
  'connections.counted': { nodeId: string; counts: [key: string, connections: number][] }
  /** Something that a node said, or without an id one of them, did not get here: the database knows what. */
  'bus.missed': { nodeId: string | undefined }
  /** Somebody may have lost access without a word: whoever lets others listen looks again. */
  'access.doubted': Record<string, never>
  'typing.started': ChannelVisit
  'typing.stopped': ChannelVisit
  'channel.entered': ChannelVisit
  'channel.left': ChannelVisit
  'presence.online': Present
  'presence.offline': { userId: string; workspaceIds: readonly string[] }
}

interface TaskPlace {
  workspaceId: string
  projectId: string
  taskId: string
}

interface CommentPlace extends TaskPlace {
  commentId: string
}

interface AttachmentPlace extends TaskPlace {
  attachmentId: string
}

export type DomainEvent = keyof DomainEvents
type Listener<E extends DomainEvent> = (event: DomainEvents[E]) => void | Promise<void>

/** An event by its name. */
export type Told = { [E in DomainEvent]: [name: E, event: DomainEvents[E]] }[DomainEvent]

/** Whoever carries events to the other nodes. */
export type Relay = (...told: Told) => void

const logger = Logger.for('Events')

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
  emit(...told: Told): void {
    this.relay(...told)
    this.deliver(...told)
  }

  /** Tells the listeners of the other nodes only. */
  emitElsewhere(...told: Told): void {
    this.relay(...told)
  }

  /** Tells the listeners of this node only. */
  deliver(...[name, event]: Told): void {
    for (const listener of this.listeners.get(name) ?? [])
      void this.tell(name, listener as Listener<DomainEvent>, event)
  }

  /** The same; resolves when all of them are done with it. */
  async deliverAndWait(...[name, event]: Told): Promise<void> {
    const listeners = [...(this.listeners.get(name) ?? [])]
    await Promise.all(listeners.map(listener => this.tell(name, listener as Listener<DomainEvent>, event)))
  }

  private async tell(name: DomainEvent, listener: Listener<DomainEvent>, event: Told[1]) {
    try {
      await listener(event)
    } catch (error) {
      logger.error({ err: error, event: name }, 'a listener failed')
    }
  }
}
