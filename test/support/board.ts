import type { ChangedTask, Task } from '../../src/modules/tasks/tasks.contract.js'
import type { Api } from './api.js'
import type { ChatClient, Heard } from './chat.js'

/** A board as a client keeps it by the rule of docs/protocol.md: what it knows, and up to where. */
export class Board {
  readonly tasks = new Map<string, Task>()
  /** Up to here everything is known. */
  seq = 0
  /** Changes that came out of order, or twice. */
  readonly disorder: string[] = []
  /** How often it was loaded afresh. */
  loads = 0
  private early: Heard[] | undefined

  /** Without the API it cannot be loaded afresh. */
  constructor(
    readonly chat: ChatClient,
    private readonly projectId: string,
    private readonly api?: Api,
  ) {
    chat.socket.prependAny((event, data) => {
      if (event.startsWith('task:') || (api && event === 'project:changed')) this.hear({ event, data })
    })
  }

  async resume(): Promise<void> {
    this.early = []
    const told = await this.chat.data('project:join', { projectId: this.projectId, since: this.seq })
    if (told.reset) await this.load()
    else this.apply(told.changes)
    this.seq = told.lastSeq
    this.hearEarlier()
  }

  async leave(): Promise<void> {
    await this.chat.data('project:leave', { projectId: this.projectId })
  }

  private apply(changes: readonly ChangedTask[]) {
    for (const { deletedAt, ...task } of changes) {
      if (deletedAt === null) this.tasks.set(task.id, task)
      else this.tasks.delete(task.id)
    }
  }

  /** Reads all of it, while changes go on. */
  private async load() {
    if (!this.api) throw new Error('The board was to be loaded afresh')
    this.loads += 1
    this.tasks.clear()
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/projects/${this.projectId}/tasks?limit=100${cursor && `&cursor=${cursor}`}`
      const { body } = await this.api.get(path)
      for (const task of body.data) this.tasks.set(task.id, task)
      cursor = body.meta.nextCursor
    }
  }

  private hear(heard: Heard) {
    if (this.early) return void this.early.push(heard)
    const { event, data } = heard
    if (data.seq <= this.seq) this.disorder.push(`${event} ${data.seq} after ${this.seq}`)
    this.seq = data.seq
    if (event === 'project:changed') return void this.loadAfresh()
    if (event === 'task:deleted') this.tasks.delete(data.taskId)
    else if ((this.tasks.get(data.id)?.seq ?? 0) <= data.seq) this.tasks.set(data.id, data)
  }

  private async loadAfresh() {
    this.early = []
    await this.load()
    this.hearEarlier()
  }

  private hearEarlier() {
    const waiting = this.early ?? []
    this.early = undefined
    for (const heard of waiting) this.hear(heard)
  }
}
