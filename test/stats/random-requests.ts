import { expect } from 'vitest'
import { upload } from '../files/uploading.js'
import type { Answer, Api } from '../support/api.js'
import { oneOf, type Pick } from './picker.js'

/** What there is to work on, for all who do. */
export interface Company {
  projectIds: readonly string[]
  taskIds: string[]
  commentIds: string[]
  attachmentIds: string[]
}

const STATUSES = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled', 'extra']
const DUES = [null, '2020-01-01', '2100-01-01', new Date(Date.now() - 60_000).toISOString()]

/** One request of those that change what is counted. It may be refused, as others work on the same things. */
export async function randomRequest(api: Api, pick: Pick, company: Company): Promise<void> {
  const { projectIds, taskIds, commentIds, attachmentIds } = company
  const project = `/projects/${oneOf(pick, projectIds)}`
  const taskId = taskIds[pick(taskIds.length)]
  const add = async (made: string[], answer: Promise<Answer>) => {
    const { status, body } = await answer
    if (status === 201) made.push(body.data.id)
    return { status, body }
  }
  const create = (fields: object) =>
    add(taskIds, api.post(`${project}/tasks`, { title: 'A task', dueDate: oneOf(pick, DUES), ...fields }))
  const requests: (() => Promise<{ status: number; body: unknown }>)[] = [
    () => create({}),
    () => create({ status: oneOf(pick, STATUSES) }),
    () => create({ parentTaskId: taskId }),
    () => api.patch(`/tasks/${taskId}/status`, { status: oneOf(pick, STATUSES) }),
    () => api.patch(`/tasks/${taskId}`, { status: oneOf(pick, STATUSES), dueDate: oneOf(pick, DUES) }),
    () => api.patch(`/tasks/${taskId}`, { dueDate: oneOf(pick, DUES) }),
    () => api.post(`/tasks/${taskId}/reorder`, { before: oneOf(pick, taskIds) }),
    () => api.delete(`/tasks/${taskId}`),
    () => add(commentIds, api.post(`/tasks/${taskId}/comments`, { content: 'Seen' })),
    () => add(commentIds, api.post(`/tasks/${taskId}/comments`, { content: 'Seen' })),
    () => api.delete(`/comments/${oneOf(pick, commentIds)}`),
    () => add(attachmentIds, upload(api, taskId ?? '')),
    () => api.delete(`/attachments/${oneOf(pick, attachmentIds)}`),
    () => api.post(`${project}/statuses`, { key: 'extra', name: 'Extra', group: 'started' }),
    () => api.delete(`${project}/statuses/extra?remapTo=${oneOf(pick, STATUSES.slice(0, 6))}`),
  ]
  const isReady = taskId !== undefined && commentIds.length > 0 && attachmentIds.length > 0
  const first = [() => create({}), ...(taskId === undefined ? [] : [requests[8], requests[11]])]
  const send = oneOf(pick, isReady ? requests : first.filter(each => each !== undefined))
  const { status, body } = await send()
  expect(status, JSON.stringify(body)).toBeLessThan(500)
}
