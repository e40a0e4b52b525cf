import { randomInt } from 'node:crypto'
import { expect } from 'vitest'
import { Database } from '../../src/db/database.js'
import { type DomainEvent, type DomainEvents, Events } from '../../src/events.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import type { Answer, Api, TestUser } from '../support/api.js'
import type { TestApp } from '../support/app.js'

/** A project with a key of its own. */
export async function newProject(user: TestUser, workspaceId: string) {
  const key = `P${randomInt(1e6)}`
  const project = await user.api.data('POST', `/workspaces/${workspaceId}/projects`, { name: 'Engine', key })
  return project as { id: string; key: string; workspaceId: string; lastSeq: number }
}

export function newTask(api: Api, projectId: string, fields: object = {}): Promise<Task> {
  return api.data('POST', `/projects/${projectId}/tasks`, { title: 'A task', ...fields })
}

/** All pages of a list, one after another. */
export async function walk(api: Api, path: string, limit = 50, between?: () => Promise<unknown>) {
  const pages: Task[][] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await api.get(
      `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`,
    )
    expect(status, JSON.stringify(body)).toBe(200)
    pages.push(body.data)
    if (body.meta.nextCursor === null) return pages.flat()
    cursor = body.meta.nextCursor
    await between?.()
  }
}

/** Many requests at once. */
export function race<T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)))
}

/** How often each status (with its code) was answered: `{ '200': 1, '412 VERSION_CONFLICT': 49 }`. */
export function tally(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of answers) {
    const name = status < 300 ? String(status) : `${status} ${body.code}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** `422 VALIDATION_ERROR body.title` of an answer that is a problem. */
export function problemOf({ status, body }: Answer): string {
  return [status, body.code, ...(body.errors ?? []).map((error: { path: string }) => error.path)].join(' ')
}

/** Rows of a statement, past the application. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into rows of every shape
export async function rows(app: TestApp, text: string, values: unknown[] = []): Promise<any[]> {
  return (await app.container.resolve(Database).pool.query(text, values)).rows
}

/** How many statements a request costs: the least of some tries, for the server has a pulse of its own. */
export async function statementsOf(app: TestApp, request: () => Promise<Answer>): Promise<number> {
  const costs: number[] = []
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = app.statements()
    expect((await request()).status).toBe(200)
    costs.push(app.statements() - before)
  }
  return Math.min(...costs)
}

/** Remembers the events of a name from now on. */
export function heard<E extends DomainEvent>(app: TestApp, name: E): DomainEvents[E][] {
  const events: DomainEvents[E][] = []
  app.container.resolve(Events).on(name, event => {
    events.push(event)
  })
  return events
}

export const titles = (tasks: { title: string }[]) => tasks.map(({ title }) => title)
