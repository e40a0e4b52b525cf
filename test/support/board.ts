import type { ChangedTask, Task } from '../../src/modules/tasks/tasks.contract.js'
import type { ChatClient, Heard } from './chat.js'

/** A board as a client keeps it by the rule of docs/protocol.md: what it knows, and up to where. */
export class Board {
  readonly tasks = new Map<string, Task>()
  /** Up to here everything is known. */
  seq = 0
  /** Changes that came out of order, or twice. */
  readonly disorder: string[] = []
  private early: Heard[] | undefined

  constructor(
    readonly chat: ChatClient,
    private readonly projectId: string,
  ) {
    chat.socket.prependAny((event, data) => {
      if (event.startsWith('task:')) this.hear({ event, data })
    })
  }

  async resume(): Promise<void> {
    this.early = []
    const told = await this.chat.data('project:join', { projectId: this.projectId, since: this.seq })
    if (told.reset) throw new Error('The board was to be loaded afresh')
    for (const { deletedAt, ...task } of told.changes as ChangedTask[]) {
      if (deletedAt === null) this.tasks.set(task.id, task)
      else this.tasks.delete(task.id)
    }
    this.seq = told.lastSeq
    const waiting = this.early
    this.early = undefined
    for (const heard of waiting) this.hear(heard)
  }

  async leave(): Promise<void> {
    await this.chat.data('project:leave', { projectId: this.projectId })
  }

  private hear(heard: Heard) {
    if (this.early) return void this.early.push(heard)
    const { event, data } = heard
    if (data.seq <= this.seq) this.disorder.push(`${event} ${data.seq} after ${this.seq}`)
    this.seq = data.seq
    if (event === 'task:deleted') this.tasks.delete(data.taskId)
    else this.tasks.set(data.id, data)
  }
}
