import { setTimeout as delay } from 'node:timers/promises'
import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { type ChatSocket, ChatSockets } from './chat-sockets.js'
import { type Place, placeOf, room } from './rooms.js'
import { Typing } from './typing.js'

/** A socket in a place. */
interface Seat {
  place: Place
  socket: ChatSocket
}

/** Between two tries to find out who may be where, in milliseconds. */
const PAUSE_MS = 1_000
/** So often it is read who belongs where, if all the time access changes meanwhile. */
const MOST_READS = 10

const logger = Logger.for('RoomKeeper')

/**
 * Keeps sockets in the rooms that their users may listen to, and out of the others as soon as that
 * changes. An event only says that something did, and may be late: the database is asked.
 */
@Service()
export class RoomKeeper {
  @Autowired(Access) private access!: Access
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Typing) private typing!: Typing
  /** Grows whenever anybody's access may have changed: whoever joined meanwhile is looked at again. */
  private changes = 0
  private hasMissed = false
  private recovering: Promise<void> | undefined

  start(): void {
    const { events, sockets } = this
    for (const loss of ['channel.member_removed', 'project.member_removed', 'member.role_changed'] as const) {
      events.on(loss, ({ userId }) => this.recheckAll(sockets.local(room.user(userId))))
    }
    for (const change of ['channel.updated', 'channel.deleted'] as const) {
      events.on(change, ({ channelId }) => this.recheckPlace({ kind: 'channel', id: channelId }))
    }
    events.on('project.deleted', ({ projectId }) => this.recheckPlace({ kind: 'project', id: projectId }))
    events.on('member.added', ({ userId }) => this.placeOrRecover(sockets.local(room.user(userId))))
    events.on('member.removed', ({ workspaceId, userId }) =>
      this.leaveWorkspace(workspaceId, room.user(userId)),
    )
    events.on('workspace.deleted', ({ workspaceId }) =>
      this.leaveWorkspace(workspaceId, room.workspace(workspaceId)),
    )
    events.on('access.doubted', () => this.recover())
  }

  /** The number that `settle` compares: take it before access is checked. */
  get epoch(): number {
    return this.changes
  }

  /**
   * Hands on what was read in the very moment in which it is known that nobody's access changed since the
   * reading began. If it did, it is read again, since it may be about that.
   * @throws ACCESS_CHANGING if it did each time
   */
  async whileUnchanged<T>(read: () => Promise<T>, use: (found: T) => void): Promise<void> {
    for (let reads = 0; reads < MOST_READS; reads++) {
      const epoch = this.changes
      const found = await read()
      if (epoch === this.changes) return use(found)
    }
    throw refuse('ACCESS_CHANGING', { retryAfterMs: PAUSE_MS })
  }

  /** After a socket joined a channel or project: takes it out again if access was lost while it did. */
  async settle(epoch: number, socket: ChatSocket, id: string): Promise<void> {
    if (epoch === this.changes) return
    await this.recheck(seatsOf([socket]).filter(({ place }) => place.id === id))
  }

  /**
   * Looks at everybody again: something was not heard of. What it was the database knows, as soon as it can
   * be asked; until then all stay where they are. Resolves when everybody was looked at.
   */
  recover(): Promise<void> {
    this.hasMissed = true
    this.recovering ??= this.recheckUntilDone()
    return this.recovering
  }

  private async recheckUntilDone() {
    while (this.hasMissed) {
      this.hasMissed = false
      try {
        await this.recheckEverybody()
      } catch (error) {
        logger.warn({ err: error }, 'access could not be checked after a loss of events; trying again')
        this.hasMissed = true
        await delay(PAUSE_MS, undefined, { ref: false })
      }
    }
    this.recovering = undefined
  }

  /** Out at once; those who belong there all the same come back in. */
  private async leaveWorkspace(workspaceId: string, whose: string) {
    const leaving = this.sockets.local(whose)
    for (const socket of leaving) socket.leave(room.workspace(workspaceId))
    await Promise.all([this.recheckAll(leaving), this.placeOrRecover(leaving)])
  }

  /** Where it cannot be told who belongs where, everybody is looked at as soon as it can. */
  private async placeOrRecover(sockets: readonly ChatSocket[]) {
    try {
      await this.placeInWorkspaces(sockets)
    } catch (error) {
      logger.warn({ err: error }, 'some could not be put into the rooms of their workspaces; trying again')
      await this.recover()
    }
  }

  /** Puts sockets into the rooms of their users' workspaces, and takes them out of those of others. */
  private async placeInWorkspaces(sockets: readonly ChatSocket[]) {
    this.changes += 1
    let belonging = new Map<string, string[]>()
    const read = async () => {
      belonging = await this.access.workspacesOf(userIdsOf(sockets))
    }
    try {
      await this.whileUnchanged(read, () => {
        leaveOtherWorkspaces(sockets, belonging)
        for (const { socket, names } of homesOf(sockets, belonging)) socket.join(names)
      })
    } catch (error) {
      // Nobody may enter yet, but nobody stays where he was not to be found either.
      leaveOtherWorkspaces(sockets, belonging)
      throw error
    }
  }

  private async recheckPlace(place: Place) {
    this.changes += 1
    const inside = this.sockets.local(room[place.kind](place.id))
    await this.recheck(inside.map(socket => ({ place, socket })))
  }

  /** All the channels and projects of some sockets. */
  private async recheckAll(sockets: readonly ChatSocket[]) {
    this.changes += 1
    await this.recheck(seatsOf(sockets))
  }

  private async recheckEverybody() {
    const sockets = this.sockets.local()
    if (sockets.length === 0) return
    const seats = seatsOf(sockets)
    const placing = this.placeInWorkspaces(sockets)
    await Promise.all([placing, this.allowed(seats).then(allowed => this.keep(seats, allowed))])
  }

  /** Nobody stays while it cannot be known who may: whoever still may can join again. */
  private async recheck(seats: readonly Seat[]) {
    try {
      this.keep(seats, await this.allowed(seats))
    } catch (error) {
      logger.error({ err: error }, 'access could not be checked, so those concerned were taken out')
      this.keep(seats, new Set())
    }
  }

  /** Which of these users may be in which of these places. */
  private async allowed(seats: readonly Seat[]): Promise<Set<string>> {
    const pairs = (kind: Place['kind']) =>
      seats.flatMap(({ place: { kind: its, id }, socket: { data } }) =>
        its === kind && data.user ? [{ id, userId: data.user.id }] : [],
      )
    const found = await Promise.all([
      this.access.channelReaders(pairs('channel')),
      this.access.projectViewers(pairs('project')),
    ])
    return new Set(found.flat().map(keyOf))
  }

  private keep(seats: readonly Seat[], allowed: ReadonlySet<string>) {
    for (const { place, socket } of seats) {
      const { kind, id } = place
      const userId = socket.data.user?.id
      const isAllowed = userId !== undefined && allowed.has(keyOf({ id, userId }))
      if (isAllowed || !socket.rooms.has(room[kind](id))) continue
      socket.leave(room[kind](id))
      if (kind === 'project') {
        socket.emit('project:removed', { projectId: id })
      } else {
        this.typing.stop(socket, id)
        socket.emit('channel:removed', { channelId: id })
      }
    }
  }
}

function seatsOf(sockets: readonly ChatSocket[]): Seat[] {
  return sockets.flatMap(socket =>
    [...socket.rooms].flatMap(name => {
      const place = placeOf(name)
      return place ? [{ place, socket }] : []
    }),
  )
}

/** The rooms of their users' workspaces, for those sockets whose users were looked up. */
function homesOf(sockets: readonly ChatSocket[], belonging: ReadonlyMap<string, string[]>) {
  return sockets.flatMap(socket => {
    const names = belonging.get(socket.data.user?.id ?? '')?.map(room.workspace)
    return names && socket.connected ? { socket, names } : []
  })
}

function leaveOtherWorkspaces(sockets: readonly ChatSocket[], belonging: ReadonlyMap<string, string[]>) {
  for (const { socket, names } of homesOf(sockets, belonging))
    for (const name of socket.rooms)
      if (name.startsWith(room.workspace('')) && !names.includes(name)) socket.leave(name)
}

function keyOf({ id, userId }: { id: string; userId: string }): string {
  return `${id} ${userId}`
}

function userIdsOf(sockets: readonly ChatSocket[]): string[] {
  return [...new Set(sockets.flatMap(({ data }) => data.user?.id ?? []))]
}
